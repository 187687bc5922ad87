import { randomUUID } from 'node:crypto'
import { md5, metaIn, no, ok, type Reply, type Request, xml } from './requests.ts'
import type { Kept, Shelf } from './shelf.ts'

/** What goes wrong in the bucket itself; each is asked once per request that it could meet. */
export type Fault =
  | 'error after success' // 500, and it was done
  | 'error after completing' // the same, for the end of an upload in parts
  | 'fault in the answer to completing' // 200, and an error document for a body, as AWS does
  | 'loses a part' // the object is shorter, and the answer is 200
  | 'rejects a part' // InvalidPart
  | 'no conditions' // 501, as Swift does
  | 'listing lags' // shows nothing
  | 'no ranges' // 200 and all of it, as an answer to a question for a part
  | 'lists in circles' // says each time that there is more, at the same place

export interface World {
  readonly shelf: Shelf
  now(): number
  faulty(how: Fault): boolean
  /** Right before the effect of a change. */
  accept(): void
}

const SMALLEST = 5 << 20

/** One request to a bucket that is there. */
export function answer(request: Request, world: World): Reply {
  const { method, key, query } = request
  if (query.get('uploadId') !== null) return uploading(request, world)
  if (key === '') return method === 'GET' || method === 'HEAD' ? ofBucket(request, world) : setting(request, world)
  if (method === 'POST' && query.has('uploads')) return begin(request, world)
  return ofObject(request, world)
}

function ofBucket({ method, query }: Request, { shelf, faulty }: World): Reply {
  if (method === 'HEAD') return ok('', { 'x-amz-bucket-region': 'us-east-1' })
  if (query.has('versioning'))
    return xml('VersioningConfiguration', shelf.versioning === '' ? '' : `<Status>${shelf.versioning}</Status>`)
  if (query.has('encryption')) return no(404, 'ServerSideEncryptionConfigurationNotFoundError')
  if (query.has('lifecycle')) return no(404, 'NoSuchLifecycleConfiguration')
  if (query.has('object-lock')) return no(404, 'ObjectLockConfigurationNotFoundError')
  const encoded = query.get('encoding-type') === 'url'
  const named = (name: string): string => (encoded ? encodeURIComponent(name).replaceAll('%2F', '/') : escaped(name))
  const prefix = query.get('prefix') ?? ''
  const type = encoded ? '<EncodingType>url</EncodingType>' : ''
  if (query.has('uploads')) {
    const found = [...shelf.uploads].filter(([, { key }]) => key.startsWith(prefix))
    const each = found.map(
      ([id, { key, begun }]) =>
        `<Upload><Key>${named(key)}</Key><UploadId>${id}</UploadId><Initiated>${new Date(begun).toISOString()}</Initiated></Upload>`,
    )
    return xml('ListMultipartUploadsResult', `${type}<IsTruncated>false</IsTruncated>${each.join('')}`)
  }
  const from = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString()
  const all = faulty('listing lags')
    ? []
    : [...shelf.objects.keys()].filter(name => name.startsWith(prefix) && name > from).sort()
  const page = all.slice(0, Number(query.get('max-keys') ?? 1_000))
  const circle = faulty('lists in circles')
  const token = circle ? 'YQ==' : Buffer.from(page.at(-1) ?? '').toString('base64')
  const more = circle || all.length > page.length
  const each = page.map(name => {
    const it = shelf.objects.get(name)!
    return `<Contents><Key>${named(name)}</Key><LastModified>${new Date(it.modified ?? 0).toISOString()}</LastModified><ETag>&quot;${etagOf(it)}&quot;</ETag><Size>${it.bytes.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`
  })
  return xml(
    'ListBucketResult',
    `<Name>${shelf.bucket}</Name><Prefix>${named(prefix)}</Prefix>${type}<KeyCount>${page.length}</KeyCount><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${token}</NextContinuationToken>` : ''}${each.join('')}`,
  )
}

function setting({ method, query, bytes }: Request, world: World): Reply {
  const { shelf } = world
  if (method !== 'PUT') return no(405, 'MethodNotAllowed')
  if (!query.has('versioning')) return no(409, 'BucketAlreadyOwnedByYou')
  const status = /<Status>(Enabled|Suspended)<\/Status>/.exec(bytes.toString())?.[1]
  if (status !== 'Enabled' && status !== 'Suspended') return no(400, 'MalformedXML')
  world.accept()
  shelf.versioning = status
  shelf.keep()
  return world.faulty('error after success') ? no(500, 'InternalError') : ok()
}

function ofObject({ method, key, headers, bytes }: Request, world: World): Reply {
  const { shelf } = world
  const found = shelf.objects.get(key)
  switch (method) {
    case 'PUT':
      if (headers['if-none-match'] !== undefined) {
        if (world.faulty('no conditions')) return no(501, 'NotImplemented')
        if (found) return no(412, 'PreconditionFailed')
      }
      world.accept()
      put(key, { bytes, sent: headers['x-amz-meta-sent']?.toString(), meta: metaIn(headers) }, world)
      return world.faulty('error after success') ? no(500, 'InternalError') : ok('', { etag: `"${md5(bytes)}"` })
    case 'GET':
    case 'HEAD': {
      if (!found) return no(404, method === 'HEAD' ? 'NotFound' : 'NoSuchKey')
      const matches = headers['if-match']?.replaceAll('"', '')
      if (matches !== undefined && matches !== etagOf(found)) return no(412, 'PreconditionFailed')
      const wanted = method === 'GET' && !world.faulty('no ranges') ? rangeIn(headers.range, found.bytes.length) : undefined
      if (wanted === 'none') return no(416, 'InvalidRange')
      const part = wanted ? found.bytes.subarray(wanted.from, wanted.to + 1) : found.bytes
      const answer = ok(part, {
        'content-length': String(part.length),
        ...(wanted ? { 'content-range': `bytes ${wanted.from}-${wanted.to}/${found.bytes.length}` } : {}),
        etag: `"${etagOf(found)}"`,
        'last-modified': new Date(found.modified ?? 0).toUTCString(),
        ...found.meta,
        ...(found.sent === undefined ? {} : { 'x-amz-meta-sent': found.sent }),
        ...(shelf.versioning === '' ? {} : { 'x-amz-version-id': 'v1' }),
      })
      return wanted ? { ...answer, status: 206 } : answer
    }
    case 'DELETE': {
      world.accept()
      const marker = shelf.versioning === 'Enabled'
      if (found && marker) shelf.markers++
      shelf.objects.delete(key)
      shelf.keep()
      if (world.faulty('error after success')) return no(500, 'InternalError')
      return { status: 204, headers: marker ? { 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'marker' } : {} }
    }
    default:
      return no(405, 'MethodNotAllowed')
  }
}

/** The part of an object that a client asks for; none where it begins behind the end. */
function rangeIn(said: string | undefined, length: number): { readonly from: number; readonly to: number } | 'none' | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(said ?? '') ?? []
  if (from === undefined) return undefined
  return Number(from) >= length ? 'none' : { from: Number(from), to: Math.min(Number(to), length - 1) }
}

function begin({ key, headers }: Request, world: World): Reply {
  const id = randomUUID()
  world.accept()
  world.shelf.uploads.set(id, { key, begun: world.now(), meta: metaIn(headers), parts: new Map() })
  world.shelf.keep()
  return xml(
    'InitiateMultipartUploadResult',
    `<Bucket>${world.shelf.bucket}</Bucket><Key>${escaped(key)}</Key><UploadId>${id}</UploadId>`,
  )
}

function uploading({ method, key, query, bytes, headers }: Request, world: World): Reply {
  const { shelf, faulty } = world
  const id = query.get('uploadId') ?? ''
  const upload = shelf.uploads.get(id)
  if (upload?.key !== key) return no(404, 'NoSuchUpload')
  if (method === 'GET') {
    const each = [...upload.parts].map(([part, it]) => `<Part><PartNumber>${part}</PartNumber><Size>${it.length}</Size></Part>`)
    return xml('ListPartsResult', `<IsTruncated>false</IsTruncated>${each.join('')}`)
  }
  if (method === 'PUT') {
    world.accept()
    upload.parts.set(Number(query.get('partNumber')), bytes)
    shelf.keep()
    return ok('', { etag: `"${md5(bytes)}"` })
  }
  if (method === 'DELETE') {
    world.accept()
    shelf.uploads.delete(id)
    shelf.keep()
    return { status: 204 }
  }
  if (headers['if-none-match'] !== undefined && faulty('no conditions')) return no(501, 'NotImplemented')
  if (headers['if-none-match'] !== undefined && shelf.objects.has(key)) return no(412, 'PreconditionFailed')
  const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part)
  const named = [...bytes.toString().matchAll(/<ETag>(?:&quot;|")?([0-9a-f]{32})(?:&quot;|")?<\/ETag>/g)].map(match => match[1])
  if (faulty('rejects a part') || parts.map(md5).join() !== named.join()) return no(400, 'InvalidPart')
  if (parts.slice(0, -1).some(part => part.length < SMALLEST)) return no(400, 'EntityTooSmall')
  if (faulty('fault in the answer to completing')) return { ...no(200, 'InternalError'), status: 200 }
  if (faulty('loses a part')) parts.splice(1, 1)
  world.accept()
  const etag = `${md5(Buffer.concat(parts.map(part => Buffer.from(md5(part), 'hex'))))}-${parts.length}`
  put(key, { bytes: Buffer.concat(parts), sent: upload.meta['x-amz-meta-sent'], meta: upload.meta, etag }, world)
  shelf.uploads.delete(id)
  shelf.keep()
  if (faulty('error after completing')) return no(500, 'InternalError')
  return xml('CompleteMultipartUploadResult', `<Key>${escaped(key)}</Key><ETag>&quot;${etag}&quot;</ETag>`)
}

function put(key: string, it: Kept, { shelf, now }: World): void {
  shelf.objects.set(key, { ...it, modified: now() })
  shelf.keep()
}

const etagOf = ({ etag, bytes }: Kept): string => etag ?? md5(bytes)
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
