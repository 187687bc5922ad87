import type { Chart, ChartLine } from '../domain/chart.ts'
import type { Instant } from '../domain/ids.ts'
import { percent, rate } from '../domain/words.ts'
import { between, ticks } from './time.ts'
import { clipped, escaped } from './xml.ts'

/** The size of a picture, in its own units. */
export const WIDTH = 800
export const HEIGHT = 360
/** The family of the fonts that png.ts brings along; a browser takes what comes nearest. */
export const FONT = 'DejaVu Sans'

const LEFT = 62
const TOP = 104
const BOTTOM = HEIGHT - 38
const ROWS = 4

/** A ground of its own, so that it reads the same in a light chat and a dark one. Blue and orange are told apart by everybody. */
const INK = { ground: '#171b21', edge: '#2c333d', grid: '#2b323b', text: '#e9edf1', faint: '#98a4b1' }
const COLOURS: Readonly<Record<ChartLine['unit'], readonly string[]>> = {
  share: ['#4da3ff', '#58d1a5', '#b394ff'],
  'bytes/s': ['#ffb14a', '#ff85a8', '#e3dc6e'],
}

/** A chart as an SVG picture of 800 x 360: shares as areas by the left axis, throughput as lines by the right one. */
export function svgOf(chart: Chart): string {
  const lines = chart.lines.map(measured).filter(line => line.points.length > 0)
  const speeds = lines.filter(line => line.unit === 'bytes/s')
  const right = speeds.length === 0 ? WIDTH - 32 : WIDTH - 92
  const times = lines.flatMap(line => line.points.map(([at]) => at))
  const fastest = greatest(speeds.flatMap(line => line.points.map(([, value]) => value)))
  const field: Field = { ...span(times), right, top: roof(fastest) }
  const body =
    times.length === 0
      ? [text(WIDTH / 2, (TOP + BOTTOM) / 2, 'Nothing has been measured yet.', { size: 15, anchor: 'middle', fill: INK.faint })]
      : [
          text(24, 55, between(smallest(times), greatest(times)), { size: 12, fill: INK.faint }),
          ...grid(lines, field),
          ...timeAxis(field),
          // Areas first: no line disappears beneath another's ground.
          ...lines
            .filter(line => line.unit === 'share')
            .flatMap((line, _, shares) => area(line, inkOf(lines, line), field, shares.length)),
          ...lines.flatMap(line => drawn(line, inkOf(lines, line), field)),
          ...legend(lines),
        ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}, Verdana, sans-serif">`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="10" fill="${INK.ground}" stroke="${INK.edge}"/>`,
    text(24, 35, clipped(chart.title.slice(0, 500), 74), { size: 17, bold: true }),
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

/** The part of the picture where lines are, and what its edges stand for. */
interface Field {
  readonly from: Instant
  readonly to: Instant
  readonly right: number
  readonly top: number // bytes/s at the upper edge; 0 when nothing moved
}

/** Without what is no number, which no picture could show. */
const measured = (line: ChartLine): ChartLine => ({
  ...line,
  points: line.points.filter(([at, value]) => Number.isFinite(at) && Number.isFinite(value)),
})

/** A single instant has a minute around it, so that it has a place. */
function span(times: readonly Instant[]): Pick<Field, 'from' | 'to'> {
  const [from, to] = [smallest(times), greatest(times)]
  return from < to ? { from, to } : { from: from - 30_000, to: to + 30_000 }
}

/** The next value whose quarters are round numbers. */
function roof(fastest: number): number {
  if (fastest <= 0) return 0
  const exact = fastest / ROWS
  const power = 10 ** Math.floor(Math.log10(exact))
  return ROWS * power * ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 10].find(step => step * power >= exact * 0.9999) ?? 10)
}

const x = ({ from, to, right }: Field, at: Instant): number => LEFT + ((at - from) / (to - from)) * (right - LEFT)
const y = ({ top }: Field, { unit }: ChartLine, value: number): number => {
  const height = unit === 'share' ? value : top === 0 ? 0 : value / top
  return BOTTOM - Math.max(0, Math.min(1, height)) * (BOTTOM - TOP)
}

function grid(lines: readonly ChartLine[], { right, top }: Field): readonly string[] {
  const [shares, speeds] = [axisInk(lines, 'share'), axisInk(lines, 'bytes/s')]
  return [...Array(ROWS + 1).keys()].flatMap(row => {
    const height = BOTTOM - (row / ROWS) * (BOTTOM - TOP)
    const look = row === 0 ? `stroke="${INK.faint}" stroke-opacity="0.6"` : `stroke="${INK.grid}"`
    const share = text(LEFT - 9, height + 4, `${(row / ROWS) * 100} %`, { size: 11, anchor: 'end', fill: shares ?? INK.faint })
    const speed = text(right + 9, height + 4, rate((top / ROWS) * row), { size: 11, fill: speeds ?? INK.faint })
    return [
      `<path d="M${LEFT} ${height}H${right}" ${look}/>`,
      ...(shares ? [share] : []),
      // Where nothing moved, the axis has one value.
      ...(speeds && (top > 0 || row === 0) ? [speed] : []),
    ]
  })
}

/** The colour of an axis: that of its line, if there is but one; undefined where no line is read by it. */
function axisInk(lines: readonly ChartLine[], unit: ChartLine['unit']): string | undefined {
  const those = lines.filter(line => line.unit === unit)
  return those.length === 1 && those[0] ? inkOf(lines, those[0]).colour : those.length === 0 ? undefined : INK.faint
}

const timeAxis = (field: Field): readonly string[] =>
  ticks(field.from, field.to, 9).flatMap(({ at, label }) => [
    `<path d="M${place(x(field, at))} ${BOTTOM}v5" stroke="${INK.faint}" stroke-opacity="0.6"/>`,
    text(x(field, at), BOTTOM + 20, label, { size: 11, anchor: 'middle', fill: INK.faint }),
  ])

interface Ink {
  readonly colour: string
  readonly name: string // of its gradient
}

function inkOf(lines: readonly ChartLine[], line: ChartLine): Ink {
  const nth = lines.filter(other => other.unit === line.unit).indexOf(line)
  const colours = COLOURS[line.unit]
  return { colour: colours[nth % colours.length] ?? INK.text, name: `shade${nth}` }
}

function area(line: ChartLine, { colour, name }: Ink, field: Field, areas: number): readonly string[] {
  const [first] = line.points
  if (!first) return []
  const stop = (offset: number, opacity: number) =>
    `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${Math.round((opacity / areas) * 100) / 100}"/>`
  return [
    `<linearGradient id="${name}" x1="0" y1="${TOP}" x2="0" y2="${BOTTOM}" gradientUnits="userSpaceOnUse">${stop(0, 0.4)}${stop(1, 0.06)}</linearGradient>`,
    `<path d="${pathOf(line, field)}V${BOTTOM}H${place(x(field, first[0]))}Z" fill="url(#${name})"/>`,
  ]
}

function drawn(line: ChartLine, { colour }: Ink, field: Field): readonly string[] {
  const last = line.points.at(-1)
  if (!last) return []
  const [across, down] = [place(x(field, last[0])), place(y(field, line, last[1]))]
  const thick = line.unit === 'share' ? 2.5 : 2
  return [
    `<path d="${pathOf(line, field)}" fill="none" stroke="${colour}" stroke-width="${thick}" stroke-linejoin="round" stroke-linecap="round"/>`,
    `<circle cx="${across}" cy="${down}" r="4.5" fill="${colour}" stroke="${INK.ground}" stroke-width="2"/>`,
  ]
}

const pathOf = (line: ChartLine, field: Field): string =>
  `M${line.points.map(([at, value]) => `${place(x(field, at))} ${place(y(field, line, value))}`).join('L')}`

/** DejaVu Sans at this size takes about so much for a character. */
const CHARACTER = 7

/** What each line is, and where it stands now. What finds no room is counted. */
function legend(lines: readonly ChartLine[]): readonly string[] {
  let across = 24
  const shown: string[] = []
  for (const [n, line] of lines.entries()) {
    const value = line.points.at(-1)?.[1] ?? 0
    const label = `${clipped(line.label.slice(0, 500), 40)} `
    const now = line.unit === 'share' ? percent(value) : rate(value)
    const room = 18 + [...label, ...now].length * CHARACTER + 20
    if (n > 0 && across + room > WIDTH - 90) {
      shown.push(text(across, 79, `and ${lines.length - n} more`, { size: 12, fill: INK.faint }))
      break
    }
    shown.push(`<rect x="${place(across)}" y="69" width="12" height="12" rx="3" fill="${inkOf(lines, line).colour}"/>`)
    shown.push(text(across + 18, 79, label, { size: 12, fill: INK.faint, after: now }))
    across += room
  }
  return shown
}

interface Lettering {
  readonly size: number
  readonly fill?: string
  readonly bold?: true
  readonly anchor?: 'middle' | 'end'
  readonly after?: string // what follows it, brighter
}

function text(across: number, down: number, words: string, { size, fill = INK.text, bold, anchor, after }: Lettering): string {
  const look = `${bold ? ' font-weight="bold"' : ''}${anchor ? ` text-anchor="${anchor}"` : ''}`
  const more = after === undefined ? '' : `<tspan fill="${INK.text}">${escaped(after)}</tspan>`
  return `<text x="${place(across)}" y="${place(down)}" font-size="${size}" fill="${fill}"${look} xml:space="preserve">${escaped(words)}${more}</text>`
}

const place = (value: number): number => Math.round(value * 10) / 10
/** Not spread into a call: a long line has more points than a call has arguments. */
const smallest = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
