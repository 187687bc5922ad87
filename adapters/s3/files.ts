import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, link, lstat, open, realpath, statfs, unlink } from 'node:fs/promises'
import { basename, dirname, sep } from 'node:path'
import { Refused } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { codeOf } from './trouble.ts'

/** A file of this machine that is to be sent, held open: what a rename puts in its place is not sent. */
export interface Outgoing {
  readonly bytes: Bytes
  readonly sha256: string
  read(offset: Bytes, length: Bytes): Promise<Buffer>
  /** Throws Refused if it was written to since it was opened. */
  unchanged(): Promise<void>
  close(): Promise<void>
}

const PIECE: Bytes = 4 << 20

/** Reads it once from end to end, for its SHA-256. */
export async function openOutgoing(folder: string | undefined, file: string, signal: AbortSignal): Promise<Outgoing> {
  const real = await inFolder(folder, file, await local(() => realpath(file), `the file ${file} cannot be read`))
  const handle = await local(() => open(real, 'r'), `the file ${file} cannot be read`)
  try {
    const before = await handle.stat({ bigint: true })
    if (!before.isFile()) throw new Refused(`${file} is no regular file`)
    const bytes = Number(before.size)
    const read = async (offset: Bytes, length: Bytes): Promise<Buffer> => {
      const into = Buffer.alloc(length)
      for (let got = 0; got < length; ) {
        const { bytesRead } = await local(
          () => handle.read(into, got, length - got, offset + got),
          `the file ${file} cannot be read`,
        )
        if (bytesRead === 0) throw new Refused(`the file ${file} got shorter while it was read: nothing of it counts`)
        got += bytesRead
      }
      return into
    }
    const hash = createHash('sha256')
    for (let at = 0; at < bytes; at += PIECE) {
      signal.throwIfAborted()
      hash.update(await read(at, Math.min(PIECE, bytes - at)))
    }
    return {
      bytes,
      sha256: hash.digest('hex'),
      read,
      async unchanged() {
        const now = await handle.stat({ bigint: true })
        if (now.size !== before.size || now.mtimeNs !== before.mtimeNs || now.ctimeNs !== before.ctimeNs)
          throw new Refused(`the file ${file} was written to while it was sent: send one that stands still, a snapshot or a copy`)
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** A place for a file that does not exist yet: it is made beside, and gets its name when it is whole. */
export interface Incoming {
  /** The SHA-256 of what is there under the name already. */
  readonly there: string | undefined
  begin(bytes: Bytes): Promise<{
    write(chunk: Buffer): Promise<void>
    /** Durable, and under its name; never in the place of another file. */
    finish(): Promise<void>
    discard(): Promise<void>
  }>
}

export async function openIncoming(folder: string | undefined, file: string, signal: AbortSignal): Promise<Incoming> {
  const parent = await inFolder(folder, file, await local(() => realpath(dirname(file)), `the folder of ${file} cannot be used`))
  const name = `${parent}${sep}${basename(file)}`
  const found = await lstat(name).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new Refused(`the file ${file} cannot be looked at: ${codeOf(error)}`)
  })
  let there: string | undefined
  if (found) {
    if (!found.isFile()) throw new Refused(`${file} is there, and is no regular file`)
    const old = await openOutgoing(folder, file, signal)
    there = old.sha256
    await old.close()
  }
  return {
    there,
    begin: async bytes => {
      const { bavail, bsize } = await local(() => statfs(parent), `the folder of ${file} cannot be used`)
      if (bavail * bsize < bytes)
        throw new Refused(`the folder of ${file} has ${bavail * bsize} bytes left, and the object has ${bytes}: make room`)
      const beside = `${parent}${sep}.${basename(file)}.${randomUUID()}.part`
      const handle = await local(() => open(beside, 'wx', 0o600), `no file can be made beside ${file}`)
      return {
        write: chunk => local(() => writeAll(handle, chunk), `the file beside ${file} cannot be written`),
        async finish() {
          await local(() => handle.sync(), `the file beside ${file} cannot be written`)
          await local(() => link(beside, name), `${file} cannot be made`)
          await unlink(beside).catch(() => {})
          await handle.close()
          const directory = await open(parent, 'r')
          await directory.sync().finally(() => directory.close())
        },
        async discard() {
          await handle.close().catch(() => {})
          await unlink(beside).catch(() => {})
        },
      }
    },
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; )
    written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten
}

/** Through all links: a sentence in a chat must not reach the rest of this machine. */
async function inFolder(folder: string | undefined, file: string, real: string): Promise<string> {
  if (folder === undefined)
    throw new Refused('the site file names no folder for files: say `folder` in the settings of this target')
  const home = await local(() => realpath(folder), 'the folder for files that the site file names cannot be used')
  if (real !== home && !real.startsWith(home === sep ? sep : home + sep))
    throw new Refused(`${file} is not in the folder that the site file names for files, ${folder}`)
  return real
}

async function local<T>(doing: () => Promise<T>, sentence: string): Promise<T> {
  try {
    return await doing()
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused(`${sentence}: ${codeOf(error) || 'unknown'}`, { cause: error })
  }
}
