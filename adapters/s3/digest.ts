import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { Misread, Uncertain } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'
import type { Seen } from './answers.ts'
import { broken } from './trouble.ts'

export interface Digest {
  readonly bytes: Bytes
  readonly sha256: string
  readonly md5: string
}

/** Reads a stream to its end, at most as many bytes as were announced. `each` gets them as they come. */
export async function digested(
  body: Readable,
  announced: Bytes,
  signal: AbortSignal,
  changes: boolean,
  each?: (chunk: Buffer) => Promise<void>,
): Promise<Digest> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')]
  let bytes = 0
  const halt = (): void => void body.destroy(new Error('out of time'))
  signal.addEventListener('abort', halt, { once: true })
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: true })) {
      const piece = Buffer.from(chunk as Uint8Array)
      bytes += piece.length
      if (bytes > announced) break
      sha256.update(piece)
      md5.update(piece)
      await each?.(piece)
    }
  } catch (error) {
    if (signal.aborted) throw new Uncertain('it was sent, and not all of the answer came in time')
    throw error instanceof LocalTrouble ? error : broken(error, true)
  } finally {
    signal.removeEventListener('abort', halt)
  }
  if (bytes !== announced) {
    const why = `${announced} bytes were announced, and ${bytes > announced ? 'more' : bytes} came`
    throw changes ? new Uncertain(`it was sent, and ${why}`) : new Misread(why, '')
  }
  return { bytes, sha256: sha256.digest('hex'), md5: md5.digest('hex') }
}

/** The disk of this machine failed, not S3. */
export class LocalTrouble extends Error {}

/**
 * By our own SHA-256 where it was written down; else by the etag where it looks like the MD5 of an object that went up in one piece and is
 * not encrypted by a key of KMS, whose etag is none (S3 API reference, Object).
 */
export function verdict({ sha256, etag, encryption }: Seen, read: Digest): 'intact' | 'damaged' | 'unattested' {
  if (sha256 !== undefined) return sha256 === read.sha256 ? 'intact' : 'damaged'
  if (/^[0-9a-f]{32}$/.test(etag) && (encryption === undefined || encryption === 'AES256'))
    return etag === read.md5 ? 'intact' : 'damaged'
  return 'unattested'
}
