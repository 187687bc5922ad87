import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { cardPicture, cardsPage } from '../docs/cards-page.ts'
import { smaller } from '../docs/smaller.ts'
import { states } from '../docs/states.ts'
import { pngOf } from '../src/picture/png.ts'
import { NOW } from './fakes/given.ts'

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url))
const text = (name: string): string => readFileSync(`${DOCS}${name}`, 'utf8')

describe('the pages that a script writes', () => {
  test('show the cards as they are drawn now: `npx tsx docs/make-pictures.ts` writes them anew', () => {
    expect(text('cards.md')).toBe(cardsPage())
    expect(text('card.svg')).toBe(cardPicture())
  })

  test('come to each state by events, and say which it is', () => {
    expect(states().map(({ name, run }) => [name, run.outcome])).toEqual([
      ['planned', undefined],
      ['syncing', undefined],
      ['waiting', undefined],
      ['doubtful', undefined],
      ['held', undefined],
      ['rolled-back', 'rolled back'],
      ['done', 'succeeded'],
    ])
    for (const title of ['Planned', 'Syncing', 'Waiting for people', 'In doubt', 'Held', 'Rolled back', 'Done'])
      expect(text('cards.md')).toContain(`\n## ${title}\n`)
  })

  test('have each picture that they show, small enough for a page', () => {
    const shown = [...text('cards.md').matchAll(/\]\((pictures\/[^)]+)\)/g)].map(([, file = '']) => file)
    expect(shown).toHaveLength(15)
    for (const file of shown) {
      expect(existsSync(`${DOCS}${file}`), file).toBe(true)
      expect(statSync(`${DOCS}${file}`).size, file).toBeLessThan(120_000)
    }
    expect(
      readdirSync(`${DOCS}pictures`)
        .map(file => `pictures/${file}`)
        .sort(),
    ).toEqual([...shown].sort())
  })
})

describe('a picture that is packed anew', () => {
  test('keeps its size and its ground, and is smaller', () => {
    const before = Buffer.from(
      pngOf({
        title: 'R7',
        lines: [
          {
            label: 'copy',
            unit: 'share',
            points: [
              [NOW, 0],
              [NOW + 60_000, 1],
            ],
          },
        ],
      }),
    )
    const after = smaller(before)
    expect(after.length).toBeLessThan(before.length)
    expect([after.readUInt32BE(16), after.readUInt32BE(20)]).toEqual([1600, 720])
    // The first colour of its palette is what is seen most.
    const palette = after.indexOf('PLTE') + 4
    expect([...after.subarray(palette, palette + 3)]).toEqual([0x17, 0x1b, 0x21])
  })
})
