import { connect, type Socket } from 'node:net'
import type { Bytes } from '../domain/ids.ts'
import type { NbdPlace } from './nbd-uri.ts'
import {
  body,
  CMD,
  clientFlags,
  contextBody,
  goBody,
  greets,
  headLength,
  OPT,
  option,
  optionReply,
  REP,
  reply,
  request,
} from './nbd-wire.ts'

export interface StatusExtent {
  readonly length: Bytes
  readonly flags: number
}

/** One connection to an export, for reading. Requests may be under way side by side; each answer finds its own by its cookie. */
export interface NbdClient {
  readonly size: Bytes
  readonly tellsStatus: boolean
  read(offset: Bytes, into: Uint8Array): Promise<void>
  status(offset: Bytes, length: Bytes): Promise<readonly StatusExtent[]>
  close(): void
}

interface Asked {
  readonly offset: Bytes
  readonly into: Uint8Array
  got: Bytes
  error: number
  status: readonly StatusExtent[]
  readonly done: (asked: Asked) => void
  readonly failed: (error: Error) => void
}

const AHEAD: Bytes = 1 << 20 // that may wait unread
const QUIET = 60_000 // ms: a server that says nothing for so long while it owes an answer is taken for dead
const ERRNO: Readonly<Record<number, string>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'EOVERFLOW',
  95: 'ENOTSUP',
  108: 'ESHUTDOWN',
}

export async function openNbd({ connect: where, exportName }: NbdPlace): Promise<NbdClient> {
  const socket = connect(where)
  const asked = new Map<bigint, Asked>()
  let broken: Error | undefined
  const end = (error: Error): void => {
    broken ??= error
    for (const { failed } of asked.values()) failed(broken)
    asked.clear()
    socket.destroy()
  }
  socket.on('error', end)
  socket.on('close', () => end(new Error('The server has closed the connection.')))
  socket.setTimeout(QUIET, () => (asked.size > 0 || size === undefined) && end(new Error('The server does not answer.')))
  let size: Bytes | undefined
  const take = taker(socket)
  try {
    const agreed = await handshake(socket, take, exportName)
    size = agreed.size
    void replies(take, asked).catch(end)
    let cookie = 0n
    const ask = (command: number, offset: Bytes, length: Bytes, into: Uint8Array): Promise<Asked> =>
      new Promise((done, failed) => {
        if (broken) return failed(broken)
        asked.set(++cookie, { offset, into, got: 0, error: 0, status: [], done, failed })
        socket.write(request(command, cookie, offset, length))
      })
    return {
      size,
      tellsStatus: agreed.tellsStatus,
      read: async (offset, into) => {
        const { error, got } = await ask(CMD.read, offset, into.length, into)
        if (error !== 0) throw new Error(`The server says ${ERRNO[error] ?? `error ${error}`}.`)
        if (got !== into.length) throw new Error(`The server sent ${got} of ${into.length} bytes.`)
      },
      status: async (offset, length) => {
        const { error, status } = await ask(CMD.blockStatus, offset, length, new Uint8Array())
        return error === 0 ? status : [] // it need not know
      },
      close: () => {
        if (!broken) socket.end(request(CMD.disconnect, 0n, 0, 0))
        broken ??= new Error('The connection is closed.')
        socket.setTimeout(1_000, () => socket.destroy())
      },
    }
  } catch (error) {
    socket.destroy()
    throw broken ?? error
  }
}

type Take = (length: number) => Promise<Buffer>

/** The next so many bytes. What has come waits in the memory only as far as one message needs it: then the socket is held back. */
function taker(socket: Socket): Take {
  let waiting: Buffer[] = []
  let had = 0
  let wanted = 0
  let wake = (): void => {}
  socket.on('data', (bytes: Buffer) => {
    waiting.push(bytes)
    had += bytes.length
    if (had >= Math.max(wanted, AHEAD)) socket.pause()
    if (had >= wanted) wake()
  })
  socket.on('close', () => wake())
  return async length => {
    wanted = length
    while (had < length) {
      if (socket.destroyed || socket.readableEnded) throw new Error('The server has closed the connection.')
      await new Promise<void>(done => {
        wake = done
        socket.resume()
      })
    }
    wanted = 0
    const all = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting)
    had -= length
    waiting = had === 0 ? [] : [all.subarray(length)]
    return all.subarray(0, length)
  }
}

async function handshake(socket: Socket, take: Take, exportName: string): Promise<{ size: Bytes; tellsStatus: boolean }> {
  if (!greets(await take(18))) throw new Error('The server does not speak the fixed newstyle of NBD.')
  socket.write(clientFlags())
  const answers = async (kind: number, content?: Buffer): Promise<readonly { kind: number; body: Buffer }[]> => {
    socket.write(option(kind, content))
    const all: { kind: number; body: Buffer }[] = []
    for (;;) {
      const head = optionReply(await take(20))
      const bytes = await take(head.length)
      if (head.kind === REP.ack || head.kind >= REP.errorBit) return [...all, { kind: head.kind, body: bytes }]
      all.push({ kind: head.kind, body: bytes })
    }
  }
  const structured = (await answers(OPT.structuredReply)).at(-1)?.kind === REP.ack
  const contexts = structured ? await answers(OPT.setMetaContext, contextBody(exportName, 'base:allocation')) : []
  const go = await answers(OPT.go, goBody(exportName))
  const refused = go.find(({ kind }) => kind >= REP.errorBit)
  if (refused)
    throw new Error(`The server does not give the export ${JSON.stringify(exportName)}: ${refused.body.toString().slice(0, 200)}`)
  const told = go.find(({ kind, body: bytes }) => kind === REP.info && bytes.readUInt16BE(0) === 0)
  if (!told) throw new Error('The server does not say how large the export is.')
  return { size: Number(told.body.readBigUInt64BE(2)), tellsStatus: contexts.some(({ kind }) => kind === REP.metaContext) }
}

async function replies(take: Take, asked: Map<bigint, Asked>): Promise<void> {
  for (;;) {
    const four = await take(4)
    const head = reply(Buffer.concat([four, await take(headLength(four) - 4)]))
    const one = asked.get(head.cookie)
    if (!one) throw new Error('The server answers what nobody asked.')
    if (head.form === 'simple') {
      one.error = head.error
      if (head.error === 0) put(one, one.offset, await take(one.into.length))
    } else {
      const content = body(head.kind, await take(head.length))
      switch (content.is) {
        case 'none':
          break
        case 'bytes':
          put(one, content.offset, content.bytes)
          break
        case 'hole':
          put(one, content.offset, new Uint8Array(Math.min(content.length, one.into.length)))
          break
        case 'status':
          one.status = content.extents
          break
        case 'error':
          one.error = content.error || 5
      }
      if (!head.last) continue
    }
    asked.delete(head.cookie)
    one.done(one)
  }
}

function put(one: Asked, offset: Bytes, bytes: Uint8Array): void {
  const at = offset - one.offset
  if (at < 0 || at + bytes.length > one.into.length) throw new Error('The server sends bytes that nobody asked for.')
  one.into.set(bytes, at)
  one.got += bytes.length
}
