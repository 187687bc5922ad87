import type { Chart, ChartLine } from '../../domain/chart.ts'
import { percent, rate } from '../../domain/words.ts'
import { between } from '../../picture/time.ts'

const BLOCKS = ['\u2581', '\u2582', '\u2583', '\u2584', '\u2585', '\u2586', '\u2587', '\u2588'] as const

/** A line over time in a row of characters: what it is, its blocks, and its lowest, its highest and its latest value. */
export interface Sparkline {
  readonly label: string
  readonly blocks: string
  readonly says: string
}

/** What can be drawn of a chart, each line over the same time in so many characters, and from when to when. */
export function sparklines(chart: Chart, cells: number): { readonly rows: readonly Sparkline[]; readonly when?: string } {
  const lines = chart.lines
    .map(line => ({ ...line, points: line.points.filter(point => point.every(Number.isFinite)) }))
    .filter(line => line.points.length > 0)
  const times = lines.flatMap(line => line.points.map(([at]) => at)).sort((a, b) => a - b)
  const [from, to] = [times[0], times.at(-1)]
  if (from === undefined || to === undefined) return { rows: [] }
  const rows = lines.map(line => ({ label: line.label, blocks: blocks(line, from, to, cells), says: range(line) }))
  return { rows, when: between(from, to) }
}

function blocks({ unit, points }: ChartLine, from: number, to: number, cells: number): string {
  const most = unit === 'share' ? 1 : points.reduce((most, [, value]) => Math.max(most, value), 0)
  const place = (at: number): number => (to === from ? 0 : Math.min(cells - 1, Math.floor(((at - from) / (to - from)) * cells)))
  const sums = new Map<number, { readonly total: number; readonly count: number }>()
  for (const [at, value] of points) {
    const { total, count } = sums.get(place(at)) ?? { total: 0, count: 0 }
    sums.set(place(at), { total: total + value, count: count + 1 })
  }
  const [first, last] = [Math.min(...sums.keys()), Math.max(...sums.keys())]
  let height = 0
  return [...Array(last + 1).keys()]
    .map(cell => {
      const here = sums.get(cell)
      // Between two looks it stood as the look before found it; before the first, nobody knows.
      if (here) height = most === 0 ? 0 : here.total / here.count / most
      return cell < first ? ' ' : blockOf(height)
    })
    .join('')
}

const blockOf = (height: number): string =>
  BLOCKS[Math.max(0, Math.min(BLOCKS.length - 1, Math.floor(height * BLOCKS.length)))] ?? BLOCKS[0]

function range({ unit, points }: ChartLine): string {
  const say = unit === 'share' ? percent : rate
  const values = points.map(([, value]) => value)
  const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  if (least === most) return say(most)
  // A share only grows: its latest value is its highest.
  return `${say(least)} to ${say(most)}${unit === 'share' ? '' : `, now ${say(values.at(-1) ?? 0)}`}`
}
