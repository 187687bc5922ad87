import { chartLines, render } from '../src/chat/console/render.ts'
import { draw } from '../src/domain/draw.ts'
import { chartOf } from '../src/domain/run-chart.ts'
import { type State, states } from './states.ts'
import { terminalSvg } from './terminal-svg.ts'

const PLAIN = { colours: false, width: 100 }
const TITLES: Readonly<Record<State['name'], string>> = {
  planned: 'Planned',
  syncing: 'Syncing',
  waiting: 'Waiting for people',
  doubtful: 'In doubt',
  held: 'Held',
  'rolled-back': 'Rolled back',
  done: 'Done',
}

/** docs/cards.md: a card in each state, as a terminal shows it and as Slack and Discord do. */
export function cardsPage(): string {
  const all = states()
  return [
    '# What a card looks like',
    '',
    '<!-- Written by docs/make-pictures.ts. A test holds that it is what the script writes now. -->',
    '',
    'One card per run, edited in place. These are seven moments of `migrate harddisk5 to harddisk8 on sql01 soak 2h`, as olga asked for',
    'it; each was made by folding the events that lead to it. First as text, which is the same on a terminal and in a log, then in Slack',
    'and in Discord.',
    '',
    `[${all.map(({ name }) => `${TITLES[name]}](#${anchor(TITLES[name])})`).join(' · [')} · [Chart](#chart)`,
    '',
    ...all.flatMap(section),
    ...chartSection(all),
  ].join('\n')
}

const anchor = (title: string): string => title.toLowerCase().replaceAll(' ', '-')

const section = ({ name, says, run, now }: State): readonly string[] => [
  `## ${TITLES[name]}`,
  '',
  says,
  '',
  ...fenced(render(draw(run, now), PLAIN)),
  `![the same card in Slack](pictures/slack-${name}.png)`,
  '',
  `![the same card in Discord](pictures/discord-${name}.png)`,
  '',
]

function chartSection(all: readonly State[]): readonly string[] {
  const chart = all.map(({ run }) => chartOf(run)).at(-1)
  if (!chart) throw new Error('the run that is done has measured nothing')
  return [
    '## Chart',
    '',
    '`chart R7` draws how a copy went, and the end of a long run comes with it. Only what was measured is drawn: here a backup had the line',
    'for a while.',
    '',
    ...fenced(chartLines(chart, PLAIN)),
    `![the chart of the same run](pictures/chart.png)`,
    '',
  ]
}

const fenced = (lines: readonly string[]): readonly string[] => ['```text', ...lines, '```', '']

/** docs/card.svg: the card that waits for its cutover, as a terminal with colours shows it. */
export function cardPicture(): string {
  const waiting = states().find(({ name }) => name === 'waiting')
  if (!waiting) throw new Error('no state waits')
  return terminalSvg(render(draw(waiting.run, waiting.now), { colours: true, width: 100 }, 1))
}
