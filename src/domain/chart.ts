import type { Instant } from './ids.ts'

/** A line over time, as data: each chat draws it as it can. */
export interface Chart {
  readonly title: string
  readonly lines: readonly ChartLine[]
}

export interface ChartLine {
  readonly label: string
  readonly unit: 'share' | 'bytes/s' // share: 0 to 1
  readonly points: readonly (readonly [at: Instant, value: number])[] // oldest first
}
