import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** A request as it arrived, body and all. */
export interface Request {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}
export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export function requestOf(method: string, url: string, headers: IncomingHttpHeaders, bytes: Buffer): Request {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const [, bucket = '', ...rest] = decodeURIComponent(pathname).split('/')
  return { method, bucket, key: rest.join('/'), query: searchParams, headers, bytes }
}

/** "PUT a/b?part": for the ledger, and for whoever asks what was sent. */
export function shown({ method, key, query }: Request): string {
  const about = ['uploads', 'versioning', 'encryption', 'lifecycle', 'object-lock'].find(name => query.has(name))
  const part = query.has('partNumber') ? '?part' : query.has('uploadId') ? '?complete' : ''
  return `${method} ${key}${about === undefined ? part : `?${about}`}`
}

export const ok = (body: string | Buffer = '', headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  body,
  headers,
})
export const no = (status: number, code: string, more = '', headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message>${more}</Error>`,
  headers: { 'content-type': 'application/xml', ...headers },
})
export const xml = (root: string, body: string): Reply =>
  ok(`<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</${root}>`, {
    'content-type': 'application/xml',
  })

export const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

/** Does the request say a digest of its body that is not its own? */
export function wrongDigest({ headers, bytes }: Request): boolean {
  const claims: readonly (readonly [string, string, 'base64' | 'hex'])[] = [
    ['content-md5', 'md5', 'base64'],
    ['x-amz-checksum-sha256', 'sha256', 'base64'],
    ['x-amz-content-sha256', 'sha256', 'hex'],
  ]
  return claims.some(([header, algorithm, encoding]) => {
    const said = headers[header]
    if (typeof said !== 'string' || /^(UNSIGNED|STREAMING)/.test(said)) return false
    return said !== createHash(algorithm).update(bytes).digest(encoding)
  })
}

export const metaIn = (headers: IncomingHttpHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') && typeof value === 'string' ? [[name, value]] : [],
    ),
  )

/** Minutes of difference that S3 allows (S3 API reference, RequestTimeTooSkewed). */
const ALLOWED = 15 * 60_000
export function tooSkewed({ headers }: Request, now: number): boolean {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? []
  return y !== undefined && Math.abs(Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) - now) > ALLOWED
}
