import type { Entry } from './chain.ts'
import type { Bytes, BytesPerSecond, Instant, Millis } from './ids.ts'
import { measured } from './measure.ts'
import { plainValue } from './plain-text.ts'
import { type Action, stepsOf } from './plan.ts'
import { type Track, throughput } from './progress.ts'
import { type PlanRecord, planRecord } from './record-plan.ts'
import { type GlassRecord, glassRecord, type Question, questionsOf } from './record-questions.ts'
import { type Line, type Scribe, scribe, textOf, type ViaRecord, viaOf, type When } from './record-scribe.ts'
import { type StepRecord, stepRecords } from './record-steps.ts'
import type { Run } from './run.ts'

/**
 * All that is known of one run, for whoever has to answer for it: what a change ticket takes. Everything in it is plain data; every
 * text is one line without control characters. `entry` is a place in the run's log, from 1 on. Absent is what nobody knows.
 */
export interface ChangeRecord {
  readonly record: 'signalbox change record'
  readonly version: 1
  readonly site: string
  readonly zone?: string // IANA; of the local times
  readonly run: string // "R7"
  readonly title: string
  readonly asked: Asked
  readonly outcome: Outcome
  readonly plan: PlanRecord
  readonly questions: readonly Question[] // to people, each time that one was asked
  readonly steps: readonly StepRecord[] // of the plan in order, then those that undid
  readonly moved: readonly Moved[] // what was measured while data went from here to there
  readonly measured: readonly string[] // a recovery point, a recovery time, as the card tells it
  readonly glass: readonly GlassRecord[] // emergencies that were declared, and their review
  readonly others: readonly Happening[] // every entry of the log that nothing above tells of, as it is
  readonly verification: Verification
}

export interface Asked {
  readonly entry?: number
  readonly at: When
  readonly sentence: string
  readonly reason?: string
  readonly by: string // a person of the site file
  readonly via?: ViaRecord // how they spoke
  readonly chat: string
  readonly channel: string
  readonly thread?: string
}

export interface Outcome {
  readonly entry?: number
  readonly is: string // succeeded, failed, cancelled, rolled back; or "not over"
  readonly at?: When
  readonly took?: Millis // from when it was asked for
}

export interface Moved {
  readonly step: string
  readonly since: When // the first look
  readonly until: When // the latest
  readonly share?: number // 0 to 1
  readonly copied?: Bytes
  readonly total?: Bytes
  readonly average?: BytesPerSecond // over all looks
  readonly latest?: BytesPerSecond // smoothed over the latest looks
}

export interface Happening {
  readonly entry: number
  readonly at: When
  readonly type: string
  readonly says: unknown
}

/** What the verifier says of the run's chain. */
export interface Verification {
  readonly whole: boolean
  readonly why?: string // the first that is wrong
  readonly entries: number
  readonly head: string // the hash of the last
  readonly macs: string // for people: whether they were checked
  readonly anchor?: { readonly day: string; readonly digest: string; readonly upTo: number } // the latest that covers it, and how far
}

/** What a run's log does not say by itself. */
export interface RecordFacts {
  readonly verified: Verification
  readonly site: string
  readonly zone?: string
  /** The commands that a device would be sent, free of secrets; none where nobody knows them any more. */
  sends(action: Action): readonly string[]
}

/** Pure and total: whatever a log has in it, there is a record of it, and no entry is left out. Secrets are the caller's to redact. */
export function record(run: Run, entries: readonly Entry[], facts: RecordFacts): ChangeRecord {
  const log: readonly Line[] = entries.map(({ seq, at, type, data }) => ({
    entry: seq,
    at,
    type,
    says: data,
    step: textOf(data, 'step'),
  }))
  const tools = scribe(facts)
  const asked = askedOf(run, log, tools)
  const outcome = outcomeOf(run, log, tools)
  const { questions, told } = questionsOf(run, log, tools)
  const steps = stepRecords(run, log, tools)
  const glass = glassRecord(log, tools)
  const known = new Set([asked.entry, outcome.entry, ...told, ...steps.told, ...glass.told])
  const whole: ChangeRecord = {
    record: 'signalbox change record',
    version: 1,
    site: facts.site,
    ...(facts.zone === undefined ? {} : { zone: facts.zone }),
    run: run.id,
    title: run.plan.title,
    asked,
    outcome,
    plan: planRecord(run, facts.sends),
    questions,
    steps: steps.steps,
    moved: movedOf(run, tools),
    measured: measured(run),
    glass: glass.glass,
    others: log
      .filter(line => !known.has(line.entry))
      .map(({ entry, at, type, says }) => ({ entry, at: tools.when(at), type, says: tools.small(says) })),
    verification: facts.verified,
  }
  // Whatever people and devices have said has become plain text on the way: the shape is the same.
  return plainValue(whole)
}

const REASON = / because "([^"]*)"\s*$/

function askedOf(run: Run, log: readonly Line[], { when }: Scribe): Asked {
  const first = log.find(({ type }) => type === 'run.started')
  const via = viaOf(first?.says)
  const reason = textOf(first?.says, 'because') ?? REASON.exec(run.said)?.[1]
  return {
    ...(first ? { entry: first.entry } : {}),
    at: when(first?.at ?? run.startedAt),
    sentence: run.said,
    ...(reason === undefined ? {} : { reason }),
    by: run.by,
    ...(via ? { via } : {}),
    chat: run.place.chat,
    channel: run.place.channel,
    ...(run.place.thread === undefined ? {} : { thread: run.place.thread }),
  }
}

function outcomeOf(run: Run, log: readonly Line[], { when }: Scribe): Outcome {
  const last = log.findLast(({ type }) => type === 'run.finished')
  if (!last) return { is: 'not over' }
  return {
    entry: last.entry,
    is: textOf(last.says, 'outcome') ?? 'not known',
    at: when(last.at),
    took: Math.max(0, last.at - (log[0]?.at ?? run.startedAt)),
  }
}

function movedOf(run: Run, { when }: Scribe): readonly Moved[] {
  return stepsOf(run.plan).flatMap(({ id }) => {
    const track = run.tracks.get(id)
    // A gate's looks measure nothing.
    if (track?.done === undefined && track?.copied === undefined) return []
    const [average, latest] = [averageOf(track), throughput(track)]
    return [
      {
        step: id,
        since: when(track.since),
        until: when(track.at),
        ...(track.done === undefined ? {} : { share: track.done }),
        ...(track.copied === undefined ? {} : { copied: track.copied }),
        ...(track.total === undefined ? {} : { total: track.total }),
        ...(average === undefined ? {} : { average }),
        ...(latest === undefined ? {} : { latest: Math.round(latest) }),
      },
    ]
  })
}

/** From the first look that measured something to the last that saw it go forward: afterwards nothing was moved. */
function averageOf({ trail, total, moved }: Track): BytesPerSecond | undefined {
  const [first, last] = [trail?.[0], trail?.at(-1)]
  if (!first || !last || total === undefined) return undefined
  const end: Instant = Math.min(last[0], moved)
  return end > first[0] && last[1] > first[1] ? Math.round(((last[1] - first[1]) * total) / ((end - first[0]) / 1000)) : undefined
}

/** The record as the one text that is signed, compared and attached. */
export const jsonOf = (whole: ChangeRecord): string => `${JSON.stringify(whole, undefined, 2)}\n`
