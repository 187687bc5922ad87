import { connect } from 'node:net'
import type { Bytes } from '../domain/ids.ts'

/** A disk that somebody uses: where its bytes really are may change under it. */
export interface Disk {
  write(at: Bytes, bytes: Buffer): Promise<void>
  read(at: Bytes, length: Bytes): Promise<Buffer>
  close(): void
}

const ANSWERS = 10_000 // ms
const ERROR_AT = 4

/** As much of NBD as an application needs (the protocol's fixed newstyle, one request at a time). Throws when the server says no or falls silent. */
export async function openNbdDisk(path: string, name: string): Promise<Disk> {
  const socket = connect({ path })
  socket.setTimeout(ANSWERS, () => socket.destroy(new Error('the NBD server does not answer')))
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest = Buffer.alloc(0)
  const take = async (length: Bytes): Promise<Buffer> => {
    while (rest.length < length) {
      const { value, done } = await chunks.next()
      if (done === true) throw new Error('the NBD server closed the connection')
      rest = Buffer.concat([rest, value])
    }
    const taken = Buffer.from(rest.subarray(0, length))
    rest = rest.subarray(length)
    return taken
  }
  try {
    await take(18)
    const option = Buffer.alloc(20 + name.length)
    option.writeUInt32BE(3, 0) // fixed newstyle, no zeroes
    option.write('IHAVEOPT', 4)
    option.writeUInt32BE(1, 12) // the export's name; with it the transmission begins
    option.writeUInt32BE(name.length, 16)
    option.write(name, 20)
    socket.write(option)
    await take(10)
  } catch (error) {
    socket.destroy()
    throw error
  }
  let cookie = 0n
  let last: Promise<unknown> = Promise.resolve()
  const request = async (command: 0 | 1, at: Bytes, length: Bytes, bytes?: Buffer): Promise<Buffer> => {
    const header = Buffer.alloc(28)
    header.writeUInt32BE(0x25609513, 0)
    header.writeUInt16BE(command, 6)
    header.writeBigUInt64BE(++cookie, 8)
    header.writeBigUInt64BE(BigInt(at), 16)
    header.writeUInt32BE(length, 24)
    socket.write(bytes ? Buffer.concat([header, bytes]) : header)
    const error = (await take(16)).readUInt32BE(ERROR_AT)
    if (error !== 0) throw new Error(`the NBD server says error ${error}`)
    return command === 0 ? take(length) : Buffer.alloc(0)
  }
  /** An answer is the next one that comes, so that no two requests are under way. */
  const oneByOne = (ask: () => Promise<Buffer>): Promise<Buffer> => {
    const mine = last.then(ask)
    last = mine.catch(() => {})
    return mine
  }
  return {
    write: async (at, bytes) => void (await oneByOne(() => request(1, at, bytes.length, bytes))),
    read: (at, length) => oneByOne(() => request(0, at, length)),
    close: () => void socket.destroy(),
  }
}
