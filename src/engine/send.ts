import type { Instant, IntentId } from '../domain/ids.ts'
import { type Act, type Action, type Expectation, fieldOf, meets, wanted } from '../domain/plan.ts'
import { awaits, intend } from '../domain/program.ts'
import { type Event, type Intent, type Run, SKEW, stateOf } from '../domain/run.ts'
import { Misread, Refused, Unreachable } from '../kit/errors.ts'
import type { Hold } from '../ports/store.ts'
import { callFor, messageOf, readFor } from './call.ts'
import type { Engine } from './engine.ts'
import { type Objection, objection } from './objections.ts'
import { resolve } from './resolve.ts'

/** Check the approval and its facts, look, write the intent down, send. */
export async function send(run: Run, step: Act, attempt: number, hold: Hold, engine: Engine): Promise<void> {
  const note = (event: (now: Instant) => Event) => noteIfWanted(step, hold, event)
  const resolved = resolve(step.action, run)
  if ('missing' in resolved) {
    const { from, field } = resolved.missing
    return void (await note(() => ({ type: 'step.failed', step: step.id, why: `${from} handed out no ${field}` })))
  }
  const { action } = resolved
  const { effect } = engine.find(action).capability
  if (effect === 'read') return read(run, step, action, attempt, hold, engine)

  const objects = await objection(run, { ...step, action }, hold, engine)
  if (objects) return object(objects, step, attempt, hold)
  // The seq makes the id unique across retries and yet the same for one try; it is never random.
  const id = `${run.id}/${step.id}/${run.seq + 1}` as IntentId
  let before: unknown
  if (effect.inDoubt.ask === 'device') {
    try {
      before = engine.redact(
        await effect.inDoubt.look(
          engine.find(action).device,
          callFor(id, action, step.timeout, engine.clock.now(), hold, engine),
        ),
      )
    } catch (error) {
      return void (await note(now => tryAgain(step, attempt, now, engine.redact(messageOf(error)))))
    }
  }
  const from = engine.clock.now()
  const after = await hold.record((run, now) =>
    intend(run, step, { id, at: now, action, ...(before === undefined ? {} : { before }) }),
  )
  const state = stateOf(after, step)
  if (state.is === 'sent' && state.intent.id === id) await perform(step, state.intent, attempt, from, hold, engine)
}

/** What becomes of a change that must not be sent now. */
async function object(objects: Objection, step: Act, attempt: number, hold: Hold): Promise<void> {
  const { why } = objects
  switch (objects.so) {
    case 'fail':
      return void (await noteIfWanted(step, hold, () => ({ type: 'step.failed', step: step.id, why })))
    case 'try again':
      return void (await noteIfWanted(step, hold, now => tryAgain(step, attempt, now, why)))
    case 'wait':
      return void (await hold.waitFor({ shut: why, next: objects.next }))
    case 'ask again':
      await hold.record(run =>
        awaits(run, step) ? objects.gates.map(gate => ({ type: 'step.retried', step: gate.id, because: why })) : [],
      )
      return void (await hold.waitFor({ shut: why, next: objects.next }))
  }
}

async function read(run: Run, step: Act, action: Action, attempt: number, hold: Hold, engine: Engine): Promise<void> {
  const { device, capability } = engine.find(action)
  let event: (now: Instant) => Event
  try {
    const result = engine.redact(
      await capability.perform(device, callFor(readFor(run.id, step.id), action, step.timeout, engine.clock.now(), hold, engine)),
    )
    const unmet = (step.expect ?? []).filter(expectation => !meets(expectation, result))
    if (unmet.length > 0)
      event = now => tryAgain(step, attempt, now, unmet.map(expectation => disappointed(expectation, result)).join('; '))
    else event = () => ({ type: 'step.done', step: step.id, how: 'seen', result })
  } catch (error) {
    const why = engine.redact(messageOf(error))
    const final = error instanceof Refused || error instanceof Misread
    event = now => (final ? { type: 'step.failed', step: step.id, why } : tryAgain(step, attempt, now, why))
  }
  await noteIfWanted(step, hold, event)
}

/** What came of it before anything was sent. A run that turned round or ended meanwhile does not want to know any more. */
const noteIfWanted = (step: Act, hold: Hold, event: (now: Instant) => Event): Promise<Run> =>
  hold.record((run, now) => (awaits(run, step) ? [event(now)] : []))

const disappointed = (expectation: Expectation, result: unknown): string => {
  const value = fieldOf(result, expectation.field)
  return `wanted ${wanted(expectation)}, and ${value === undefined || value === null ? 'the device does not say' : `it is ${String(value)}`}`
}

/** A request was sent and its answer never recorded. Find out, without ever sending on a guess. */
export async function settle(run: Run, step: Act, intent: Intent, hold: Hold, engine: Engine): Promise<void> {
  const forged = await hold.forged()
  if (forged !== undefined)
    return void (await hold.record(() => [
      { type: 'step.doubted', step: step.id, why: `${forged}; nothing was sent. Say \`signalbox audit verify\` on the host` },
    ]))
  const { device, capability } = engine.find(intent.action)
  const inDoubt = capability.effect === 'read' ? { ask: 'nobody' as const } : capability.effect.inDoubt
  switch (inDoubt.ask) {
    case 'nobody':
      return resend(step, intent, hold, engine)
    case 'person':
      return void (await hold.record(() => [
        { type: 'step.doubted', step: step.id, why: 'it was sent, nothing answered, and the device keeps no trace of it' },
      ]))
    case 'device': {
      const call = callFor(intent.id, intent.action, step.timeout, engine.clock.now(), hold, engine)
      let event: (now: Instant) => Event
      try {
        const seen = await inDoubt.look(device, call)
        const verdict = inDoubt.judge(intent.before, engine.redact(seen), call.params)
        if (verdict.done === true)
          event = () => ({
            type: 'step.done',
            step: step.id,
            how: 'inferred',
            ...(verdict.result === undefined ? {} : { result: engine.redact(verdict.result) }),
          })
        else if (verdict.done === false)
          event = now => tryAgain(step, attemptOf(run, step), now, 'it was sent, and the device shows that it did not happen')
        else event = () => ({ type: 'step.doubted', step: step.id, why: `the device cannot tell: ${verdict.why}` })
      } catch (error) {
        event = now => askLater(step, intent, intent.at + step.timeout + SKEW, now, engine.redact(messageOf(error)))
      }
      await hold.record((_, now) => [event(now)])
    }
  }
}

async function perform(step: Act, intent: Intent, attempt: number, from: Instant, hold: Hold, engine: Engine): Promise<void> {
  let event: (now: Instant) => Event
  try {
    const done = await ask(step, intent, from, hold, engine)
    event = () => done
  } catch (error) {
    const why = engine.redact(messageOf(error))
    if (error instanceof Refused) event = () => ({ type: 'step.failed', step: step.id, why })
    else if (error instanceof Unreachable) event = now => tryAgain(step, attempt, now, why)
    else event = now => askLater(step, intent, intent.at + step.timeout + SKEW, now, why)
  }
  await hold.record((_, now) => [event(now)])
}

/**
 * Sends once more what may have happened already. Only a yes ends the doubt: a no, or no way to it, says nothing about the first
 * request. Noted before it leaves, so that nobody counts it as silent, and goes on, while it may still be under way.
 */
async function resend(step: Act, intent: Intent, hold: Hold, engine: Engine): Promise<void> {
  const from = engine.clock.now()
  const why = 'it was sent and nothing answered; twice is as good as once, so it is sent again'
  const noted = await hold.record((_, now) => [{ type: 'step.doubted', step: step.id, why, again: now + step.timeout + SKEW }])
  const state = stateOf(noted, step)
  if (state.is !== 'sent') return
  let event: (now: Instant) => Event
  try {
    const done = await ask(step, intent, from, hold, engine)
    event = () => done
  } catch (error) {
    event = now => askLater(step, intent, state.after, now, engine.redact(messageOf(error)))
  }
  await hold.record((_, now) => [event(now)])
}

async function ask(step: Act, intent: Intent, from: Instant, hold: Hold, engine: Engine): Promise<Event> {
  const { device, capability } = engine.find(intent.action)
  const call = callFor(intent.id, intent.action, step.timeout, from, hold, engine)
  const result = engine.redact(await capability.perform(device, call))
  return { type: 'step.done', step: step.id, how: 'seen', ...(result === undefined ? {} : { result }) }
}

const attemptOf = (run: Run, step: Act): number => {
  const state = stateOf(run, step)
  return 'attempts' in state ? state.attempts : 1
}

/** It did not happen. */
function tryAgain(step: Act, attempt: number, now: Instant, why: string): Event {
  const failed = { type: 'step.failed', step: step.id, why } as const
  return attempt < step.tries ? { ...failed, again: now + step.every } : failed
}

/** It may have happened. Wait until the request must have died on the wire and in the device, then ask; in the end, ask a person. */
function askLater(step: Act, intent: Intent, quiet: Instant, now: Instant, why: string): Event {
  const doubted = { type: 'step.doubted', step: step.id, why } as const
  const asked = now - (intent.at + step.timeout + SKEW)
  return asked < step.tries * step.every ? { ...doubted, again: Math.max(quiet, now + step.every) } : doubted
}
