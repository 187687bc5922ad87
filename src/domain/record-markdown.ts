import { canonical } from './chain.ts'
import type { Millis } from './ids.ts'
import { inBackticks, inMarkdown } from './plain-text.ts'
import type { ChangeRecord, Moved, Verification } from './record.ts'
import type { ActionRecord, PlannedStep, PlanRecord } from './record-plan.ts'
import type { GlassRecord, Question, VoteRecord } from './record-questions.ts'
import type { RuleRecord, ViaRecord, When } from './record-scribe.ts'
import type { Came, Sent, StepRecord } from './record-steps.ts'
import { duration, percent, rate, size } from './words.ts'

/** The record for people to read. It says what the JSON says, and nothing that is not in it. */
export function markdownOf(whole: ChangeRecord): string {
  const sections: readonly (readonly string[])[] = [
    [`# Change record ${text(whole.run)}: ${text(whole.title)}`],
    heading(whole),
    ['## What was going to be done', ...planLines(whole.plan)],
    ['## Who was asked', ...orNone(whole.questions.flatMap(questionLines), 'Nobody was asked anything.')],
    ['## What was done', ...whole.steps.flatMap(stepLines)],
    ...section('## What was moved', whole.moved.map(movedLine)),
    ...section(
      '## What was measured',
      whole.measured.map(line => `- ${text(line)}`),
    ),
    ...section('## Emergencies', whole.glass.flatMap(glassLines)),
    ...section(
      '## What else the log says',
      whole.others.map(({ entry, at, type, says }) => `- ${when(at)}: ${text(type)} ${value(says)} (entry ${entry})`),
    ),
    ['## Is the log whole', ...verificationLines(whole.verification)],
  ]
  return `${sections.map(spaced).join('\n\n')}\n`
}

const text = inMarkdown
const code = inBackticks
const value = (it: unknown): string => code(canonical(it))
const when = ({ utc, local }: When): string => `${utc}${local === undefined ? '' : ` / ${text(local)}`}`
const took = (ms: Millis | undefined): string => (ms === undefined ? '' : `, took ${duration(ms)} (${ms} ms)`)
const place = (entry: number | undefined): string => (entry === undefined ? '' : ` (entry ${entry})`)
const orNone = (lines: readonly string[], none: string): readonly string[] => (lines.length > 0 ? lines : [none])
const section = (title: string, lines: readonly string[]): readonly (readonly string[])[] =>
  lines.length > 0 ? [[title, ...lines]] : []
/** Headings stand apart from what is around them. */
const spaced = (lines: readonly string[]): string =>
  lines.map((line, n) => (n > 0 && (line.startsWith('#') || lines[n - 1]?.startsWith('#')) ? `\n${line}` : line)).join('\n')

function heading({ site, zone, asked, outcome, record, version }: ChangeRecord): readonly string[] {
  const rows: readonly (readonly [string, string])[] = [
    ['Outcome', `${text(outcome.is)}${outcome.at ? ` at ${when(outcome.at)}` : ''}${took(outcome.took)}${place(outcome.entry)}`],
    ['Asked for', text(asked.sentence)],
    ['Reason', asked.reason === undefined ? 'none was given' : text(asked.reason)],
    ['By', `${text(asked.by)}${via(asked.via)}`],
    ['Where', [asked.chat, asked.channel, ...(asked.thread === undefined ? [] : [asked.thread])].map(text).join(' / ')],
    ['When', `${when(asked.at)}${place(asked.entry)}`],
    ['Site', `${text(site)}${zone === undefined ? '' : `, times also in ${text(zone)}`}`],
    ['Form', `${record}, version ${version}; times are those of the database`],
  ]
  return ['| | |', '|---|---|', ...rows.map(([name, cell]) => `| ${name} | ${cell} |`)]
}

const via = (it: ViaRecord | undefined): string => {
  const parts = [it?.handle, it?.channel && `channel ${it.channel}`, it?.workspace && `workspace ${it.workspace}`]
  const said = parts.filter(part => part !== undefined && part !== '')
  return said.length > 0 ? ` (${said.map(part => text(part ?? '')).join(', ')})` : ''
}

const planLines = (plan: PlanRecord): readonly string[] => [
  `- Plan: ${text(plan.title)}${plan.runbook === undefined ? '' : `, runbook ${text(plan.runbook)}`}; when a step fails: ${text(plan.onFailure)}`,
  `- Digest: ${code(plan.digest)}${plan.digestFits ? '' : ' **which is not the digest of this plan**'}`,
  ...plan.notes.map(note => `- Note: ${text(note)}`),
  ...plan.stages.flatMap((stage, n) => stage.flatMap(step => plannedLines(step, n + 1))),
]

function plannedLines(step: PlannedStep, stage: number): readonly string[] {
  const marks = [step.final ? '**point of no return**' : '', step.always ? 'runs even after a failure' : ''].filter(
    it => it !== '',
  )
  return [
    `- Stage ${stage}, ${step.kind} ${text(step.id)}: ${text(step.says)}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`,
    ...(step.action ? actionLines('does', step.action) : []),
    ...(step.until === undefined ? [] : [`  - until ${text(step.until)}`]),
    ...(step.undo ?? []).flatMap(undo => actionLines('undone by', undo)),
    ...(step.asks === undefined ? [] : [`  - asks: ${text(step.asks)}`]),
    ...(step.rule ? [`  - needs ${ruleWords(step.rule)}`] : []),
    ...(step.facts ?? []).map(
      fact =>
        `  - shows ${text(fact.label)}, wants ${text(fact.wants)}${fact.commands.map(command => ` ${code(command)}`).join('')}`,
    ),
    ...(step.waits === undefined ? [] : [`  - waits ${duration(step.waits)} (${step.waits} ms)`]),
  ]
}

const actionLines = (what: string, { says, capability, target, risk, commands }: ActionRecord): readonly string[] => [
  `  - ${what}${says === undefined ? '' : ` ${text(says)}:`} ${text(capability)} on ${text(target)}, risk ${text(risk)}`,
  ...commands.map(command => `    - ${code(command)}`),
]

function ruleWords(rule: RuleRecord): string {
  const parts = [
    rule.needs.map(({ role, people }) => `${people} with the role ${text(role)}`).join(' and '),
    rule.ownRequest ? 'whoever asked may vote' : 'not whoever asked',
    `within ${duration(rule.within)} (${rule.within} ms)`,
    rule.goodFor === undefined ? '' : `good for ${duration(rule.goodFor)} (${rule.goodFor} ms)`,
    rule.denies === 1 ? '' : `${rule.denies} noes close it`,
    rule.reason === undefined ? '' : `words like ${code(rule.reason)}`,
    rule.secondFactor ? 'with a second factor' : '',
    rule.risk === undefined ? '' : `risk ${text(rule.risk)}`,
    rule.from === undefined ? '' : `by the rule ${text(rule.from)}`,
  ]
  return parts.filter(part => part !== '').join('; ')
}

function questionLines(it: Question): readonly string[] {
  const asker =
    it.by === undefined ? '' : `, asked by ${text(it.by)}${it.because === undefined ? '' : `, because ${text(it.because)}`}`
  return [
    `### ${text(it.step)}: ${text(it.for)}`,
    `- Asked at ${when(it.at)} (entry ${it.entry}): ${text(it.asks)}${asker}`,
    `- Needed ${ruleWords(it.rule)}${it.glass ? '; **by the rule for emergencies**' : ''}; stood until ${when(it.until)}`,
    ...it.readings.flatMap(reading => [
      `- The card showed from ${when(reading.at)} on (entry ${reading.entry}, digest ${code(reading.digest)}):`,
      ...reading.facts.map(
        fact =>
          `  - ${fact.holds ? 'holds' : '**does not hold**'}: ${text(fact.label)}: ${text(fact.shows)}${fact.read ? ` (read at ${when(fact.read)})` : ''}`,
      ),
    ]),
    ...it.votes.flatMap(voteLines),
    it.ended ? `- Ended at ${when(it.ended.at)} (entry ${it.ended.entry}): ${text(it.ended.how)}` : '- It still stands.',
  ]
}

const voteLines = (vote: VoteRecord): readonly string[] => [
  `- **${text(vote.verdict)}** by ${text(vote.by)}${via(vote.via)} at ${when(vote.at)} (entry ${vote.entry}), as ${vote.as.map(text).join(' and ') || 'nobody in particular'}`,
  `  - ${vote.words === undefined ? 'without words' : `in these words: ${text(vote.words)}`}; second factor: ${text(vote.secondFactor)}`,
  `  - was shown the plan ${code(vote.shown)}${vote.facts === undefined ? '' : `, the facts ${code(vote.facts)}`}${vote.reading === undefined ? '' : `, the reading of entry ${vote.reading}`}`,
]

function stepLines(step: StepRecord): readonly string[] {
  const times = [step.begun ? `begun ${when(step.begun)}` : '', step.ended ? `ended ${when(step.ended)}` : '']
  const marks = [step.undoes ? 'an undo' : '', step.final ? 'point of no return' : ''].filter(mark => mark !== '')
  return [
    `### ${text(step.id)}: ${text(step.is)}`,
    `- ${step.kind}: ${text(step.says)}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`,
    ...(times.some(time => time !== '') ? [`- ${times.filter(time => time !== '').join(', ')}${took(step.took)}`] : []),
    ...step.sent.flatMap(sentLines),
    ...step.came.map(cameLine),
  ]
}

const sentLines = (it: Sent): readonly string[] => [
  `- Sent at ${when(it.at)} as ${code(it.intent)} (entry ${it.entry}); became: ${text(it.became)}${took(it.took)}`,
  ...it.commands.map(command => `  - ${code(command)}`),
  ...(it.before === undefined ? [] : [`  - before that the device showed ${value(it.before)}`]),
]

const cameLine = (it: Came): string =>
  [
    `- ${when(it.at)} (entry ${it.entry}): ${text(it.what)}`,
    it.by === undefined ? '' : `by ${text(it.by)}`,
    it.because === undefined ? '' : `because ${text(it.because)}`,
    it.why === undefined ? '' : `why: ${text(it.why)}`,
    it.again === undefined ? '' : `again from ${when(it.again)} on`,
    it.doubt === undefined ? '' : `settles the doubt of entry ${it.doubt}`,
    it.result === undefined ? '' : `result ${value(it.result)}`,
  ]
    .filter(part => part !== '')
    .join('; ')

const movedLine = (it: Moved): string =>
  [
    `- ${text(it.step)}: from ${when(it.since)} to ${when(it.until)}`,
    it.share === undefined ? '' : percent(it.share),
    it.copied === undefined ? '' : `${size(it.copied)} (${it.copied} bytes)`,
    it.total === undefined ? '' : `of ${size(it.total)} (${it.total} bytes)`,
    it.average === undefined ? '' : `${rate(it.average)} on average`,
    it.latest === undefined ? '' : `${rate(it.latest)} at the end`,
  ]
    .filter(part => part !== '')
    .join(', ')

const glassLines = (it: GlassRecord): readonly string[] => [
  `- Glass broken by ${text(it.by)}${via(it.via)} at ${when(it.at)} (entry ${it.entry}), until ${when(it.until)}, because ${text(it.because)}`,
  `  - its rule: ${ruleWords(it.rule)}`,
  it.reviewed
    ? `  - reviewed by ${text(it.reviewed.by)}${via(it.reviewed.via)} at ${when(it.reviewed.at)} (entry ${it.reviewed.entry}): ${text(it.reviewed.because)}`
    : '  - **not reviewed yet**',
]

const verificationLines = (it: Verification): readonly string[] => [
  `- ${it.whole ? 'Whole' : '**Not whole**'}: entries 1 to ${it.entries}, each hash covers the one before${it.why === undefined ? '' : `; ${text(it.why)}`}`,
  `- Head: ${code(it.head)}`,
  `- MACs: ${text(it.macs)}`,
  it.anchor
    ? `- Anchor: the one of ${text(it.anchor.day)}, digest ${code(it.anchor.digest)}, covers it up to entry ${it.anchor.upTo}`
    : '- Anchor: none covers it yet',
]
