import { verify } from '../src/audit/verify.ts'
import { tally } from '../src/domain/approval.ts'
import type { Entry } from '../src/domain/chain.ts'
import { evolve } from '../src/domain/evolve.ts'
import type { RunId } from '../src/domain/ids.ts'
import { type Act, isReference, type Step, stepsOf } from '../src/domain/plan.ts'
import { hasRole, type Policy } from '../src/domain/policy.ts'
import { failures, gatesBefore, program, standsStill } from '../src/domain/program.ts'
import { type Event, isOver, type Run, stateOf, stepNamed, unborn, undosOf } from '../src/domain/run.ts'
import { sentences } from '../src/domain/sentences.ts'
import type { Story, Witness } from './crash-world.ts'

/** Everything that must hold whatever died, was lost or was said. Empty when it does. */
export async function violations(story: Story): Promise<readonly string[]> {
  return [
    ...story.wrong,
    ...story.broken.map(error => `a worker threw ${String(error)}`),
    ...story.trespasses.map(({ epoch, newest }) => `a worker of epoch ${epoch} wrote while ${newest} had the run`),
    ...effects(story),
    ...story.witnesses.flatMap(witness => unapproved(witness, story)),
    ...log(story.entries),
    ...end(story),
    ...(await chain(story)),
  ]
}

/** Each effect once, unless twice is as good; and none missing of what counts as done. */
function effects({ run, witnesses, isOf, capability }: Story): readonly string[] {
  if (!run) return witnesses.length > 0 ? ['something happened without a run'] : []
  const acts = [...run.steps].flatMap(([id, state]) => {
    const step = stepNamed(run, id)
    return step?.kind === 'act' && step.action.risk !== 'none' ? [{ step, state }] : []
  })
  return acts.flatMap(({ step, state }) => {
    const effect = capability(step.action).effect
    const harmless = effect !== 'read' && effect.inDoubt.ask === 'nobody'
    const count = witnesses.filter(one => isOf(one.effect, step.action) && stepOf(one, isOf)?.id === step.id).length
    return [
      ...(count > 1 && !harmless ? [`${step.id} took effect ${count} times`] : []),
      ...(count === 0 && state.is === 'done' ? [`${step.id} counts as done and never happened`] : []),
      ...(count > 0 && ['pending', 'skipped', 'failed'].includes(state.is)
        ? [`${step.id} happened and counts as ${state.is}`]
        : []),
    ]
  })
}

/** The step whose request this effect is. */
const stepOf = ({ effect, run }: Witness, isOf: Story['isOf']): Act | undefined => {
  for (const [id, state] of run?.steps ?? []) {
    const step = run && stepNamed(run, id)
    if (step?.kind === 'act' && state.is === 'sent' && isOf(effect, state.intent.action)) return step
  }
  return undefined
}

/** An effect needs an intent that stands in the log already, and before it every gate with the people that it wants. */
function unapproved(witness: Witness, { isOf }: Story): readonly string[] {
  const { run, effect, policy } = witness
  const step = stepOf(witness, isOf)
  if (!run || !step) return [`${effect}: no intent stood open for it`]
  const state = stateOf(run, step)
  if (state.is !== 'sent') return [`${effect}: ${step.id} was ${state.is}`]
  const at = run.plan.stages.findIndex(stage => stage.some(other => other.id === step.id))
  if (at < 0) return badUndo(effect, step, run)
  const next = gatesBefore(run, step)
  // A run that turned round sends what is to run always, whatever else was left undone.
  const before = run.course === 'forward' ? run.plan.stages.slice(0, at).flat() : next
  if (witness.spoilt && next.some(gate => gate.facts.length > 0)) return [`${effect}: a fact no longer held`]
  return before.flatMap(other => {
    const stood = stateOf(run, other)
    if (!isOver(stood)) return [`${effect}: ${other.id} was ${stood.is}`]
    if (other.kind !== 'gate') return []
    if (stood.is !== 'done' || !stood.ballot) return [`${effect}: ${other.id} was never approved`]
    const { ballot } = stood
    return [
      ...(tally(ballot) === 'approved' ? [] : [`${effect}: ${other.id} had too few votes`]),
      ...ballot.votes.flatMap(vote => badVote(vote.by, other.rule, run, policy).map(why => `${effect}: ${other.id}: ${why}`)),
      ...(ballot.votes.every(vote => vote.shown === run.digest) ? [] : [`${effect}: ${other.id}: another plan was shown`]),
      ...(next.includes(other) && state.intent.at >= ballot.until ? [`${effect}: the approval of ${other.id} had lapsed`] : []),
    ]
  })
}

function badUndo(effect: string, undo: Act, run: Run): readonly string[] {
  const steps = stepsOf(run.plan)
  const of = steps.findIndex(step => undosOf(step).some(one => one.id === undo.id))
  const point = steps.findLastIndex(
    step => step.kind === 'act' && step.final && ['done', 'sent', 'doubtful'].includes(stateOf(run, step).is),
  )
  return [
    ...(run.course === 'rolling back' ? [] : [`${effect}: undone while going ${run.course}`]),
    ...(of >= 0 && stateOf(run, steps[of]!).is === 'done' ? [] : [`${effect}: what it undoes was never done`]),
    ...(of > point ? [] : [`${effect}: undone behind the point of no return`]),
  ]
}

const badVote = (
  by: Run['by'],
  rule: { readonly role: string; readonly ownRequest: boolean },
  run: Run,
  policy: Policy,
): readonly string[] => [
  ...(hasRole(policy, by, rule.role) ? [] : [`${by} is no ${rule.role}`]),
  ...(by === run.by && !rule.ownRequest ? [`${by} approved an own request`] : []),
]

/** What no log may show. */
export function log(entries: readonly Entry[]): readonly string[] {
  const found: string[] = []
  let run = unborn('R1' as RunId, { chat: '', channel: '' })
  for (const { type, data, at } of entries) {
    const event = { type, ...(data as object) } as Event
    if (run.outcome) found.push(`${type} after the end`)
    if (type.startsWith('step.')) found.push(...illegal(run, event as Extract<Event, { step: unknown }>))
    run = evolve(run, event, at)
  }
  return found
}

function illegal(run: Run, event: Extract<Event, { readonly step: unknown }>): readonly string[] {
  const step = stepNamed(run, event.step)
  if (!step) return [`${event.type} of ${event.step}, which is no step`]
  const state = stateOf(run, step)
  const says = `${event.type} of ${step.id}, which was ${state.is}`
  switch (event.type) {
    case 'step.intended':
      return [
        ...(state.is === 'pending' ? [] : [says]),
        ...(run.paused ? [`${step.id} was sent while the run was paused`] : []),
        ...(failures(run).length > 0 ? [`${step.id} was sent while the run was held`] : []),
        ...(program(run)
          .flat()
          .some(other => other.id === step.id)
          ? []
          : [`${step.id} was sent while ${run.course}`]),
        ...unresolved(step, event.intent.action.params),
      ]
    case 'step.done':
      return state.is === 'done' || state.is === 'skipped' ? [says] : []
    case 'step.failed':
    case 'step.doubted':
      return state.is === 'done' ||
        state.is === 'skipped' ||
        ((state.is === 'doubtful') === (event.type === 'step.doubted') && state.is === 'doubtful')
        ? [says]
        : []
    case 'step.skipped':
      return state.is === 'done' || state.is === 'sent' || state.is === 'doubtful' ? [says] : []
    case 'step.retried':
      return state.is === 'sent' || state.is === 'doubtful' ? [says] : []
    case 'step.opened':
      return state.is === 'pending' ? [] : [says]
    case 'step.shown':
    case 'step.voted':
    case 'step.looked':
    case 'step.refreshed':
    case 'step.skip-asked':
      return isOver(state) ? [says] : []
  }
}

const unresolved = (step: Step, params: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.values(params).some(isReference) ? [`${step.id} was sent with a reference in it`] : []

/** It is over, or a sentence moves it. */
function end({ run, stuck }: Story): readonly string[] {
  if (stuck !== undefined) return [`stuck: ${stuck}`]
  if (!run) return ['there is no run']
  if (run.outcome)
    return stepsOf(run.plan).some(step => ['sent', 'doubtful'].includes(stateOf(run, step).is))
      ? ['it ended with a step in flight']
      : []
  if (!standsStill(run)) return ['it neither moves nor stands still']
  return sentences(run).length > 0 ? [] : ['no sentence moves it']
}

async function chain({ entries, heads }: Story): Promise<readonly string[]> {
  const each = async function* () {
    yield* entries
  }
  const verified = await verify({ entries: each, heads: async () => heads })
  return verified.ok ? [] : [`the log: entry ${verified.seq}: ${verified.why}`]
}
