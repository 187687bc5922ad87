import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import type { Bytes } from '../domain/ids.ts'
import type { Source } from './source.ts'
import { codeOf, SyncStopped, saidBy } from './stopped.ts'

/**
 * A regular file or a block device. A file tells by its times whether somebody wrote to it; a device does not, so nothing but the
 * person who made the snapshot can say that it is the same one (`--point`).
 */
export async function openFileSource(path: string): Promise<Source> {
  const file = await open(path, constants.O_RDONLY).catch((error: unknown) => {
    throw new SyncStopped(
      'source',
      `The source ${path} cannot be opened: ${saidBy(error)}. Say one that is there and may be read.`,
      error,
    )
  })
  try {
    const first = await file.stat({ bigint: true })
    if (!first.isFile() && !first.isBlockDevice())
      throw new SyncStopped('source', `The source ${path} is neither a file nor a block device. Say one that is.`)
    const size = await sizeOf(first)
    const unchanged = async (): Promise<void> => {
      const now = await file.stat({ bigint: true })
      const left = await sizeOf(now)
      if (left !== size) throw resized(path, size, left)
      if (now.isFile() && pointOf(now) !== pointOf(first))
        throw new SyncStopped(
          'source',
          `Somebody wrote to ${path} while it was read, so it is no point in time. Take a snapshot and push that.`,
        )
    }
    return {
      size,
      point: first.isFile() ? pointOf(first) : undefined,
      read: (offset, into) => fill(path, file, size, offset, into),
      zeros: async () => [],
      unchanged,
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

export const pointOf = ({ dev, ino, size, mtimeNs }: BigIntStats): string => `file ${dev}:${ino} ${size} ${mtimeNs}`

/** The kernel counts a device in sectors of 512 bytes, whatever the device does. */
async function sizeOf(stat: BigIntStats): Promise<Bytes> {
  if (!stat.isBlockDevice()) return Number(stat.size)
  const major = ((stat.rdev >> 8n) & 0xfffn) | ((stat.rdev >> 32n) & ~0xfffn)
  const minor = (stat.rdev & 0xffn) | ((stat.rdev >> 12n) & ~0xffn)
  return Number(await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8')) * 512
}

/** Reads until it is full: a read may give less than it was asked for, and nothing only at the end. */
async function fill(path: string, file: FileHandle, size: Bytes, offset: Bytes, into: Uint8Array): Promise<void> {
  for (let got = 0; got < into.length; ) {
    const { bytesRead } = await file.read(into, got, into.length - got, offset + got).catch((error: unknown) => {
      throw new SyncStopped(
        'source',
        `${path} cannot be read at ${offset + got}: ${codeOf(error) || saidBy(error)}. Nothing of this generation counts. See to the disk, then start it again.`,
        error,
      )
    })
    if (bytesRead === 0) throw resized(path, size, offset + got)
    got += bytesRead
  }
}

const resized = (path: string, was: Bytes, is: Bytes): SyncStopped =>
  new SyncStopped(
    'source',
    `${path} was ${was} bytes when it was opened and ends at ${is} now. Nothing of this generation counts. Let it keep its size, then push the whole disk.`,
  )
