import { Resvg } from '@resvg/resvg-js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Chart, ChartLine } from '../src/domain/chart.ts'
import { pngOf, pngOfSvg } from '../src/picture/png.ts'
import { svgOf } from '../src/picture/svg.ts'
import { between, ticks } from '../src/picture/time.ts'
import { NOW } from './fakes/given.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const HOSTILE = `<script>alert("1")</script>&amp;'\u0000\u001b[2J\u202e\ufffe\ud800]]>`
const line = (unit: ChartLine['unit'], values: readonly number[], step = 60_000): ChartLine => ({
  label: unit === 'share' ? 'copy: share done' : 'copy: throughput',
  unit,
  points: values.map((value, n) => [NOW + n * step, value]),
})
const chart = (...lines: readonly ChartLine[]): Chart => ({ title: 'R7 migrate harddisk5', lines })
const usual = chart(line('share', [0, 0.2, 0.45, 0.7]), line('bytes/s', [180e6, 210e6, 195e6, 240e6]))
const texts = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text = '']) => text.replace(/<[^>]*>/g, ''))

/** An independent reader of XML: a picture that is not well-formed is not drawn but refused. */
const size = (svg: string): readonly number[] => {
  const { width, height } = new Resvg(svg, { font: { loadSystemFonts: false } })
  return [width, height]
}

describe('the drawing of a chart', () => {
  test('says what it shows: title, times in UTC, shares in %, throughput in the units of the field', () => {
    const shown = texts(svgOf(usual))
    expect(shown[0]).toBe('R7 migrate harddisk5')
    expect(shown).toContain('20 Nov 2025, 12:00:00 to 12:03:00 UTC')
    expect(shown).toEqual(expect.arrayContaining(['0 %', '25 %', '50 %', '75 %', '100 %']))
    expect(shown).toEqual(expect.arrayContaining(['0 B/s', '60 MB/s', '120 MB/s', '180 MB/s', '240 MB/s']))
    expect(shown).toEqual(expect.arrayContaining(['copy: share done 70.0 %', 'copy: throughput 240 MB/s']))
  })

  test('keeps a throughput that just reaches a round number inside', () => {
    expect(texts(svgOf(chart(line('bytes/s', [0, 400e6]))))).toContain('400 MB/s')
    expect(texts(svgOf(chart(line('bytes/s', [0, 401e6]))))).toContain('600 MB/s')
  })

  test.each<readonly [string, Chart]>([
    ['no line', chart()],
    ['a line without points', chart(line('share', []))],
    ['one point', chart(line('share', [0.4]), line('bytes/s', [1e6]))],
    ['equal values', chart(line('share', [0.4, 0.4, 0.4]), line('bytes/s', [5e6, 5e6]))],
    ['a standstill', chart(line('share', [0, 0]), line('bytes/s', [0, 0]))],
    ['points at one instant', chart(line('share', [0.1, 0.2, 0.3], 0), line('bytes/s', [1, 2], 0))],
    ['what is no number', chart(line('share', [Number.NaN, 0.5, Number.POSITIVE_INFINITY]), line('bytes/s', [Number.NaN]))],
    [
      'hundreds of points',
      chart(
        line(
          'share',
          [...Array(900).keys()].map(n => n / 900),
        ),
      ),
    ],
    ['ten years', chart(line('share', [0, 0.5, 1], 1_800 * DAY))],
    ['shares beyond the edge', chart(line('share', [-1, 2]))],
    ['very many lines', chart(...Array<ChartLine>(12).fill(line('share', [0.1, 0.9])))],
    ['hostile words', { title: HOSTILE, lines: [{ ...line('share', [0.1, 0.9]), label: HOSTILE }] }],
  ])('of %s is well-formed and 800 x 360, with every number a number', (_, of) => {
    const svg = svgOf(of)
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    expect(size(svg)).toEqual([800, 360])
  })

  test('of any chart at all is well-formed, and all of it lies inside the picture', () => {
    const at = fc.integer({ min: 0, max: 4_102_444_800_000 })
    const points = fc.array(fc.tuple(at, fc.double({ min: 0, max: 1e15, noNaN: true })), { maxLength: 20 })
    const lines = fc.array(
      fc.record({ label: fc.string({ unit: 'binary' }), unit: fc.constantFrom('share' as const, 'bytes/s' as const), points }),
      { maxLength: 5 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), lines, (title, all) => {
        const svg = svgOf({ title, lines: all.map(one => ({ ...one, points: one.points.toSorted(([a], [b]) => a - b) })) })
        expect(size(svg)).toEqual([800, 360])
        for (const [, x = '', y = ''] of svg.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
          expect(Number(x)).toBeGreaterThanOrEqual(0)
          expect(Number(x)).toBeLessThanOrEqual(800)
          expect(Number(y)).toBeGreaterThanOrEqual(0)
          expect(Number(y)).toBeLessThanOrEqual(360)
        }
      }),
      { numRuns: 80, seed: 20251120 },
    )
  })

  test('takes no markup from a title or a label', () => {
    const svg = svgOf({ title: HOSTILE, lines: [{ ...line('share', [0.1, 0.9]), label: HOSTILE }] })
    expect(svg).not.toContain('<script')
    expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e\ufffe]|\ud800/)
    expect(texts(svg)[0]).toMatch(/^&#60;script&#62;alert\(&#34;1&#34;\)&#60;\/script&#62;&#38;amp;&#39;/)
  })
})

describe('the axis of time', () => {
  test.each([
    [30_000, '12:00:05'],
    [10 * 60_000, '12:02'],
    [6 * HOUR, '13:00'],
    [2 * DAY, '21 Nov'],
    [30 * DAY, '28 Nov'],
    [400 * DAY, '7 Apr'],
  ])('over %i ms has round times that people count in', (span, one) => {
    const found = ticks(NOW, NOW + span, 9)
    expect(found.map(tick => tick.label)).toContain(one)
    expect(found.length).toBeGreaterThanOrEqual(3)
    expect(found.length).toBeLessThanOrEqual(9)
    for (const { at } of found) expect(at >= NOW && at <= NOW + span).toBe(true)
  })

  test('says its ends once, with both days where they differ', () => {
    expect(between(NOW, NOW + 2 * HOUR)).toBe('20 Nov 2025, 12:00 to 14:00 UTC')
    expect(between(NOW, NOW + 3 * DAY)).toBe('20 Nov 2025, 12:00 to 23 Nov 2025, 12:00 UTC')
    expect(between(NOW, NOW)).toBe('20 Nov 2025, 12:00:00 UTC')
  })
})

describe('the picture of a chart', () => {
  const bright = (png: Uint8Array): number => {
    // The renderer is also the one that can read a picture back: an SVG that holds the PNG and nothing else.
    const held = `<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="720"><image width="1600" height="720" href="data:image/png;base64,${Buffer.from(png).toString('base64')}"/></svg>`
    const { pixels } = new Resvg(held).render()
    let count = 0
    for (let n = 0; n < pixels.length; n += 4) if (Math.min(pixels[n] ?? 0, pixels[n + 1] ?? 0, pixels[n + 2] ?? 0) > 120) count++
    return count
  }
  const withoutText = (svg: string): string => svg.replace(/<text[\s\S]*?<\/text>/g, '')

  test('is a PNG of 1600 x 720, small enough for any chat', () => {
    const png = Buffer.from(pngOf(usual))
    expect(png.subarray(1, 4).toString()).toBe('PNG')
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1600, 720])
    expect(png.length).toBeLessThan(150_000)
  })

  test('has its words in it: a renderer without fonts would have left them out and said nothing', () => {
    const svg = svgOf(usual)
    const [shown, bare, fontless] = [bright(pngOf(usual)), bright(pngOfSvg(withoutText(svg), [])), bright(pngOfSvg(svg, []))]
    expect(fontless).toBe(bare)
    expect(shown - bare).toBeGreaterThan(4_000)
  })

  test('has each of its words in it, the title in bold', () => {
    const svg = svgOf(usual)
    const all = bright(pngOf(usual))
    const title = { ...usual, title: '' }
    expect(texts(svg).length).toBeGreaterThan(15)
    expect(all - bright(pngOf(title))).toBeGreaterThan(1_500)
  })

  test('is the same each time: nothing of the machine is in it', () => {
    expect(Buffer.from(pngOf(usual)).equals(Buffer.from(pngOf(usual)))).toBe(true)
  })
})
