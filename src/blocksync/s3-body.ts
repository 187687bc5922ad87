import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { PutObjectCommand } from '@aws-sdk/client-s3'
import type { Bytes } from '../domain/ids.ts'

/** What the store checks on arrival. AWS checks CRC-32; of the others some check only MD5, and all of them that. */
export const checksums = (bytes: Uint8Array, notAws: boolean) =>
  notAws ? { ContentMD5: createHash('md5').update(bytes).digest('base64') } : { ChecksumCRC32: base64Of(crc32(bytes)) }

function base64Of(checksum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(checksum)
  return bytes.toString('base64')
}

/**
 * The signature covers the checksum, not the body: a second SHA-256 of each byte, in the one thread that does everything else, would
 * prove nothing that the checksum on arrival and the hash of each chunk on the way back do not. Signature version 4 knows the word:
 * docs.aws.amazon.com, "Signature Calculations for the Authorization Header", x-amz-content-sha256.
 */
export function bodyUnsigned(put: PutObjectCommand): PutObjectCommand {
  put.middlewareStack.add(
    next => args => {
      const { request } = args
      if (typeof request === 'object' && request !== null && 'headers' in request)
        Object.assign(request.headers as object, { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })
      return next(args)
    },
    { step: 'build', name: 'bodyUnsigned' },
  )
  return put
}

/** Exactly `into`, from what comes after the first `skip` bytes; whether there was so much. */
export async function fillFrom(body: Readable, skip: Bytes, into: Uint8Array): Promise<boolean> {
  let got = -skip
  for await (const part of body as AsyncIterable<Uint8Array>) {
    const wanted = part.subarray(Math.max(0, -got), Math.max(0, into.length - got))
    if (wanted.length > 0) into.set(wanted, Math.max(0, got))
    got += part.length
  }
  return got >= into.length
}
