import { writeFileSync } from 'node:fs'
import { render } from '../src/chat/console/render.ts'
import { digestOf } from '../src/domain/chain.ts'
import { draw } from '../src/domain/draw.ts'
import type { Person, RunId, StepId } from '../src/domain/ids.ts'
import { follow } from '../src/domain/program.ts'
import { type Event, evolve, type Run, unborn } from '../src/domain/run.ts'
import migrate from '../src/runbooks/migrate.ts'

/** Draws docs/card.svg: the card of a migration that waits for its cutover, as the terminal shows it. `npx tsx docs/make-pictures.ts` */
const start = Date.UTC(2026, 10, 20, 1, 40)
const plan = migrate.plan(migrate.params.parse({ host: 'sql01', from: 'harddisk5', to: 'harddisk8', soak: 7_200_000 }))
const step = (id: string) => id as StepId
const done = (id: string, result?: object): Event => ({
  type: 'step.done',
  step: step(id),
  how: 'seen',
  ...(result ? { result } : {}),
})

let run: Run = unborn('R7' as RunId, { chat: 'console', channel: 'terminal' })
let now = start
const happen = (after: number, ...events: readonly Event[]): void => {
  now += after
  for (const event of follow(run, events, now)) run = evolve(run, event, now)
}
happen(0, {
  type: 'run.started',
  by: 'olga' as Person,
  plan,
  digest: digestOf(plan),
  said: 'migrate harddisk5 to harddisk8 on sql01',
})
happen(2_000, done('preflight', { sourceBytes: 2e12 }))
happen(60_000, {
  type: 'step.voted',
  step: step('ready'),
  vote: { by: 'olga' as Person, verdict: 'approve', shown: run.digest, at: now },
})
happen(2_000, done('setup', { session: 1 }))
happen(2_000, done('sync'))
happen(9_400_000, done('copy'))
happen(3_000, {
  type: 'step.shown',
  step: step('cutover'),
  facts: [
    { label: 'the copy is complete and kept equal', holds: true, shows: 'yes' },
    { label: 'every path to the target is alive', holds: true, shows: 'targetPathsDead 0' },
  ],
})
happen(300_000, {
  type: 'step.voted',
  step: step('cluster-pinned'),
  vote: { by: 'olga' as Person, verdict: 'approve', shown: run.digest, at: now, because: 'pinned to node 1' },
})

const lines = render(draw(run, now), { colours: true, width: 100 }, 1)
const [size, height] = [13, 19]
writeFileSync(
  new URL('./card.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" width="980" height="${lines.length * height + 24}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="${size}">
<rect width="100%" height="100%" rx="8" fill="#16191d"/>
${lines.map((line, n) => `<text x="14" y="${n * height + 26}" xml:space="preserve" fill="#d5d8dc">${spans(line)}</text>`).join('\n')}
</svg>
`,
)

/** ANSI colours as spans. */
function spans(line: string): string {
  const colours: Readonly<Record<string, string>> = { 31: '#f2777a', 32: '#99cc99', 33: '#ffcc66', 36: '#66cccc', 90: '#8a9199' }
  const parts = line.split('\u001b[')
  let colour = ''
  let bold = false
  return parts
    .map((part, n) => {
      const [, code = '', text = ''] = n === 0 ? ['', '', part] : (/^(\d+)m(.*)$/s.exec(part) ?? [])
      if (code === '1') bold = true
      else if (code === '22') bold = false
      else if (code === '39') colour = ''
      else if (colours[code]) colour = colours[code]
      const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
      if (safe === '') return ''
      return `<tspan${colour ? ` fill="${colour}"` : ''}${bold ? ' font-weight="bold"' : ''}>${safe}</tspan>`
    })
    .join('')
}
