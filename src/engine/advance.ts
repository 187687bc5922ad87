import type { Instant, RunId } from '../domain/ids.ts'
import type { Action } from '../domain/plan.ts'
import { type Work, work } from '../domain/program.ts'
import type { Event, Run } from '../domain/run.ts'
import { type Hold, LeaseLost } from '../ports/store.ts'
import { open } from './calendar.ts'
import { messageOf } from './call.ts'
import { claimsOf } from './claims.ts'
import type { Engine } from './engine.ts'
import { look, show } from './look.ts'
import { send, settle } from './send.ts'

/** How long a run that waits for another one's claim waits before it tries again. */
const CLAIM_AGAIN = 2_000

/** Takes a run as far as it can go now. Safe to call at any time, any number of times, from anywhere. */
export async function advance(id: RunId, engine: Engine): Promise<void> {
  try {
    await engine.store.hold(id, engine.lease, hold => turn(id, hold, engine))
  } catch (error) {
    // Another worker has the run now: whatever this one was about to write is that one's to find out.
    if (!(error instanceof LeaseLost)) throw error
  }
}

async function turn(id: RunId, hold: Hold, engine: Engine): Promise<void> {
  if (hold.orphaned) await hold.record((run, now) => mourn(run, now))
  let shown = -1
  for (;;) {
    const { run, now } = await current(hold)
    if (run.seq !== shown) await engine.nudge('report', id, run.seq)
    shown = run.seq
    const asked = engine.stopping.aborted ? [] : work(run, now)
    const lost = asked.flatMap(job => withoutTarget(job, engine))
    if (lost.length > 0) {
      await hold.record(() => lost)
      continue
    }
    const jobs = await claimed(asked, run, now, hold, engine)
    if (jobs.length === 0) return
    const looked = jobs.some(job => job.kind === 'look')
    await all(jobs.map(job => perform(job, run, hold, engine)))
    if (looked) await engine.nudge('report', id, run.seq)
  }
}

/** The site file may have lost a target, or an adapter a capability, since the run began: the card has to say so. */
function withoutTarget(job: Work, engine: Engine): readonly Event[] {
  try {
    for (const action of actionsOf(job)) engine.find(action)
    return []
  } catch (error) {
    const why = messageOf(error)
    return [
      job.kind === 'settle' ? { type: 'step.doubted', step: job.step.id, why } : { type: 'step.failed', step: job.step.id, why },
    ]
  }
}

function actionsOf(job: Work): readonly Action[] {
  switch (job.kind) {
    case 'open':
      return []
    case 'show':
      return job.step.facts.map(fact => fact.read)
    case 'look':
      return [job.step.read]
    case 'send':
    case 'settle':
      return [job.step.action]
  }
}

/** The run with everything that has become due, and the store's time. */
async function current(hold: Hold): Promise<{ run: Run; now: Instant }> {
  let now: Instant = 0
  const run = await hold.record((_, at) => {
    now = at
    return []
  })
  return { run, now }
}

/** The worker before this one died: the steps it may have died of are noted, and at the third time the run is held. */
function mourn(run: Run, now: Instant): readonly Event[] {
  const suspects = new Set(work(run, now).map(job => job.step.id))
  // A request in flight is a suspect too, though it is not yet time to ask what became of it.
  for (const [id, state] of run.steps) if (state.is === 'sent') suspects.add(id)
  return suspects.size === 0 ? [] : [{ type: 'worker.lost', steps: [...suspects] }]
}

/** Sends only what nobody else holds; everything else that is due does not depend on claims. */
async function claimed(jobs: readonly Work[], run: Run, now: Instant, hold: Hold, engine: Engine): Promise<readonly Work[]> {
  const sends = jobs.filter(job => job.kind === 'send')
  if (sends.length === 0) return jobs
  const obstacle = await hold.claim(claimsOf(run, engine))
  if (obstacle) {
    await hold.waitFor({ ...obstacle, next: now + CLAIM_AGAIN })
    return jobs.filter(job => job.kind !== 'send')
  }
  if (run.waitsFor) await hold.waitFor(undefined)
  return jobs
}

function perform(job: Work, run: Run, hold: Hold, engine: Engine): Promise<void> {
  switch (job.kind) {
    case 'send':
      return send(run, job.step, job.attempt, hold, engine)
    case 'settle':
      return settle(run, job.step, job.intent, hold, engine)
    case 'look':
      return look(run, job.step, hold, engine)
    case 'show':
      return show(run, job.step, hold, engine)
    case 'open':
      return open(run, job.step, hold, engine)
  }
}

/** Promise.all, but nothing is left running behind when one of them throws. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const done of await Promise.allSettled(work)) if (done.status === 'rejected') throw done.reason
}
