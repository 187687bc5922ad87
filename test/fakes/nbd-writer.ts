import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export const BLOCK = 4096

/** As much of NBD as a writer needs: one request at a time. */
export interface NbdDisk {
  write(at: number, data: Buffer): Promise<void>
  read(at: number, bytes: number): Promise<Buffer>
  close(): void
}

export async function openNbdDisk(path: string, name: string): Promise<NbdDisk> {
  const socket: Socket = connect({ path })
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest = Buffer.alloc(0)
  const take = async (bytes: number): Promise<Buffer> => {
    while (rest.length < bytes) {
      const { value, done } = await chunks.next()
      if (done) throw new Error('NBD: the connection ended')
      rest = Buffer.concat([rest, value])
    }
    const taken = rest.subarray(0, bytes)
    rest = rest.subarray(bytes)
    return taken
  }
  await take(18)
  const option = Buffer.alloc(20 + name.length)
  option.writeUInt32BE(3, 0) // fixed newstyle, no zeroes
  option.write('IHAVEOPT', 4)
  option.writeUInt32BE(1, 12)
  option.writeUInt32BE(name.length, 16)
  option.write(name, 20)
  socket.write(option)
  await take(10)
  let handle = 0n
  const request = async (type: number, at: number, bytes: number, data?: Buffer): Promise<Buffer> => {
    const header = Buffer.alloc(28)
    header.writeUInt32BE(0x25609513, 0)
    header.writeUInt16BE(type, 6)
    header.writeBigUInt64BE(++handle, 8)
    header.writeBigUInt64BE(BigInt(at), 16)
    header.writeUInt32BE(bytes, 24)
    socket.write(data ? Buffer.concat([header, data]) : header)
    const error = (await take(16)).readUInt32BE(4)
    if (error !== 0) throw new Error(`NBD: error ${error}`)
    return type === 0 ? Buffer.from(await take(bytes)) : rest.subarray(0, 0)
  }
  return {
    write: async (at, data) => void (await request(1, at, data.length, data)),
    read: (at, bytes) => request(0, at, bytes),
    close: () => socket.destroy(),
  }
}

export interface Writer {
  readonly errors: readonly unknown[]
  writes(): number
  /** Resolves when so many more writes were acknowledged. */
  more(count: number): Promise<void>
  stop(): Promise<void>
  /** How many acknowledged blocks read back as something else. */
  bad(from: NbdDisk): Promise<number>
}

/** An application that never stops: blocks here and there in a window that moves over the disk, each with a stamp of its own. */
export function writeOn(disk: NbdDisk, size: number): Writer {
  const blocks = size / BLOCK
  const window = Math.min(blocks, 256)
  const shadow = new Map<number, number>()
  let [going, stamp] = [true, 0]
  const errors: unknown[] = []
  const run = (async () => {
    while (going) {
      const now = ++stamp
      const block = (Math.floor(now / 300) * 997 + ((now * 7919) % window)) % blocks
      const data = Buffer.alloc(BLOCK, now % 251)
      data.writeUInt32BE(now, 0)
      data.writeUInt32BE(now, BLOCK - 4)
      try {
        await disk.write(block * BLOCK, data)
        shadow.set(block, now)
      } catch (error) {
        errors.push(error)
        going = false
      }
      await delay(15) // so that on a slow machine it does not write the whole disk between two moments
    }
  })()
  return {
    errors,
    writes: () => stamp,
    async more(count) {
      for (const until = stamp + count; going && stamp < until; ) await delay(5)
    },
    async stop() {
      going = false
      await run
    },
    async bad(from) {
      let bad = 0
      for (const [block, now] of shadow) {
        const data = await from.read(block * BLOCK, BLOCK)
        if (data.readUInt32BE(0) !== now || data.readUInt32BE(BLOCK - 4) !== now) bad++
      }
      return bad
    },
  }
}
