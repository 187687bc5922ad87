import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { makeFolder, readIfThere, writeDurably } from '../blocksync/durable-file.ts'
import { ownerLives, parseOwner } from '../blocksync/lock.ts'
import { readState, type State } from '../blocksync/progress.ts'
import { readWish } from '../blocksync/steering.ts'

/** What a work folder is for, so that whoever finds it can tell, and start the same again. Written by whoever holds its lock. */
const Request = z.object({
  words: z.array(z.string()), // of the command line, without --detach and what belongs to it
  cwd: z.string(),
  start: z.string(), // which process it is
  intent: z.string().optional(), // of whoever asked
})
export type Request = Readonly<z.infer<typeof Request>>

export interface Status {
  readonly work: string
  readonly state: State['state'] | 'none'
  readonly alive: boolean
  readonly request?: Request | undefined
  readonly result?: unknown
  readonly limit?: number | undefined // bytes a second, as it is wished
  readonly [of: string]: unknown // what, disk, generation, counts, error: the state as the mover said it
}

/** Two starts are the same when the same words were said in the same place. */
export const sameRequest = (one: Request, other: Request): boolean =>
  one.cwd === other.cwd && JSON.stringify(one.words) === JSON.stringify(other.words)

export async function readRequest(work: string): Promise<Request | undefined> {
  const text = await readIfThere(`${work}/request.json`)
  return text === undefined ? undefined : Request.parse(JSON.parse(text))
}

/**
 * How a mover stands. It is done when its result is there: a mover that is in its last moment, or died in it, is still at work.
 * Where nobody has worked, the state is `none`.
 */
export async function statusOf(work: string): Promise<Status> {
  const [request, seen, kept] = [await readRequest(work), await readState(work), await readIfThere(`${work}/result.json`)]
  const lock = await readIfThere(`${work}/lock`)
  const alive = lock !== undefined && (await ownerLives(parseOwner(lock)))
  if (!seen && !request) return { work, state: 'none', alive }
  const result = kept === undefined ? undefined : (JSON.parse(kept) as unknown)
  const { limit } = await readWish(work)
  const unfinished = !seen || (seen.state === 'done' && request !== undefined && result === undefined)
  return {
    work,
    ...(seen ?? {}),
    state: unfinished ? 'running' : seen.state,
    alive,
    ...(request === undefined ? {} : { request }),
    ...(result === undefined ? {} : { result }),
    ...(limit === undefined ? {} : { limit }),
  }
}

/**
 * The first word of a mover comes when it holds the lock and before its state is written: then the folder is its own, and what
 * another request has left there goes. Synchronous, so that the state cannot be written before it.
 */
export function begins(work: string, request: Request, tell: (state: State) => void): (state: State) => void {
  let first = true
  return state => {
    if (first) {
      first = false
      for (const old of ['result.json', 'state.json']) rmSync(`${work}/${old}`, { force: true })
      const beside = `${work}/request.json.${request.start}.part`
      const file = openSync(beside, 'w', 0o600)
      writeSync(file, JSON.stringify(request))
      fsyncSync(file)
      closeSync(file)
      renameSync(beside, `${work}/request.json`)
    }
    tell(state)
  }
}

export async function keepResult(work: string, result: unknown): Promise<void> {
  await makeFolder(work)
  await writeDurably(`${work}/result.json`, JSON.stringify(result))
}

/** The generation that a mover of the same request had made when it died before it could write down its result. */
export async function endedBefore(work: string, request: Request): Promise<number | undefined> {
  const [before, seen] = [await readRequest(work), await readState(work)]
  if (!before || !seen || seen.alive || seen.state !== 'done' || !sameRequest(before, request)) return undefined
  return (await readIfThere(`${work}/result.json`)) === undefined ? seen.generation : undefined
}
