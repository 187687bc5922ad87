import { digestOf } from './chain.ts'
import type { StepId } from './ids.ts'
import { fieldOf, type Gate } from './plan.ts'
import {
  countOf,
  type Line,
  listOf,
  type RuleRecord,
  ruleOf,
  type Scribe,
  textOf,
  textsOf,
  type ViaRecord,
  viaOf,
  type When,
} from './record-scribe.ts'
import { type Run, stepNamed } from './run.ts'

/** A question to people, each time that it was asked. */
export interface Question {
  readonly entry: number
  readonly at: When
  readonly step: string
  readonly for: string // approval, confirmation; or skip: to go on without the step
  readonly asks: string
  readonly by?: string // who asked to skip
  readonly because?: string
  readonly rule: RuleRecord
  readonly glass?: true // by the rule for emergencies
  readonly until: When
  readonly readings: readonly Reading[] // what the card showed of the devices, oldest first
  readonly votes: readonly VoteRecord[]
  readonly ended?: { readonly entry: number; readonly at: When; readonly how: string } // absent: it still stands
}

export interface Reading {
  readonly entry: number
  readonly at: When
  readonly digest: string // of these facts as the log has them: a vote names the one that was on the card
  readonly facts: readonly { readonly label: string; readonly shows: string; readonly holds: boolean; readonly read?: When }[]
}

export interface VoteRecord {
  readonly entry: number
  readonly at: When
  readonly by: string
  readonly verdict: string
  readonly words?: string
  readonly as: readonly string[] // roles of the rule that the voter stood for
  readonly via?: ViaRecord
  readonly secondFactor: string // "totp", or "none"
  readonly shown: string // the digest of the plan that was on the card
  readonly facts?: string // the digest of the facts that were on the card
  readonly reading?: number // the entry of the reading with that digest
}

/** An emergency that somebody declared, and what became of its review. */
export interface GlassRecord {
  readonly entry: number
  readonly at: When
  readonly by: string
  readonly because: string
  readonly via?: ViaRecord
  readonly until: When
  readonly rule: RuleRecord
  readonly reviewed?: {
    readonly entry: number
    readonly at: When
    readonly by: string
    readonly because: string
    readonly via?: ViaRecord
  }
}

/** A question while the log is read. */
interface Draft extends Omit<Question, 'readings' | 'votes' | 'ended'> {
  readonly readings: Reading[]
  readonly votes: VoteRecord[]
  ended?: NonNullable<Question['ended']>
}

/** The questions of a log, and the entries that they tell of. */
export function questionsOf(
  run: Run,
  log: readonly Line[],
  { when }: Scribe,
): { readonly questions: readonly Question[]; readonly told: ReadonlySet<number> } {
  const questions: Draft[] = []
  const open = new Map<string, Draft>()
  const told = new Set<number>()
  let glass: Line | undefined
  const gateOf = (step: string | undefined): Gate | undefined => {
    const found = step === undefined ? undefined : stepNamed(run, step as StepId)
    return found?.kind === 'gate' ? found : undefined
  }
  const begin = (draft: Draft): void => {
    questions.push(draft)
    open.set(draft.step, draft)
    told.add(draft.entry)
  }
  const end = (question: Draft, { entry, at }: Line, how: string): void => {
    question.ended = { entry, at: when(at), how }
    open.delete(question.step)
    told.add(entry)
  }
  const asked = (gate: Gate, line: Line, until: unknown): Draft => {
    const inGlass = glass !== undefined && gate.for === 'approval' && line.at < (countOf(glass.says, 'until') ?? 0)
    return {
      ...{ entry: line.entry, at: when(line.at), step: gate.id, for: gate.for, asks: gate.asks, until: when(until) },
      rule: ruleOf(inGlass ? fieldOf(glass?.says, 'rule') : gate.rule),
      ...(inGlass ? { glass: true as const } : {}),
      readings: [],
      votes: [],
    }
  }

  for (const line of log) {
    const { entry, at, type, says, step } = line
    const gate = gateOf(step)
    const ends = ENDS.get(type)
    const question = step === undefined ? undefined : open.get(step)
    if (type === 'run.broke-glass') {
      glass = line
      // A question that stands open then is asked anew by the other rule; what was voted before does not count.
      for (const standing of [...open.values()]) {
        const same = gateOf(standing.step)
        if (standing.for !== 'approval' || !same) continue
        end(standing, line, 'asked anew: the glass was broken')
        begin({ ...asked(same, line, fieldOf(says, 'until')), readings: [...standing.readings] })
      }
      continue
    }
    if (type === 'step.opened' && gate) begin(asked(gate, line, fieldOf(says, 'until')))
    else if (type === 'step.skip-asked' && step !== undefined)
      begin({
        ...{ entry, at: when(at), step, for: 'skip', asks: `Skip ${step}?`, ...textsOf(says, 'by', 'because') },
        rule: ruleOf(fieldOf(says, 'rule')),
        until: when(fieldOf(says, 'until')),
        readings: [],
        votes: [],
      })
    else if (question && type === 'step.shown') question.readings.push(reading(line, when))
    else if (question && type === 'step.voted') question.votes.push(vote(line, question, when))
    else if (question && ends) end(question, line, ends(says, question.for))
    else continue
    told.add(entry)
  }
  return { questions, told }
}

/** What ends a question, and how. */
const ENDS = new Map<string, (says: unknown, what: string) => string>([
  ['step.done', (_, what) => (what === 'confirmation' ? 'confirmed' : 'approved')],
  ['step.failed', says => `closed: ${textOf(says, 'why') ?? 'why is not known'}`],
  ['step.skipped', (_, what) => (what === 'skip' ? 'approved' : 'not needed any more')],
  ['step.retried', says => `asked anew${textOf(says, 'because') === undefined ? '' : `: ${textOf(says, 'because')}`}`],
])

const reading = ({ entry, at, says }: Line, when: Scribe['when']): Reading => ({
  entry,
  at: when(at),
  digest: digestOf(fieldOf(says, 'facts')),
  facts: listOf(says, 'facts').map(fact => ({
    label: textOf(fact, 'label') ?? '',
    shows: textOf(fact, 'shows') ?? '',
    holds: fieldOf(fact, 'holds') === true,
    ...(countOf(fact, 'at') === undefined ? {} : { read: when(countOf(fact, 'at')) }),
  })),
})

function vote({ entry, at, says }: Line, { rule, readings }: Draft, when: Scribe['when']): VoteRecord {
  const vote = fieldOf(says, 'vote')
  const as = fieldOf(vote, 'as') === undefined ? [rule.needs[0]?.role ?? ''] : listOf(vote, 'as').map(String)
  const via = viaOf(vote)
  const [words, shown, facts] = [textOf(vote, 'because'), textOf(vote, 'shown'), textOf(vote, 'facts')]
  const last = facts === undefined ? undefined : readings.findLast(({ digest }) => digest === facts)
  return {
    entry,
    at: when(at),
    by: textOf(vote, 'by') ?? 'not known',
    verdict: textOf(vote, 'verdict') ?? 'not known',
    ...(words === undefined ? {} : { words }),
    as,
    ...(via ? { via } : {}),
    secondFactor: textOf(vote, 'stepUp') ?? 'none',
    shown: shown ?? 'not known',
    ...(facts === undefined ? {} : { facts }),
    ...(last ? { reading: last.entry } : {}),
  }
}

/** Each emergency with the review that came after it. */
export function glassRecord(
  log: readonly Line[],
  { when }: Scribe,
): { readonly glass: readonly GlassRecord[]; readonly told: ReadonlySet<number> } {
  const told = new Set<number>()
  const broken = log.filter(({ type }) => type === 'run.broke-glass')
  const glass = broken.map((line, n) => {
    const next = broken[n + 1]?.entry ?? Number.POSITIVE_INFINITY
    const review = log.find(({ type, entry }) => type === 'run.reviewed' && entry > line.entry && entry < next)
    for (const { entry } of [line, ...(review ? [review] : [])]) told.add(entry)
    const until = fieldOf(line.says, 'until')
    return {
      ...spoken(line, when),
      until: when(until),
      rule: ruleOf(fieldOf(line.says, 'rule')),
      ...(review ? { reviewed: spoken(review, when) } : {}),
    }
  })
  return { glass, told }
}

const spoken = ({ entry, at, says }: Line, when: Scribe['when']) => {
  const via = viaOf(says)
  const [by, because] = [textOf(says, 'by') ?? 'not known', textOf(says, 'because') ?? '']
  return { entry, at: when(at), by, because, ...(via ? { via } : {}) }
}
