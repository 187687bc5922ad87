import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Kept {
  readonly bytes: Buffer
  readonly sent: string | undefined // the mark of whoever put it there, in `x-amz-meta-sent`
  readonly meta?: Readonly<Record<string, string>> // its x-amz-meta headers
  readonly etag?: string // of an upload in parts; else the MD5
  readonly modified?: number
}
export interface Upload {
  readonly key: string
  readonly begun: number
  readonly meta: Readonly<Record<string, string>>
  readonly parts: Map<number, Buffer>
}

/** What one bucket has. */
export interface Shelf {
  readonly bucket: string
  readonly objects: Map<string, Kept>
  readonly uploads: Map<string, Upload>
  exists: boolean
  versioning: '' | 'Enabled' | 'Suspended'
  markers: number // objects that were deleted by a marker
  /** Called after each change. */
  keep(): void
}

export const shelf = (bucket: string): Shelf => ({
  bucket,
  objects: new Map(),
  uploads: new Map(),
  exists: true,
  versioning: '',
  markers: 0,
  keep() {},
})

interface Index {
  readonly exists: boolean
  readonly versioning: Shelf['versioning']
  readonly markers: number
  readonly objects: readonly (readonly [string, Omit<Kept, 'bytes'> & { readonly blob: string }])[]
  readonly uploads: readonly (readonly [
    string,
    Omit<Upload, 'parts'> & { readonly parts: readonly (readonly [number, string])[] },
  ])[]
}

/** The same, and on disk after each change: a second start in the folder finds it again. */
export function shelfIn(folder: string, bucket: string): Shelf {
  const blobs = join(folder, 'blobs')
  const index = join(folder, 'index.json')
  mkdirSync(blobs, { recursive: true })
  const put = (bytes: Buffer): string => {
    const name = createHash('sha256').update(bytes).digest('hex')
    if (!existsSync(join(blobs, name))) writeFileSync(join(blobs, name), bytes)
    return name
  }
  const get = (name: string): Buffer => readFileSync(join(blobs, name))
  const made: Shelf = {
    ...shelf(bucket),
    keep() {
      const { exists, versioning, markers } = made
      const text: Index = {
        exists,
        versioning,
        markers,
        objects: [...made.objects].map(([key, { bytes, ...rest }]) => [key, { ...rest, blob: put(bytes) }]),
        uploads: [...made.uploads].map(([id, { parts, ...rest }]) => [
          id,
          { ...rest, parts: [...parts].map(([number, bytes]) => [number, put(bytes)] as const) },
        ]),
      }
      writeFileSync(`${index}.next`, JSON.stringify(text))
      renameSync(`${index}.next`, index)
    },
  }
  if (!existsSync(index)) return made
  const { exists, versioning, markers, objects, uploads } = JSON.parse(readFileSync(index, 'utf8')) as Index
  Object.assign(made, { exists, versioning, markers })
  for (const [key, { blob, ...rest }] of objects) made.objects.set(key, { ...rest, bytes: get(blob) })
  for (const [id, { parts, ...rest }] of uploads)
    made.uploads.set(id, { ...rest, parts: new Map(parts.map(([number, blob]) => [number, get(blob)])) })
  return made
}
