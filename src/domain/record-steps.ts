import type { Millis, StepId } from './ids.ts'
import { type Action, fieldOf, type Step, stepsOf } from './plan.ts'
import { countOf, type Line, type Scribe, textOf, textsOf, type When } from './record-scribe.ts'
import { type Run, stepNamed } from './run.ts'

/** What became of a step, in the order in which it came. */
export interface StepRecord {
  readonly id: string
  readonly kind: string
  readonly says: string
  readonly undoes?: true // it took back what another step had done
  readonly final?: true
  readonly is: string // how it stands: not begun, going, in doubt, done, found done, said to be done, failed, skipped
  readonly begun?: When
  readonly ended?: When
  readonly took?: Millis
  readonly sent: readonly Sent[] // each time that a device was asked to do it
  readonly came: readonly Came[] // everything else, in order
}

/** A request: written down before it left. */
export interface Sent {
  readonly entry: number
  readonly at: When
  readonly intent: string // "R7/select-target/1"
  readonly commands: readonly string[]
  readonly before?: unknown // what the device showed just before
  readonly became: string // done, found done, said to be done, in doubt, failed; or "not known yet"
  readonly took?: Millis
}

/** Of a step: that it began, a doubt and how it was settled, a failure, another try, the end. */
export interface Came {
  readonly entry: number
  readonly at: When
  readonly what: string
  readonly by?: string
  readonly because?: string
  readonly why?: string
  readonly again?: When // when it was going to be tried, or looked at, by itself
  readonly doubt?: number // the entry of the doubt that this settled
  readonly result?: unknown
}

const HOW: ReadonlyMap<unknown, string> = new Map([
  ['seen', 'done'],
  ['inferred', 'found done'],
  ['told', 'said to be done'],
])

/** What these events of a step are called here. Questions tell of the others. */
const WHAT = new Map<string, (says: unknown) => string>([
  ['step.opened', () => 'begun'],
  ['step.doubted', () => 'in doubt'],
  ['step.done', says => HOW.get(textOf(says, 'how')) ?? 'done, and it is not known how'],
  ['step.failed', says => (countOf(says, 'again') === undefined ? 'failed' : 'failed, to be tried again')],
  ['step.retried', () => 'tried anew'],
  ['step.skipped', () => 'skipped'],
])

/** The steps of the plan in order, then those that undid; and the entries that they tell of. */
export function stepRecords(
  run: Run,
  log: readonly Line[],
  tools: Scribe,
): { readonly steps: readonly StepRecord[]; readonly told: ReadonlySet<number> } {
  const lines = new Map<string, Line[]>()
  for (const line of log)
    if (line.step !== undefined && (line.type === 'step.intended' || WHAT.has(line.type)))
      lines.set(line.step, [...(lines.get(line.step) ?? []), line])
  const planned = stepsOf(run.plan)
  const undone = [...lines.keys()].flatMap(id => {
    const step = planned.some(one => one.id === id) ? undefined : stepNamed(run, id as StepId)
    return step ? [step] : []
  })
  const told = new Set<number>()
  const steps = [...planned, ...undone].map(step => {
    const own = lines.get(step.id) ?? []
    for (const { entry } of own) told.add(entry)
    return stepRecord(step, own, undone.includes(step), tools)
  })
  return { steps, told }
}

function stepRecord(step: Step, lines: readonly Line[], undoes: boolean, tools: Scribe): StepRecord {
  const came: Came[] = []
  let doubt: number | undefined
  for (const line of lines.filter(({ type }) => type !== 'step.intended')) {
    came.push(cameOf(step, line, doubt, tools))
    if (line.type === 'step.doubted') doubt ??= line.entry
    else if (SETTLES.has(line.type)) doubt = undefined
  }
  const begun = lines.findLast(({ type }) => type === 'step.retried')?.entry ?? 0
  const first = lines.find(({ type, entry }) => entry > begun && BEGINS.has(type))
  const last = lines.at(-1)
  const over = last !== undefined && ENDS.has(last.type) && countOf(last.says, 'again') === undefined ? last : undefined
  return {
    id: step.id,
    kind: step.kind,
    says: step.says,
    ...(undoes ? { undoes: true as const } : {}),
    ...(step.kind === 'act' && step.final ? { final: true as const } : {}),
    is: standing(step, last),
    ...(first ? { begun: tools.when(first.at) } : {}),
    ...(over ? { ended: tools.when(over.at) } : {}),
    ...(first && over ? { took: Math.max(0, over.at - first.at) } : {}),
    sent: lines.flatMap((line, n) => (line.type === 'step.intended' ? [sentOf(line, lines.slice(n + 1), tools)] : [])),
    came,
  }
}

const SETTLES: ReadonlySet<string> = new Set(['step.done', 'step.failed', 'step.skipped', 'step.retried'])
const BEGINS: ReadonlySet<string> = new Set(['step.opened', 'step.intended'])
const ENDS: ReadonlySet<string> = new Set(['step.done', 'step.failed', 'step.skipped'])

function standing(step: Step, last: Line | undefined): string {
  if (last === undefined || last.type === 'step.retried') return 'not begun'
  if (last.type === 'step.intended' || last.type === 'step.opened') return 'going'
  return called(step, last)
}

/** A gate is not done: people open it. */
const called = ({ kind }: Step, { type, says }: Line): string =>
  type === 'step.done' && kind === 'gate' ? 'opened' : (WHAT.get(type)?.(says) ?? type)

function cameOf(step: Step, line: Line, doubt: number | undefined, { when, small }: Scribe): Came {
  const { entry, at, type, says } = line
  const [again, result] = [countOf(says, 'again'), fieldOf(says, 'result')]
  return {
    entry,
    at: when(at),
    what: called(step, line),
    ...textsOf(says, 'by', 'because', 'why'),
    ...(again === undefined ? {} : { again: when(again) }),
    ...(doubt !== undefined && SETTLES.has(type) ? { doubt } : {}),
    ...(result === undefined ? {} : { result: small(result) }),
  }
}

/** Only what came before the next request can be what became of this one. */
function sentOf({ entry, at, says }: Line, after: readonly Line[], { when, small, sends }: Scribe): Sent {
  const intent = fieldOf(says, 'intent')
  const [action, before] = [fieldOf(intent, 'action'), fieldOf(intent, 'before')]
  const next = after.findIndex(({ type }) => type === 'step.intended')
  const own = next < 0 ? after : after.slice(0, next)
  const settled = own.find(({ type }) => SETTLES.has(type)) ?? own.at(-1)
  return {
    entry,
    at: when(at),
    intent: textOf(intent, 'id') ?? 'not known',
    commands: isAction(action) ? sends(action) : [],
    ...(before === undefined ? {} : { before: small(before) }),
    became: settled ? (WHAT.get(settled.type)?.(settled.says) ?? settled.type) : 'not known yet',
    ...(settled && SETTLES.has(settled.type) ? { took: Math.max(0, settled.at - at) } : {}),
  }
}

const isAction = (value: unknown): value is Action =>
  textOf(value, 'capability') !== undefined &&
  textOf(value, 'target') !== undefined &&
  textOf(value, 'risk') !== undefined &&
  typeof fieldOf(value, 'params') === 'object' &&
  fieldOf(value, 'params') !== null
