import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../domain/ids.ts'

/** A write may take less than it was given. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, offset: Bytes): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await file.write(bytes, written, bytes.length - written, offset + written)).bytesWritten
}

export async function readAll(file: FileHandle, into: Uint8Array, offset: Bytes): Promise<boolean> {
  for (let got = 0; got < into.length; ) {
    const { bytesRead } = await file.read(into, got, into.length - got, offset + got)
    if (bytesRead === 0) return false
    got += bytesRead
  }
  return true
}

/** One after the other, from the beginning of the file. */
export async function writeTogether(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const total = parts.reduce((sum, { length }) => sum + length, 0)
  const neighbours = parts.every((part, nth) => nth === 0 || follows(parts[nth - 1]!, part))
  if (neighbours && parts[0]) return writeAll(file, new Uint8Array(parts[0].buffer, parts[0].byteOffset, total), 0)
  let offset = 0
  for (let next = 0; next < parts.length; next += MOST_PARTS) {
    const some = parts.slice(next, next + MOST_PARTS)
    const length = some.reduce((sum, part) => sum + part.length, 0)
    const { bytesWritten } = await file.writev(some, offset)
    if (bytesWritten < length) await writeAll(file, Buffer.concat(some).subarray(bytesWritten), offset + bytesWritten)
    offset += length
  }
}

const MOST_PARTS = 512 // of one writev: systems take 1024

const follows = (before: Uint8Array, after: Uint8Array): boolean =>
  before.buffer === after.buffer && before.byteOffset + before.length === after.byteOffset
