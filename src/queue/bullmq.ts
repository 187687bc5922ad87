import { z } from 'zod'
import type { Millis, RunId } from '../domain/ids.ts'
import type { Call, Queue } from '../ports/queue.ts'
import type { Hand, Line } from './backend.ts'
import { onPostgres } from './on-postgres.ts'
import { onRedis } from './on-redis.ts'

export interface QueueOptions {
  readonly redisUrl?: string // without it the queue lives in Postgres, in a schema of its own
  readonly postgresUrl: string
  readonly name?: string // of the schema, or of the keys in Redis: "signalbox_queue"
  readonly migrate?: boolean // false where the role may not
  /** Told of what would otherwise go unheard: a nudge that was lost, a turn that threw. Never a reason to stop. */
  readonly heard?: (problem: unknown) => void
}

const Nudge = z.object({ run: z.string() })
const ONCE = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const
const SIDE_BY_SIDE: Readonly<Record<Call, number>> = { advance: 16, report: 4 }
const NUDGED_WITHIN: Millis = 2_000
const STOPPED_WITHIN: Millis = 20_000
const CLOSED_WITHIN: Millis = 2_000

/** BullMQ on Redis where there is one, else on its Postgres backend. */
export async function openQueue({
  redisUrl,
  postgresUrl,
  name = 'signalbox_queue',
  migrate = true,
  heard = () => {},
}: QueueOptions): Promise<Queue> {
  const backend =
    redisUrl === undefined ? await onPostgres(postgresUrl, name, heard, migrate) : await onRedis(redisUrl, name, heard)
  const lines: Readonly<Record<Call, Line>> = { advance: backend.line('advance'), report: backend.line('report') }
  const workers: Hand[] = []
  const inHand = new Set<Promise<void>>()
  for (const line of Object.values(lines)) line.on('error', heard)

  return {
    async nudge(call, run, seq) {
      if (!backend.reachable()) return // the sweep finds it
      // No colon, and not digits alone: BullMQ refuses those.
      const sent = lines[call].add(call, { run }, { ...ONCE, jobId: `${call}-${run}-${seq}` })
      await within(sent, NUDGED_WITHIN).catch(heard)
    },
    async work(on) {
      for (const call of ['advance', 'report'] as const) {
        const work = on[call]
        if (!work) continue
        // A turn that throws is told of and done with: trying again is the sweep's, which knows what the run needs.
        const turn = (job: { readonly data: unknown }) => {
          const going = work(Nudge.parse(job.data).run as RunId).catch(heard)
          inHand.add(going)
          return going.finally(() => inHand.delete(going))
        }
        const worker = backend.worker(call, turn, SIDE_BY_SIDE[call])
        worker.on('error', heard)
        workers.push(worker)
      }
    },
    async stop() {
      await Promise.all(workers.map(worker => worker.pause(true)))
      await within(ended(inHand), STOPPED_WITHIN).catch(heard)
      // By force where it cannot say that its turns are over: it would try for ever.
      const force = inHand.size > 0 || !backend.reachable()
      await within(Promise.all(workers.map(worker => worker.close(force))), CLOSED_WITHIN).catch(heard)
      // What was in hand may have nudged, so the lines close last.
      await within(Promise.all(Object.values(lines).map(line => line.close())), CLOSED_WITHIN).catch(heard)
      await within(backend.stop(), CLOSED_WITHIN).catch(heard)
    },
  }
}

async function ended(turns: ReadonlySet<Promise<void>>): Promise<void> {
  while (turns.size > 0) await Promise.all(turns)
}

/** Gives up waiting, not what is waited for. */
async function within(work: Promise<unknown>, limit: Millis): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the queue did not answer within ${limit} ms`)), limit)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
