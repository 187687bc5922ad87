import { z } from 'zod'
import type { Bytes, Millis } from '../domain/ids.ts'
import { readIfThere, writeWhole } from './durable-file.ts'
import { ownerLives, parseOwner, self } from './lock.ts'

/** Counted, never estimated. */
export interface Counts {
  total: Bytes // of the disk that this run is about
  done: Bytes // of these, dealt with, by whatever way: the only one that progress may be drawn from
  read: Bytes // from the source, or from the store
  zero: Bytes // that need not be sent or stored
  changed: Bytes // that are not zero
  sent: Bytes // to the store, or to the image; the rest was there already
}

export const none = (): Counts => ({ total: 0, done: 0, read: 0, zero: 0, changed: 0, sent: 0 })

const State = z.object({
  what: z.enum(['push', 'pull', 'ebs']),
  state: z.enum(['running', 'paused', 'done', 'cancelled', 'failed']),
  disk: z.string(),
  generation: z.int(),
  owner: z.unknown(),
  counts: z.object({
    total: z.number(),
    done: z.number(),
    read: z.number(),
    zero: z.number(),
    changed: z.number(),
    sent: z.number(),
  }),
  error: z.string().optional(),
})
export type State = Omit<z.infer<typeof State>, 'owner'>

const EVERY: Millis = 1_000
const file = (work: string): string => `${work}/state.json`

export interface Reporter {
  /** The last word; the timer ends with it. */
  end(state: State['state'], error?: string): Promise<void>
}

/** Says how far it is, once a second and at the end: a JSON line to `tell`, and the same in state.json. */
export async function reporting(work: string, now: () => State, tell: (state: State) => void): Promise<Reporter> {
  const owner = await self()
  let writing = Promise.resolve()
  const say = (state: State): Promise<void> => {
    tell(state)
    writing = writing.then(() => writeWhole(file(work), `${JSON.stringify({ ...state, owner })}\n`))
    return writing
  }
  await say(now())
  const timer = setInterval(() => void say(now()).catch(() => {}), EVERY) // the last word is written again, and tells
  return {
    end: async (state, error) => {
      clearInterval(timer)
      await writing.catch(() => {})
      writing = Promise.resolve()
      await say({ ...now(), state, ...(error === undefined ? {} : { error }) })
    },
  }
}

export type Seen = (State & { readonly alive: boolean }) | undefined

/** What a mover last said of its work, and whether it still lives. */
export async function readState(work: string): Promise<Seen> {
  const text = await readIfThere(file(work))
  if (text === undefined) return undefined
  const { owner, ...state } = State.parse(JSON.parse(text))
  return { ...state, alive: await ownerLives(parseOwner(JSON.stringify(owner ?? null))) }
}
