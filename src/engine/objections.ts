import { type ApprovalRule, type Ballot, needsOf, unmet, type Vote } from '../domain/approval.ts'
import { inGlass } from '../domain/evolve.ts'
import { type Instant, seconds } from '../domain/ids.ts'
import { kept } from '../domain/kept.ts'
import { type Act, atLeast, type Gate, stepsOf } from '../domain/plan.ts'
import { isUnsure, type Policy, permit, rolesFor, ruleFor, speaks } from '../domain/policy.ts'
import { gatesBefore } from '../domain/program.ts'
import { type Run, type SeenFact, type StepState, stateOf } from '../domain/run.ts'
import { clockTime } from '../domain/words.ts'
import type { Hold } from '../ports/store.ts'
import type { Engine } from './engine.ts'
import { readFact } from './look.ts'

/** Why a change must not be sent now, and what becomes of it: it has failed, is tried again, waits, or its gates are asked again. */
export type Objection =
  | { readonly so: 'fail' | 'try again'; readonly why: string }
  | { readonly so: 'wait'; readonly why: string; readonly next: Instant }
  | { readonly so: 'ask again'; readonly why: string; readonly gates: readonly Gate[]; readonly next: Instant }

/** How long a run waits before it asks again whether a calendar, or whoever knows the groups, lets it go on. */
const AGAIN = seconds(30)

const fail = (why: string): Objection => ({ so: 'fail', why })

/** Everything that must be true of now, and not of when people said yes. Asked right before each change is sent. */
export async function objection(run: Run, step: Act, hold: Hold, engine: Engine): Promise<Objection | undefined> {
  const forged = await hold.forged()
  if (forged !== undefined) return fail(`${forged}; nothing was sent. Say \`signalbox audit verify\` on the host`)
  const policy = await engine.policy()
  const now = await engine.store.now()
  return (
    askerObjects(run, step, policy, now) ??
    calendarObjects(run, step, policy, now) ??
    votersObject(run, policy, now) ??
    ruleObjects(run, step, policy, now) ??
    (await accountsObject(run, step, now, engine)) ??
    (await factsObject(run, step, hold, engine))
  )
}

function askerObjects(run: Run, step: Act, policy: Policy, now: Instant): Objection | undefined {
  const refusal = permit(policy, run.by, [step.action])
  if (!refusal) return undefined
  const because = refusal.no === 'not permitted' ? refusal.because : refusal.no
  const rule = ruleFor(policy, step.action)
  if (rule && isUnsure(policy, run.by, rule.may)) return { so: 'wait', why: because, next: now + AGAIN }
  return fail(`${run.by} may not ask for this any more: ${because}`)
}

/** Membership is a matter of now, not of when the vote was cast. */
function votersObject(run: Run, policy: Policy, now: Instant): Objection | undefined {
  // The way back is open, whoever has left meanwhile.
  if (run.course !== 'forward') return undefined
  for (const { gate, ballot } of decided(run)) {
    const votes = yeses(ballot)
    const standing = votes.map(vote => rolesFor(policy, ballot.rule, vote.by))
    if (unmet(ballot.rule, standing).length === 0) continue
    const unsure = votes.some(vote => needsOf(ballot.rule).some(({ role }) => isUnsure(policy, vote.by, role)))
    if (unsure)
      return {
        so: 'wait',
        why: `the chat cannot be asked whether those who approved ${gate.id} may still do so`,
        next: now + AGAIN,
      }
    const gone = votes.find((vote, n) => !(vote.as ?? [ballot.rule.role]).every(role => standing[n]?.includes(role)))
    const roles = gone?.as ?? [ballot.rule.role]
    return fail(
      gone
        ? `${gone.by}, who approved ${gate.id}, has the role ${roles.join(' and ')} no longer`
        : `${gate.id} has not been approved`,
    )
  }
  return undefined
}

/** What the rules of now want before this, whatever they wanted when the plan was made. */
function ruleObjects(run: Run, step: Act, policy: Policy, now: Instant): Objection | undefined {
  const before = gatesBefore(run, step)
  const held = ruleFor(policy, step.action)?.before
  const wants = held && atLeast(step.action.risk, held.from) ? held.rule : undefined
  for (const gate of before) {
    const state = stateOf(run, gate)
    if (state.is !== 'done' || !state.ballot) return fail(`${gate.id} has not been approved`)
    const { rule, until, glass } = state.ballot
    const last = Math.max(...yeses(state.ballot).map(vote => vote.at))
    const goodFor = Math.min(rule.goodFor ?? Infinity, (glass ? undefined : wants?.goodFor) ?? Infinity)
    if (now >= until || now - last > goodFor) return fail(`the approval of ${gate.id} has lapsed; retry asks for it again`)
  }
  const planned = run.plan.stages.findIndex(stage => stage.some(other => other.id === step.id))
  if (planned < 0 || run.course !== 'forward') return undefined
  const rule = ruleFor(policy, step.action)
  const wanted = [
    ...(rule?.before && atLeast(step.action.risk, rule.before.from) ? [{ rule: rule.before.rule, gates: before }] : []),
    ...(rule?.start ? [{ rule: rule.start, gates: (run.plan.stages[0] ?? []).filter(isApproval) }] : []),
  ]
  for (const { rule: approval, gates } of wanted) {
    const ballots = gates.flatMap(gate => ballotOf(stateOf(run, gate)) ?? [])
    if (ballots.some(ballot => ballot.glass)) continue
    // One person at two gates is still one person.
    const people = new Set(ballots.flatMap(yeses).flatMap(vote => (worth(vote, approval, run) ? [vote.by] : [])))
    if (
      unmet(
        approval,
        [...people].map(person => rolesFor(policy, approval, person)),
      ).length > 0
    )
      return fail(`the rule "${rule?.name}" wants more approval than this run asked for; start it anew`)
  }
  return undefined
}

/** Would this yes have counted, had the rules been those of now? */
const worth = ({ by, because, stepUp }: Vote, rule: ApprovalRule, run: Run): boolean =>
  (rule.ownRequest || by !== run.by) &&
  (rule.reason === undefined || speaks(rule.reason, because)) &&
  (!rule.stepUp || stepUp !== undefined)

/** An account that its chat has closed since approves nothing: nobody knows in whose hands it was. */
async function accountsObject(run: Run, step: Act, now: Instant, engine: Engine): Promise<Objection | undefined> {
  if (run.course !== 'forward') return undefined
  if (run.via && (await engine.active(run.via.handle)) === false)
    return fail(`${run.via.handle}, through which ${run.by} asked for this, has been deactivated`)
  for (const { gate, ballot } of decided(run))
    for (const { via, by } of yeses(ballot)) {
      const active = via && (await engine.active(via.handle))
      if (active === false) return fail(`${via?.handle}, through which ${by} approved ${gate.id}, has been deactivated`)
      if (via && active === undefined && step.action.risk === 'destructive')
        return { so: 'wait', why: `the chat cannot be asked whether ${via.handle} is still in use`, next: now + AGAIN }
    }
  return undefined
}

function calendarObjects(run: Run, step: Act, policy: Policy, now: Instant): Objection | undefined {
  const shut = inGlass(run, now) ? undefined : kept(run, [step], policy, now)
  if (!shut) return undefined
  const next = Math.min(shut.opens ?? now + AGAIN, now + AGAIN)
  const gates = gatesBefore(run, step).filter(gate => gate.window)
  return gates.length > 0 ? { so: 'ask again', why: shut.says, gates, next } : { so: 'wait', why: shut.says, next }
}

async function factsObject(run: Run, step: Act, hold: Hold, engine: Engine): Promise<Objection | undefined> {
  for (const gate of gatesBefore(run, step)) {
    const state = stateOf(run, gate)
    const shown = state.is === 'done' ? (state.facts ?? []) : []
    for (const fact of gate.facts) {
      const seen = await readFact(fact, run, step.timeout, hold, engine)
      if (seen.unanswered) return { so: 'try again', why: `the fact "${fact.label}" could not be read again: ${seen.shows}` }
      if (!seen.holds)
        return fail(
          `a fact no longer holds since it was approved: ${seen.label}: ${seen.shows}${was(shown, seen)}; nothing was sent`,
        )
    }
  }
  return undefined
}

/** What people saw when they said yes. */
function was(shown: readonly SeenFact[], { label, shows }: SeenFact): string {
  const before = shown.find(fact => fact.label === label)
  if (!before || before.shows === shows) return ''
  return ` (it was ${before.shows} when it was approved${before.at === undefined ? '' : `, as read at ${clockTime(before.at)}`})`
}

const isApproval = (step: { readonly kind: string }): step is Gate => step.kind === 'gate'
const ballotOf = (state: StepState): Ballot | undefined => (state.is === 'done' ? state.ballot : undefined)
const yeses = ({ votes }: Ballot): readonly Vote[] => votes.filter(vote => vote.verdict === 'approve')

const decided = (run: Run): readonly { readonly gate: Gate; readonly ballot: Ballot }[] =>
  stepsOf(run.plan).flatMap(gate => {
    const ballot = gate.kind === 'gate' ? ballotOf(stateOf(run, gate)) : undefined
    return gate.kind === 'gate' && ballot ? [{ gate, ballot }] : []
  })
