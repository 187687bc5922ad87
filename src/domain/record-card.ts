import type { Attached, Card } from './chat.ts'
import { type ChangeRecord, jsonOf } from './record.ts'
import { markdownOf } from './record-markdown.ts'
import { duration } from './words.ts'

/** The record as an answer in a chat: what matters in a few lines, and the whole of it as files. */
export function reportCard(whole: ChangeRecord): Card & { readonly attached: readonly Attached[] } {
  const { run, title, asked, outcome, questions, steps, glass, verification } = whole
  const votes = questions.flatMap(question => question.votes)
  const doubts = steps.flatMap(step => step.came).filter(({ what }) => what === 'in doubt').length
  const open = glass.filter(({ reviewed }) => reviewed === undefined).length
  const lines = [
    `Asked for by ${asked.by} at ${asked.at.utc}: ${asked.sentence}`,
    `${outcome.is}${outcome.took === undefined ? '' : ` after ${duration(outcome.took)}`}; ${steps.length} steps, ${count(doubts, 'doubt')}`,
    `${count(questions.length, 'question')} to people, ${count(votes.length, 'vote')}${votes.length > 0 ? `: ${votes.map(vote => `${vote.by} ${vote.verdict === 'approve' ? 'approved' : vote.verdict === 'deny' ? 'denied' : vote.verdict}`).join(', ')}` : ''}`,
    ...(glass.length > 0 ? [`The glass was broken${open > 0 ? '; the review is open' : ' and that was reviewed'}`] : []),
    verification.whole
      ? `The log is whole: ${verification.entries} entries${verification.anchor ? `, anchored on ${verification.anchor.day}` : ', not anchored yet'}`
      : `THE LOG IS NOT WHOLE: ${verification.why ?? 'why is not known'}`,
  ]
  return {
    title: `Change record of ${run} ${title}`,
    tone: verification.whole && open === 0 ? 'calm' : 'bad',
    lines,
    buttons: [],
    attached: [
      { name: `${run}.md`, text: markdownOf(whole) },
      { name: `${run}.json`, text: jsonOf(whole) },
    ],
  }
}

const count = (n: number, what: string): string => (n === 0 ? `no ${what}s` : n === 1 ? `one ${what}` : `${n} ${what}s`)
