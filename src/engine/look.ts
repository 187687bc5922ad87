import { canonical } from '../domain/chain.ts'
import type { Instant, Millis } from '../domain/ids.ts'
import { type Fact, fieldOf, type Gate, meets, type Watch, wanted } from '../domain/plan.ts'
import { observe, type Progress } from '../domain/progress.ts'
import { type Event, type Run, type SeenFact, stateOf } from '../domain/run.ts'
import type { Hold } from '../ports/store.ts'
import { callFor, messageOf, readFor } from './call.ts'
import type { Engine } from './engine.ts'
import { handedOut, resolve } from './resolve.ts'

/** How often the facts of an open gate are read again. */
const REFRESH: Millis = 30_000

/** One look of a watch. Only its end is an event; how far it has come lies beside the run. */
export async function look(run: Run, step: Watch, hold: Hold, engine: Engine): Promise<void> {
  const before = run.tracks.get(step.id)
  const seen = await reading(step.read, run, step.timeout, step.id, hold, engine)
  const now = await engine.store.now()
  /** A run that turned round or ended meanwhile does not want to know any more. */
  const note = (event: Event) => hold.record(current => (stateOf(current, step).is === 'watching' ? [event] : []))
  if ('missing' in seen) return void (await note({ type: 'step.failed', step: step.id, why: seen.missing }))
  if ('why' in seen) {
    // One look that fails is not the end of a three-day sync; that it makes no progress will ring by itself.
    const idle = before ?? observe(undefined, {}, now)
    return void (await hold.track(step.id, { ...idle, note: `no answer: ${seen.why}`, next: now + step.every }))
  }
  const end = outcome(step, seen.result)
  if (end) return void (await note(end))
  const { note: _, ...measured } = before ?? { note: undefined }
  const progress = inBytes(engine.find(step.read).capability.progress?.(seen.result) ?? {}, step, run)
  const track = observe(before ? (measured as typeof before) : undefined, progress, now)
  await hold.track(step.id, { ...track, next: now + step.every })
  if (run.lost.has(step.id)) await note({ type: 'step.looked', step: step.id })
}

/** A share of what is known to be so large is a number of bytes, where the device itself does not count them. */
function inBytes(progress: Progress, step: Watch, run: Run): Progress {
  const total = step.size === undefined ? undefined : handedOut(step.size, run)
  if (progress.done === undefined || progress.total !== undefined || typeof total !== 'number') return progress
  return { ...progress, copied: Math.round(progress.done * total), total }
}

function outcome(step: Watch, result: unknown): Event | undefined {
  if (meets(step.until, result)) return { type: 'step.done', step: step.id, how: 'seen', result }
  if (!step.unless || !meets(step.unless, result)) return undefined
  return { type: 'step.failed', step: step.id, why: `${step.unless.field} is ${String(fieldOf(result, step.unless.field))}` }
}

/** Reads the facts of an open gate, for people to see. An event only when something changed, or came through after a loss. */
export async function show(run: Run, step: Gate, hold: Hold, engine: Engine): Promise<void> {
  const facts: SeenFact[] = []
  for (const fact of step.facts) {
    const { label, holds, shows } = await readFact(fact, run, 30_000, hold, engine)
    facts.push({ label, holds, shows, at: await engine.store.now() })
  }
  const now: Instant = await engine.store.now()
  await hold.track(step.id, { since: run.tracks.get(step.id)?.since ?? now, at: now, moved: now, next: now + REFRESH })
  await hold.record(current => {
    const state = stateOf(current, step)
    const known = state.is === 'open' && sameFacts(state.facts, facts) && !current.lost.has(step.id)
    return state.is === 'open' && !known ? [{ type: 'step.shown', step: step.id, facts }] : []
  })
}

/** Do they say the same, whenever they were read? */
const sameFacts = (before: readonly SeenFact[] | undefined, now: readonly SeenFact[]): boolean =>
  canonical(before?.map(said)) === canonical(now.map(said))
const said = ({ label, holds, shows }: SeenFact) => ({ label, holds, shows })

/** One fact, read now. What could not be read does not hold. */
export async function readFact(
  fact: Fact,
  run: Run,
  timeout: Millis,
  hold: Pick<Hold, 'signal'>,
  engine: Engine,
): Promise<SeenFact & { readonly unanswered?: true }> {
  const seen = await reading(fact.read, run, timeout, fact.label, hold, engine)
  if ('missing' in seen) return { label: fact.label, holds: false, shows: seen.missing, unanswered: true }
  if ('why' in seen) return { label: fact.label, holds: false, shows: seen.why, unanswered: true }
  const value = fieldOf(seen.result, fact.expect.field)
  const holds = meets(fact.expect, seen.result)
  const said = sayValue(fact.expect.field, value)
  return { label: fact.label, holds, shows: holds ? said : `${said}, wanted ${wanted(fact.expect)}` }
}

/** A name or a state speaks for itself; a number does not. */
function sayValue(field: string, value: unknown): string {
  if (value === undefined || value === null) return `the device does not say ${field}`
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return typeof value === 'number' ? `${field} ${value}` : String(value)
}

type Seen = { readonly result: unknown } | { readonly why: string } | { readonly missing: string }

async function reading(
  action: Fact['read'],
  run: Run,
  timeout: Millis,
  name: string,
  hold: Pick<Hold, 'signal'>,
  engine: Engine,
): Promise<Seen> {
  const resolved = resolve(action, run)
  if ('missing' in resolved) return { missing: `${resolved.missing.from} handed out no ${resolved.missing.field}` }
  const { device, capability } = engine.find(resolved.action)
  try {
    return {
      result: engine.redact(
        await capability.perform(
          device,
          callFor(readFor(run.id, name), resolved.action, timeout, engine.clock.now(), hold, engine),
        ),
      ),
    }
  } catch (error) {
    return { why: engine.redact(messageOf(error)) }
  }
}
