import type { Bytes, BytesPerSecond, Instant, Millis } from './ids.ts'

/** Sizes, rates and times as this field writes them. Decimal units, as on an array's label. */
export function size(bytes: Bytes): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : round(value)} ${units[unit]}`
}

export const rate = (bytesPerSecond: BytesPerSecond): string => `${size(Math.round(bytesPerSecond))}/s`

/** Three significant digits, no trailing zeros. */
export const round = (value: number): string => String(Number(value.toPrecision(3)))

/** "3 s", "4 min 10 s", "2 h 5 min", "7.4 days". */
export function duration(ms: Millis): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 1) return ms > 0 ? 'under a second' : '0 s'
  if (s < 60) return `${s} s`
  if (s < 600) return join(Math.floor(s / 60), 'min', s % 60, 's')
  if (s < 3570) return `${Math.round(s / 60)} min`
  if (s < 2 * 86_400) return join(Math.floor(s / 3600), 'h', Math.round((s % 3600) / 60), 'min')
  return `${(s / 86_400).toFixed(1)} days`
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  if (small === 60) return `${big + 1} ${bigUnit}`
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
}

/** The time of day in UTC, to the second. */
export const clockTime = (at: Instant): string => `${new Date(at).toISOString().slice(11, 19)} UTC`

/** The day and the time in UTC, to the minute. */
export const dateTime = (at: Instant): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

export const percent = (share: number): string => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
