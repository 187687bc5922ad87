import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { exclusive } from '../../src/kit/claims.ts'
import { capability } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import type { Seen } from './answers.ts'
import { digested, LocalTrouble, verdict } from './digest.ts'
import { openIncoming, openOutgoing } from './files.ts'
import { getting, head, present } from './looking.ts'
import { Delete, quoted, Up } from './params.ts'
import { IN_ONE, send } from './sending.ts'
import { Answered, Faulted } from './trouble.ts'
import type { Bucket } from './wire.ts'

const on = capability<Bucket>()
/** A large file needs its time on the way. */
const LONG: Millis = 6 * 60 * 60_000

/** What tells one object from another that took its place. */
export interface Trace {
  readonly etag?: string
  readonly by?: string
  readonly whole?: boolean
  readonly modified?: string
  readonly intent: string
}

async function trace(bucket: Bucket, key: string, intent: string, signal: AbortSignal): Promise<Trace> {
  const seen = await head(bucket, key, signal)
  if (!seen) return { intent }
  const { etag, by, whole, modified } = seen
  return { intent, etag, modified, ...(by === undefined ? {} : { by }), ...(whole === undefined ? {} : { whole }) }
}

const same = (a: Trace, b: Trace): boolean => a.etag === b.etag && a.modified === b.modified && a.by === b.by

/** What people get to know of what was sent. */
const putThere = ({ key, bytes, etag, sha256 = '', version }: Seen, parts: number) => ({
  key,
  bytes,
  etag,
  sha256,
  parts,
  ...(version === undefined ? {} : { version }),
})

export const upload = on({
  summary: 'Send a file of this machine. What is there under the key already is never replaced.',
  examples: [
    'upload /srv/files/sql01.bak to backup/sql01.bak on dr-s3',
    'upload /srv/files/a.tgz to "monthly (2026)/a.tgz" on dr-s3',
  ],
  params: Up,
  says: (target, { file, key }) => `upload ${file} to ${quoted(key)} on ${target}`,
  sends: ({ key }) => [
    `HeadObject ${key}`,
    `PutObject ${key} if there is none; more than ${IN_ONE} bytes in parts`,
    `HeadObject ${key}`,
  ],
  effect: {
    takes: LONG,
    risk: 'routine',
    claims: ({ key }) => [exclusive('object', key)],
    inDoubt: {
      ask: 'device',
      look: (bucket, call) => trace(bucket, call.params.key, call.intent, call.signal),
      judge: (before: Trace, now: Trace) => {
        if (now.etag !== undefined && now.by === now.intent)
          return now.whole === true
            ? { done: true }
            : { done: 'unknown', why: 'what was sent is there, and it is not as long as the file: S3 lost a part' }
        if (same(before, now)) return { done: false }
        return { done: 'unknown', why: 'another object is there now, and it was not sent by this request' }
      },
    },
  },
  perform: async (bucket, call) => {
    const { file, key } = call.params
    const seen = await head(bucket, key, call.signal)
    if (seen) throw new Refused(`there is an object ${key} already, of ${seen.modified}: delete it first, or take another key`)
    const outgoing = await openOutgoing(bucket.folder, file, call.signal)
    try {
      let parts: number | undefined
      try {
        parts = await send(bucket, outgoing, key, call)
      } catch (error) {
        // A fault of S3 may come after its success: what is there decides. It is not sent again here.
        if (!(error instanceof Faulted)) throw error
        const there = await afterwards(() => head(bucket, key, call.signal))
        if (there?.by !== call.intent) throw error
      }
      const there = await afterwards(() => head(bucket, key, call.signal))
      if (there?.by !== call.intent || there.bytes !== outgoing.bytes || there.sha256 !== outgoing.sha256)
        throw new Uncertain(
          there?.by === call.intent
            ? `S3 said yes, and the object has ${there.bytes} of ${outgoing.bytes} bytes: it lost a part. Delete it, and send it again`
            : 'S3 said yes, and what is there now was not sent by this request',
        )
      return putThere(there, parts ?? partsIn(there))
    } finally {
      await outgoing.close()
    }
  },
  shows: ({ key, bytes, sha256, parts }) => [
    `${key}: ${bytes} bytes in ${parts} ${parts === 1 ? 'piece' : 'parts'}`,
    `SHA-256 ${sha256}`,
  ],
})

/** The etag of an object that went up in parts ends with their number. */
const partsIn = ({ etag }: Seen): number => Number(/-(\d{1,5})$/.exec(etag)?.[1] ?? 1)

export const download = on({
  summary: 'Bring an object into a new file of this machine. It gets its name when all of it is there and is what was put there.',
  examples: ['download backup/sql01.bak to /srv/files/back.bak on dr-s3'],
  params: Up,
  says: (target, { file, key }) => `download ${quoted(key)} to ${file} on ${target}`,
  sends: ({ key }) => [`HeadObject ${key}`, `GetObject ${key}`],
  effect: {
    takes: LONG,
    risk: 'routine',
    claims: ({ file }) => [exclusive('file', file)],
    inDoubt: { ask: 'nobody' }, // the same bytes under the same name, or nothing
  },
  perform: async (bucket, call) => {
    const { file, key } = call.params
    const incoming = await openIncoming(bucket.folder, file, call.signal)
    const seen = await present(bucket, key, call.signal)
    if (incoming.there !== undefined && incoming.there !== seen.sha256)
      throw new Refused(`${file} is there already, and is not known to be this object: take another name`)
    if (incoming.there !== undefined) return { key, file, bytes: seen.bytes, sha256: incoming.there, state: 'intact' as const }
    const beside = await incoming.begin(seen.bytes)
    try {
      const body = await bucket.open(getting(bucket, seen), call)
      const read = await digested(body, seen.bytes, call.signal, true, async chunk => {
        await beside.write(chunk).catch((error: Error) => {
          throw new LocalTrouble(error.message, { cause: error })
        })
      })
      const state = verdict(seen, read)
      if (state === 'damaged')
        throw new Refused(`the object ${key} is damaged: what came is not what was put there. ${file} was not made`)
      call.go()
      await beside.finish()
      return { key, file, bytes: read.bytes, sha256: read.sha256, state }
    } catch (error) {
      await beside.discard()
      if (error instanceof Answered && error.code === 'PreconditionFailed')
        throw new Refused(`another object took the place of ${key} meanwhile: begin again`, { cause: error })
      throw error instanceof LocalTrouble ? new Refused(error.message, { cause: error }) : error
    }
  },
  shows: ({ file, bytes, sha256, state }) => [
    `${file}: ${bytes} bytes${state === 'intact' ? ', and they are what was put there' : ', and nobody wrote down what they were meant to be'}`,
    `SHA-256 ${sha256}`,
  ],
})

export const deleteObject = on({
  summary: 'Delete an object, if it still is the one that was seen. A bucket that keeps versions keeps its bytes.',
  examples: [
    'delete object backup/sql01.bak on dr-s3',
    'delete object backup/sql01.bak with etag 5d41402abc4b2a76b9719d911017c592 on dr-s3',
  ],
  params: Delete,
  says: (target, { key, etag }) => `delete object ${quoted(key)}${etag === undefined ? '' : ` with etag ${etag}`} on ${target}`,
  sends: ({ key }) => [`HeadObject ${key}`, `DeleteObject ${key}`],
  effect: {
    risk: 'destructive',
    claims: ({ key }) => [exclusive('object', key)],
    inDoubt: {
      ask: 'device',
      look: (bucket, call) => trace(bucket, call.params.key, call.intent, call.signal),
      judge: (before: Trace, now: Trace) => {
        if (before.etag !== undefined && now.etag === undefined) return { done: true }
        if (same(before, now)) return { done: false }
        return { done: 'unknown', why: 'another object is there now: it came after the deletion, or in its place' }
      },
    },
  },
  perform: async (bucket, call) => {
    const { key, etag } = call.params
    const seen = await present(bucket, key, call.signal)
    if (etag !== undefined && seen.etag !== etag)
      throw new Refused(`the object ${key} has the etag ${seen.etag} now: it is not the one that was seen`)
    let left: { readonly marker: boolean; readonly version?: string }
    try {
      left = await bucket.change(
        () => new DeleteObjectCommand({ Bucket: bucket.bucket, Key: key }),
        ({ headers }) => {
          const version = headers['x-amz-version-id']
          return { marker: headers['x-amz-delete-marker'] === 'true', ...(version === undefined ? {} : { version }) }
        },
        call,
      )
    } catch (error) {
      if (!(error instanceof Faulted) || (await afterwards(() => head(bucket, key, call.signal)))) throw error
      left = { marker: seen.version !== undefined }
    }
    const there = await afterwards(() => head(bucket, key, call.signal))
    if (there) throw new Uncertain(`S3 said yes, and there is an object ${key} all the same, of ${there.modified}`)
    return { key, etag: seen.etag, bytes: seen.bytes, marker: left.marker }
  },
  shows: ({ key, bytes, marker }) =>
    marker
      ? [`${key}: deleted by a marker. The bucket keeps versions: its ${bytes} bytes are still there, and cost`]
      : [`${key}: deleted, ${bytes} bytes`],
})

/** Once something was sent, a look that fails must never read as "nothing was sent". */
export async function afterwards<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Uncertain(`it was sent and answered, and what came of it could not be read: ${why}`, { cause })
  }
}
