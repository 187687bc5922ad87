import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** What goes wrong, and how many times. */
export type Misbehaviour =
  | 'slow down' // 503 before anything is done
  | 'error after success' // 500, and it was done
  | 'error after completing' // the same, for the end of an upload in parts
  | 'loses a part' // the object is shorter, and the answer is 200
  | 'rejects a part' // InvalidPart
  | 'expired token'
  | 'wrong clock'
  | 'no conditions' // 501, as Swift does
  | 'listing lags' // shows nothing

export interface FakeS3 {
  readonly endpoint: string
  readonly objects: Map<string, { bytes: Buffer; sent: string | undefined }>
  readonly requests: string[]
  misbehave(how: Misbehaviour, times: number): void
  close(): Promise<void>
}

/** S3 on loopback: objects, uploads in parts, a listing. It checks what a client says about what it sends. One bucket: `vault`. */
export async function startFakeS3(): Promise<FakeS3> {
  const objects: FakeS3['objects'] = new Map()
  const uploads = new Map<string, { parts: Map<number, Buffer>; sent: string | undefined }>()
  const requests: string[] = []
  const troubles = new Map<Misbehaviour, number>()
  const trouble = (how: Misbehaviour): boolean => {
    const left = troubles.get(how) ?? 0
    troubles.set(how, left - 1)
    return left > 0
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const [, bucket = '', ...rest] = decodeURIComponent(url.pathname).split('/')
    const key = rest.join('/')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    const query = url.searchParams
    requests.push(
      `${request.method} ${key}${query.has('uploads') ? '?uploads' : query.has('partNumber') ? '?part' : query.has('uploadId') ? '?complete' : ''}`,
    )
    const no = (status: number, code: string): void => {
      response.writeHead(status, { 'content-type': 'application/xml' })
      response.end(
        request.method === 'HEAD'
          ? undefined
          : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
      )
    }
    const ok = (body = '', headers: Record<string, string> = {}): void => void response.writeHead(200, headers).end(body)
    if (bucket !== 'vault') return no(404, 'NoSuchBucket')
    if (trouble('expired token')) return no(400, 'ExpiredToken')
    if (trouble('wrong clock')) return no(403, 'RequestTimeTooSkewed')
    if (trouble('slow down')) return no(503, 'SlowDown')
    const claims: readonly (readonly [string, string, BufferEncoding])[] = [
      ['content-md5', 'md5', 'base64'],
      ['x-amz-checksum-sha256', 'sha256', 'base64'],
      ['x-amz-content-sha256', 'sha256', 'hex'],
    ]
    for (const [header, algorithm, encoding] of claims) {
      const said = request.headers[header]
      if (
        typeof said === 'string' &&
        !said.startsWith('UNSIGNED') &&
        said !==
          createHash(algorithm)
            .update(bytes)
            .digest(encoding as 'hex')
      )
        return no(400, 'BadDigest')
    }
    const sent = request.headers['x-amz-meta-sent']?.toString()
    const uploadId = query.get('uploadId')
    if (request.method === 'POST' && query.has('uploads')) {
      const id = randomUUID()
      uploads.set(id, { parts: new Map(), sent })
      return ok(
        `<?xml version="1.0"?><InitiateMultipartUploadResult><Bucket>${bucket}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      )
    }
    if (uploadId !== null) {
      const upload = uploads.get(uploadId)
      if (!upload) return no(404, 'NoSuchUpload')
      if (request.method === 'PUT') {
        upload.parts.set(Number(query.get('partNumber')), bytes)
        return ok('', { etag: `"${createHash('md5').update(bytes).digest('hex')}"` })
      }
      if (request.method === 'POST') {
        if (trouble('rejects a part')) return no(400, 'InvalidPart')
        const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part)
        if (trouble('loses a part')) parts.splice(1, 1)
        objects.set(key, { bytes: Buffer.concat(parts), sent: upload.sent })
        uploads.delete(uploadId)
        if (trouble('error after completing')) return no(500, 'InternalError')
        return ok(
          `<?xml version="1.0"?><CompleteMultipartUploadResult><Key>${key}</Key><ETag>"x-${parts.length}"</ETag></CompleteMultipartUploadResult>`,
        )
      }
      uploads.delete(uploadId)
      return void response.writeHead(204).end()
    }
    const found = objects.get(key)
    switch (request.method) {
      case 'PUT':
        if (request.headers['if-none-match'] !== undefined) {
          if (trouble('no conditions')) return no(501, 'NotImplemented')
          if (found) return no(412, 'PreconditionFailed')
        }
        objects.set(key, { bytes, sent })
        if (trouble('error after success')) return no(500, 'InternalError')
        return ok()
      case 'GET': {
        if (key === '' || query.has('list-type')) {
          const keys = trouble('listing lags')
            ? []
            : [...objects.keys()].filter(name => name.startsWith(query.get('prefix') ?? '')).sort()
          return ok(
            `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>${keys.map(name => `<Contents><Key>${name}</Key></Contents>`).join('')}</ListBucketResult>`,
          )
        }
        if (!found) return no(404, 'NoSuchKey')
        response.writeHead(200, { 'content-length': found.bytes.length })
        return void response.end(found.bytes)
      }
      case 'HEAD':
        if (!found) return no(404, 'NotFound')
        return void response
          .writeHead(200, { 'content-length': found.bytes.length, ...(found.sent ? { 'x-amz-meta-sent': found.sent } : {}) })
          .end()
      default:
        return no(405, 'MethodNotAllowed')
    }
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The fake has no port.')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    objects,
    requests,
    misbehave: (how, times) => void troubles.set(how, times),
    close: () =>
      new Promise(done => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}
