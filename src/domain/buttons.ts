import type { ApprovalRule } from './approval.ts'
import { ballots, type Question, questionToken } from './ballot.ts'
import type { Button, Words } from './chat.ts'
import type { RunId } from './ids.ts'
import type { Act, Step } from './plan.ts'
import { stepsBehind } from './program.ts'
import type { Run } from './run.ts'
import { sentences } from './sentences.ts'

/** As long as a button's sentence may be, and what it asks: Discord's limits, which are the narrowest. */
const MOST_SAID = 100
const MOST_ASKED = 45

/**
 * What a card offers to press, as sentences that the grammar understands. What opens something comes first, a vote with a note
 * last. What has no room on a button stays a sentence to type.
 */
export function buttonsOf(run: Run): readonly Button[] {
  const open = ballots(run)
  const spoken = sentences(run).map(says => partsOf(says, run.id))
  const all = spoken.map(it => buttonOf(it, run, open))
  const primary = all.filter(({ style }) => style === 'primary')
  const others = all.filter(({ style }) => style !== 'primary')
  const notes = spoken.flatMap(it => noteOf(it, run, open))
  // Of what happened and what did not happen both are offered or neither: one alone would be a leading question.
  const tells = spoken.filter(({ verb }) => verb === 'tell').every(fits)
  return [...primary, ...others, ...refreshing(run, open), ...notes].filter(
    it => fits(it) && (tells || !it.says.startsWith('tell ')),
  )
}

/** Facts are read every half minute; whoever is about to say yes may not want to wait for that. */
const refreshing = (run: Run, open: readonly Question[]): readonly Button[] =>
  open.some(({ step }) => step.kind === 'gate' && step.facts.length > 0)
    ? [{ label: 'Refresh facts', says: `refresh ${run.id}` }]
    : []

const fits = ({ says }: { readonly says: string }): boolean => says.length <= MOST_SAID

/** A sentence about a run: `approve R7 cutover` as its verb and what stands behind the run. */
interface Parts {
  readonly verb: string
  readonly rest: string
  readonly says: string
}

function partsOf(says: string, run: RunId): Parts {
  const verb = says.split(` ${run}`)[0] ?? says
  return { verb, rest: says.slice(verb.length + run.length + 1).trim(), says }
}

const DANGERS: ReadonlySet<string> = new Set(['skip', 'roll back', 'give up', 'cancel'])

function buttonOf(parts: Parts, run: Run, open: readonly Question[]): Button {
  const { verb, rest, says } = parts
  const asked = asks(parts, open)
  if (asked) return verb === 'deny' ? denial(says, rest, run, asked) : consent(parts, run, asked)
  if (verb === 'tell') return { label: rest.replace(BECAUSE, ''), says, words: { asks: 'What did you see?' } }
  if (verb === 'skip') return { label: label(parts), says, style: 'danger', words: { asks: 'Why go on without it?' } }
  return { label: label(parts), says, ...(DANGERS.has(verb) ? { style: 'danger' } : {}) }
}

const VOTES: ReadonlySet<string> = new Set(['approve', 'confirm', 'deny'])
const asks = ({ verb, rest }: Parts, open: readonly Question[]): Question | undefined =>
  VOTES.has(verb) ? open.find(({ step }) => step.id === rest) : undefined

const BECAUSE = ' because "..."'
const label = ({ verb, rest }: Parts): string =>
  `${verb[0]?.toUpperCase() ?? ''}${verb.slice(1)}${rest ? ` ${rest.replace(BECAUSE, '')}` : ''}`

/** `... as 0123456789`: the very question that the card showed, so that a late press is no answer to a later one. */
const tied = (says: string, run: Run, { step, ballot }: Question): string => `${says} as ${questionToken(run, step, ballot)}`

function consent(parts: Parts, run: Run, question: Question): Button {
  const { rule } = question.ballot
  const says = `${tied(parts.says, run, question)}${rule.reason === undefined ? '' : BECAUSE}`
  const point = finalBehind(run, question.step)
  const words = wordsFor(rule) ?? (point ? typing(point, parts.verb) : undefined)
  return { label: label(parts), says, style: 'primary', ...(words ? { words } : {}) }
}

/** What its rule wants with a yes: a code says more than a name that is typed. */
function wordsFor({ stepUp, reason }: ApprovalRule): Words | undefined {
  if (stepUp) return { asks: reason === undefined ? 'Code of your second factor' : 'Code, then a note or a ticket', code: true }
  return reason === undefined ? undefined : { asks: 'Note or ticket, which is wanted here' }
}

/** A point of no return is not passed by a slip of the finger: the name of what it happens to is typed. */
function typing({ action: { target } }: Act, verb: string): Words {
  const named = `Type ${target} to ${verb}`
  return { asks: named.length <= MOST_ASKED ? named : `Type the target's name to ${verb}`, must: target }
}

function denial(says: string, rest: string, run: Run, question: Question): Button {
  const plain = { label: `Deny ${rest}`, says: tied(says, run, question), style: 'danger' } as const
  const withReason = `${plain.says}${BECAUSE}`
  return withReason.length <= MOST_SAID ? { ...plain, says: withReason, words: { asks: 'Why not?', optional: true } } : plain
}

/** The same vote with a word to it, such as the number of the change. */
function noteOf(parts: Parts, run: Run, open: readonly Question[]): readonly Button[] {
  const question = parts.verb === 'deny' ? undefined : asks(parts, open)
  if (!question || wordsFor(question.ballot.rule)) return []
  const which = open.length === 1 ? label({ ...parts, rest: '' }) : label(parts)
  const asked = finalBehind(run, question.step) ? 'Point of no return: note or ticket' : 'Note or ticket'
  return [{ label: `${which} with a note`, says: `${tied(parts.says, run, question)}${BECAUSE}`, words: { asks: asked } }]
}

/** The point of no return that comes right after a step. */
const finalBehind = (run: Run, step: Step): Act | undefined =>
  stepsBehind(run, step).find((next): next is Act => next.kind === 'act' && next.final === true)
