import { mkdirSync, writeFileSync } from 'node:fs'
import { chartOf } from '../src/domain/run-chart.ts'
import { pngOf } from '../src/picture/png.ts'
import { cardPicture, cardsPage } from './cards-page.ts'
import { states } from './states.ts'

/** Writes docs/cards.md, docs/card.svg and docs/pictures/chart.png. `npx tsx docs/make-pictures.ts`; make-screenshots.ts makes the rest. */
const here = (name: string): URL => new URL(name, import.meta.url)
mkdirSync(here('./pictures/'), { recursive: true })
writeFileSync(here('./cards.md'), cardsPage())
writeFileSync(here('./card.svg'), cardPicture())
for (const { name, run } of states()) {
  const chart = chartOf(run)
  if (name === 'done' && chart) writeFileSync(here('./pictures/chart.png'), pngOf(chart))
}
