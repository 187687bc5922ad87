import type { Bytes } from '../domain/ids.ts'
import { type Extent, endOf } from './extents.ts'
import { type NbdClient, openNbd } from './nbd-client.ts'
import { parseNbdUri } from './nbd-uri.ts'
import { STATUS_ZERO } from './nbd-wire.ts'
import type { Source } from './source.ts'
import { SyncStopped, saidBy } from './stopped.ts'

const AT_ONCE: Bytes = 1 << 30 // of a status question: its length has 32 bits
const MOST: Bytes = 16 << 20 // of a read: servers take 32 MiB, and may take less

/** An export of an NBD server: qemu-nbd, qemu-storage-daemon, nbdkit with whatever plugin reads the disk. */
export async function openNbdSource(uri: string): Promise<Source> {
  const place = parseNbdUri(uri)
  const connected = (): Promise<NbdClient> =>
    openNbd(place).catch((error: unknown) => {
      throw new SyncStopped(
        'source',
        `The NBD server of the source cannot be used. ${sentence(error)} See to it, then start again.`,
        error,
      )
    })
  const client = await connected()
  const { size } = client
  return {
    size,
    point: undefined, // an export does not tell which moment it shows
    read: async (offset, into) => {
      try {
        for (let at = 0; at < into.length; at += MOST) await client.read(offset + at, into.subarray(at, at + MOST))
      } catch (error) {
        throw new SyncStopped(
          'source',
          `The source cannot be read at ${offset}. ${sentence(error)} Nothing of this generation counts. See to the disk, then start again.`,
          error,
        )
      }
    },
    zeros: extent => (client.tellsStatus ? zeros(client, extent) : Promise.resolve([])),
    // The size of an export is told once, at the handshake: a second connection asks again.
    unchanged: async () => {
      const again = await connected()
      again.close()
      if (again.size !== size)
        throw new SyncStopped(
          'source',
          `The source was ${size} bytes when it was opened and is ${again.size} now. Nothing of this generation counts. Push the whole disk.`,
        )
    },
    close: async () => client.close(),
  }
}

async function zeros(client: NbdClient, extent: Extent): Promise<readonly Extent[]> {
  const found: Extent[] = []
  for (let offset = extent.offset; offset < endOf(extent); ) {
    const told = await client.status(offset, Math.min(AT_ONCE, endOf(extent) - offset)).catch(() => [])
    const before = offset
    for (const { length, flags } of told) {
      const shown = Math.min(length, endOf(extent) - offset) // the last one may run over the end of the question
      if ((flags & STATUS_ZERO) !== 0 && shown > 0) found.push({ offset, length: shown })
      offset += shown
    }
    if (offset === before) return found // it does not know: what is left is read
  }
  return found
}

const sentence = (error: unknown): string => saidBy(error).replace(/[^.]$/, '$&.')
