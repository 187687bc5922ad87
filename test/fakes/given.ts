import type { ApprovalRule } from '../../src/domain/approval.ts'
import { digestOf, ROOT } from '../../src/domain/chain.ts'
import {
  type Handle,
  hours,
  type Instant,
  minutes,
  type Person,
  type RunId,
  type StepId,
  seconds,
  type Target,
} from '../../src/domain/ids.ts'
import type { Act, Action, Fact, Gate, Plan, Risk, Step, Wait, Watch } from '../../src/domain/plan.ts'
import type { Policy, Rule } from '../../src/domain/policy.ts'
import type { Refusal } from '../../src/domain/refusal.ts'
import { type Event, type Run, type StepEvent, unborn } from '../../src/domain/run.ts'
import { decide } from '../../src/domain/say.ts'
import type { AboutRun } from '../../src/domain/verdict.ts'
import { parse } from '../../src/language/parse.ts'
import { append } from '../../src/store/log.ts'

/** Small plans, runs and policies for the tests of the domain, in the words of the domain. */
export const NOW: Instant = Date.UTC(2025, 10, 20, 12)

export const rule = (more: Partial<ApprovalRule> = {}): ApprovalRule => ({
  role: 'lead',
  quorum: 1,
  ownRequest: false,
  within: hours(1),
  ...more,
})

export const act = (id: string, risk: Risk, more: Partial<Act> = {}): Act => ({
  id: id as StepId,
  says: `${id} on sql01`,
  kind: 'act',
  action: action(id, risk),
  timeout: seconds(30),
  tries: 1,
  every: seconds(2),
  ...more,
})

export const action = (verb: string, risk: Risk, params: object = {}, target = 'sql01'): Action => ({
  capability: `lab.${verb}`,
  target: target as Target,
  params: { ...params },
  risk,
})

export const gate = (id: string, more: Partial<ApprovalRule> = {}, facts: readonly Fact[] = []): Gate => ({
  id: id as StepId,
  says: `approve ${id}`,
  kind: 'gate',
  asks: `Go on with ${id}?`,
  for: 'approval',
  rule: rule(more),
  facts,
})

export const fact = (label: string): Fact => ({ label, read: action('paths', 'none'), expect: { field: 'alive', atLeast: 1 } })

export const watch = (id: string, more: Partial<Watch> = {}): Watch => ({
  id: id as StepId,
  says: `${id} the disk`,
  kind: 'watch',
  read: action('session', 'none'),
  until: { field: 'state', is: 'complete' },
  every: seconds(10),
  within: hours(24),
  timeout: seconds(30),
  ...more,
})

export const wait = (id: string, ms = minutes(1)): Wait => ({ id: id as StepId, says: `${id} a while`, kind: 'wait', for: ms })

export const plan = (...stages: readonly (Step | readonly Step[])[]): Plan => ({
  title: 'move a disk on sql01',
  stages: stages.map(stage => (Array.isArray(stage) ? (stage as readonly Step[]) : [stage as Step])),
  onFailure: 'hold',
})

export function policyOf(people: Readonly<Record<string, readonly string[]>>, ...rules: readonly Partial<Rule>[]): Policy {
  return {
    people: new Map(
      Object.entries(people).map(([id, roles]) => [
        id as Person,
        {
          name: id,
          roles: new Set(roles),
          handles: [`console:${id}`, `slack:U-${id}`] as readonly string[] as readonly Handle[],
        },
      ]),
    ),
    rules: rules.map((one, n) => ({
      name: `rule ${n + 1}`,
      capability: '*',
      target: '*',
      upTo: 'destructive',
      may: 'operator',
      ...one,
    })),
  }
}

/** Olga and Otto operate, Lee and Dee lead and operate, Vic looks. Operators may do anything. */
export const POLICY = policyOf(
  {
    olga: ['operator', 'viewer'],
    otto: ['operator', 'viewer'],
    lee: ['lead', 'operator', 'viewer'],
    dee: ['lead', 'operator', 'viewer'],
    vic: ['viewer'],
  },
  { name: 'operators may', may: 'operator' },
)

/** A run as the store would have it. */
export function begun(of: Plan, by = 'olga', at: Instant = NOW): Run {
  const place = { chat: 'console', channel: 'here' }
  const first: Event = { type: 'run.started', by: by as Person, plan: of, digest: digestOf(of), said: 'move it' }
  return append(unborn('R1' as RunId, place), ROOT, [first], at).run
}

/** The same run after these events and all that follows from them. */
export const having = (run: Run, events: readonly Event[], at: Instant = NOW): Run => append(run, ROOT, events, at).run

/** Whatever would happen to it when only time passes. */
export const later = (run: Run, at: Instant): Run => having(run, [], at)

type Happening = { [K in StepEvent['type']]: Omit<Extract<StepEvent, { type: K }>, 'step'> }[StepEvent['type']]
export const step = (id: string, what: Happening): StepEvent => ({ ...what, step: id as StepId }) as StepEvent

/** A change that was sent and answered. */
export const sent = (run: Run, id: string, at: Instant = NOW): Run => {
  const found = run.plan.stages.flat().find(one => one.id === id)
  const what = found?.kind === 'act' ? found.action : action(id, 'routine')
  return having(run, [step(id, { type: 'step.intended', intent: { id: `R1/${id}/${run.seq}` as never, at, action: what } })], at)
}
export const done = (run: Run, id: string, at: Instant = NOW, result: unknown = {}): Run =>
  having(sent(run, id, at), [step(id, { type: 'step.done', how: 'seen', result })], at)
export const failed = (run: Run, id: string, why = 'the device said no', at: Instant = NOW): Run =>
  having(sent(run, id, at), [step(id, { type: 'step.failed', why })], at)

export interface Heard {
  readonly run: Run
  readonly heard?: string
  readonly refusal?: Refusal
  readonly events: readonly Event[]
}

export const command = (text: string): AboutRun => {
  const read = parse(text, { targets: new Map(), runs: new Map() })
  if ('refusal' in read) throw new Error(`"${text}" is no sentence: ${JSON.stringify(read.refusal)}`)
  return read.command as AboutRun
}

/** What comes of a sentence that somebody says about a run. */
export function say(
  run: Run,
  by: string,
  text: string,
  { policy = POLICY, at = NOW }: { readonly policy?: Policy; readonly at?: Instant } = {},
): Heard {
  const verdict = decide(run, command(text), by as Person, policy, at)
  return 'refusal' in verdict
    ? { run, refusal: verdict.refusal, events: [] }
    : { run: having(run, verdict.events, at), heard: verdict.heard, events: verdict.events }
}

export const stateOf = (run: Run, id: string) => run.steps.get(id as StepId)
export const is = (run: Run, id: string): string | undefined => stateOf(run, id)?.is
