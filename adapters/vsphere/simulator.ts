import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { type Accepted, ledgerIn } from '../../src/kit/ledger.ts'
import { cutInTheMiddle, type Misbehave, mischief } from '../../src/kit/misbehave.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { certificate } from './simulated/certificate.ts'
import { type Pages, refused, sessionAnswer, understand } from './simulated/methods.ts'
import { answer, fault } from './simulated/print.ts'
import { type VCenterState, vcenterIn } from './simulated/vcenter.ts'
import { child, type Element, readXml } from './xml.ts'

export interface Options {
  readonly folder: string // state and ledger; a second start in it is a restart, and every session is gone
  readonly machines?: Readonly<Record<string, readonly Bytes[]>> // name -> the sizes of its disks
  readonly window?: Bytes
  readonly tls?: boolean
}

/** What a test looks at after a change: no clock and no counter in it, so that two equal states are equal. */
export interface State {
  readonly machines: Readonly<Record<string, MachineInState>>
  readonly cancelled: number
}
export interface MachineInState {
  readonly power: string
  readonly tracking: boolean
  readonly begun: string
  readonly consolidation: boolean
  readonly snapshots: readonly string[]
}

export interface Simulation {
  readonly settings: Readonly<Record<string, unknown>> & { readonly url: string; readonly lists: string }
  readonly center: VCenterState
  /** How often somebody logged in, and how many sessions there are. */
  readonly sessions: { logins(): number; open(): number; drop(): void }
  state(): State
  ledger(): readonly Accepted[]
  misbehave(knob: Misbehave): void
  heal(): void
  stop(): Promise<void>
}

const MIB = 1024 * 1024
const [USERNAME, PASSWORD] = ['signalbox@vsphere.local', 'lab-only-vsphere']

/** A vCenter with web01 (two disks) and db01, spoken to in SOAP on the loopback. */
export async function simulate({ folder, machines, window = 4 * MIB, tls = false }: Options): Promise<Simulation> {
  mkdirSync(folder, { recursive: true })
  const center = vcenterIn(folder, machines ?? { web01: [16 * MIB, 3 * MIB], db01: [8 * MIB] }, window)
  const ledger = ledgerIn(folder)
  const pages: Pages = new Map()
  const sessions = new Set<string>()
  const sockets = new Set<Socket>()
  const own = tls ? certificate() : undefined
  let [logins, port] = [0, 0]

  const meet = (request: Element, incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { name: method } = request
    const said = (name: string): string => child(request, name)?.text ?? ''
    const cookie = /vmware_soap_session="([^"]+)"/.exec(incoming.headers.cookie ?? '')?.[1] ?? ''
    const handling = understand(center, pages, method, request)
    const command = `${method} ${request.children.map(one => one.text || one.children.map(it => `${it.name}=${it.text}`).join(' ')).join(' ')}`
    const knob = trouble.next(method === 'Login' ? method : command, handling.changes)
    if (knob?.how === 'hang') return
    if (knob?.how === 'lose request') {
      incoming.socket.destroy()
      return
    }
    const run = (): { readonly status: number; readonly xml: string; readonly cookie?: string } => {
      if (knob?.how === 'refuse') return refused()
      if (method === 'Login') {
        if (said('userName') !== USERNAME || said('password') !== PASSWORD)
          return { status: 500, xml: fault('InvalidLogin', 'Cannot complete login due to an incorrect user name or password.') }
        logins++
        const key = randomUUID()
        sessions.add(key)
        return {
          status: 200,
          xml: sessionAnswer(USERNAME, center.kept.now),
          cookie: `vmware_soap_session="${key}"; Path=/; HttpOnly;`,
        }
      }
      if (method !== 'RetrieveServiceContent' && !sessions.has(cookie)) return { status: 500, xml: fault('NotAuthenticated', '') }
      if (method === 'Logout') {
        sessions.delete(cookie)
        return { status: 200, xml: answer('Logout') }
      }
      return handling.run(() => ledger.accept(command))
    }
    const { status, xml, cookie: set } = run()
    if (knob?.how === 'lose answer') {
      incoming.socket.destroy()
      return
    }
    outgoing.writeHead(status, { 'content-type': 'text/xml; charset=utf-8', ...(set === undefined ? {} : { 'set-cookie': set }) })
    if (knob?.how === 'talk forever') talk(outgoing)
    else outgoing.end(knob?.how === 'garble' ? (knob.spoil ?? cutInTheMiddle)(xml) : xml)
  }

  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('error', () => {})
    incoming.on('end', () => {
      const request = child(readXml(Buffer.concat(parts).toString('utf8')), 'Body')?.children[0]
      if (request) meet(request, incoming, outgoing)
      else outgoing.writeHead(400).end()
    })
  }
  let server: Server
  const open = (): Promise<void> => {
    server = own ? createSecureServer(own, take) : createServer(take)
    server.on('connection', socket => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
    })
    return new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  }
  const close = (): Promise<void> => {
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    return closed
  }
  // A machine that is gone refuses connections: one that accepts and hangs up would have heard the request.
  const trouble = mischief(() => void close())
  await open()
  port = (server!.address() as AddressInfo).port
  return {
    settings: {
      url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/sdk`,
      username: USERNAME,
      password: PASSWORD,
      lists: join(folder, 'lists'),
      nbd: 'nbd://127.0.0.1:10809',
      ...(own ? { thumbprint: own.thumbprint } : {}),
    },
    center,
    sessions: { logins: () => logins, open: () => sessions.size, drop: () => sessions.clear() },
    state: () => stateOf(center),
    ledger: ledger.all,
    misbehave: trouble.add,
    heal() {
      trouble.heal()
      if (!server.listening) void open()
    },
    async stop() {
      await close()
      ledger.close()
    },
  }
}

function talk(outgoing: ServerResponse): void {
  const noise = 'x'.repeat(65_536)
  const more = (): void => {
    if (outgoing.destroyed) return
    if (outgoing.write(noise)) setImmediate(more)
    else outgoing.once('drain', more)
  }
  more()
}

const stateOf = ({ kept }: VCenterState): State => ({
  machines: Object.fromEntries(
    kept.machines.map(({ name, power, tracking, begun, consolidation, snapshots }) => [
      name,
      { power, tracking, begun, consolidation, snapshots: snapshots.map(one => `${one.name}${one.quiesced ? ' quiesced' : ''}`) },
    ]),
  ),
  cancelled: kept.tasks.filter(task => task.cancelled).length,
})
