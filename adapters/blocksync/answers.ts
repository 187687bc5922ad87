import { z } from 'zod'
import { Misread } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'

const Count = z.number().int().min(0)
const Text = z.string().max(4_000)
const Hash = z.string().regex(/^[0-9a-f]{64}$/)

/** What came of it, by whichever command. */
const Result = z.object({
  generation: Count.optional(),
  digest: Hash.optional(),
  set: Count.optional(),
  point: Text.optional(),
  taken: Count.optional(),
  pushed: Count.optional(),
  disks: z.array(z.object({ disk: Text, generation: Count, digest: Hash, size: Count, point: Text })).optional(),
  images: z.record(Text, Text).optional(),
  root: Text.optional(),
  others: z.array(Text).optional(),
  snapshots: z.record(Text, Text).optional(),
  bad: Count.optional(),
  chunks: Count.optional(),
})

const Status = z.object({
  work: Text,
  state: z.enum(['none', 'running', 'paused', 'done', 'failed', 'cancelled']),
  alive: z.boolean(),
  disk: Text.optional(),
  generation: Count.optional(),
  counts: z.object({ total: Count, done: Count, read: Count, zero: Count, changed: Count, sent: Count }).optional(),
  error: Text.optional(),
  limit: Count.optional(),
  request: z.object({ words: z.array(Text), start: Text, intent: Text.optional() }).optional(),
  result: Result.optional(),
})
export type Status = Readonly<z.infer<typeof Status>>

export type SyncState = 'none' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled' | 'dead'

export interface Sync {
  readonly sync: string
  readonly state: SyncState
  readonly about?: string // the disk or the machine
  readonly done?: Bytes
  readonly total?: Bytes
  readonly sent?: Bytes
  readonly limit?: number
  readonly error?: string
  // What came of it.
  readonly generation?: number
  readonly digest?: string
  readonly set?: number
  readonly point?: string
  readonly taken?: number
  readonly disks?: number
  readonly images?: Readonly<Record<string, string>>
  readonly root?: string
  readonly others?: readonly string[]
  readonly snapshots?: Readonly<Record<string, string>>
  readonly bad?: number
  readonly chunks?: number
}

/** A mover that says that it moves, and does not live, is dead. */
export const stateOf = ({ state, alive }: Status): SyncState =>
  (state === 'running' || state === 'paused') && !alive ? 'dead' : state

export function syncOf(sync: string, status: Status): Sync {
  const { counts, result: { disks, pushed: _, generation, ...result } = {} } = status
  const measured = counts !== undefined && counts.total > 0
  return given({
    sync,
    state: stateOf(status),
    about: status.disk,
    done: measured ? counts.done : undefined,
    total: measured ? counts.total : undefined,
    sent: counts?.sent,
    limit: status.limit,
    error: status.error,
    generation,
    ...result,
    disks: disks?.length,
  }) as unknown as Sync
}

/** An object without what was not said. */
const given = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

const Works = z.object({ count: Count, works: z.array(Status.extend({ name: Text })) })
const Sets = z.object({
  machine: Text,
  count: Count,
  sets: z
    .array(
      z.object({
        set: Count,
        point: Text,
        taken: Count,
        disks: z.array(z.object({ disk: Text, generation: Count, digest: Hash, size: Count, point: Text })),
      }),
    )
    .max(1),
})
const Generations = z.object({
  disk: Text,
  count: Count,
  generations: z.array(z.object({ generation: Count, digest: Hash, size: Count, whole: z.boolean(), bytes: Count })),
})

const reading =
  <T>(schema: z.ZodType<T>, what: string) =>
  (text: string): T => {
    try {
      return schema.parse(JSON.parse(text))
    } catch {
      throw new Misread(`that is not what the mover says of ${what}`, text)
    }
  }

export const readStatus = reading(Status, 'a sync')
export const readWorks = reading(Works, 'its syncs')
export const readSets = reading(Sets, 'recovery points')
export const readGenerations = reading(Generations, 'the generations of a disk')
export const readWish = reading(
  z.object({ paused: z.boolean(), cancelled: z.boolean(), limit: Count.optional() }),
  'what was asked of a sync',
)
