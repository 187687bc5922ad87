import type { Bytes, BytesPerSecond, Millis } from '../domain/ids.ts'

/**
 * Units as people write them. TB is decimal (10^12 bytes) and TiB binary (2^40), as IEC 80000-13 has it. The case of b and B
 * is the whole difference between a bit and a byte, so sizes and rates are read in exactly this spelling.
 */
export const SIZES: ReadonlyMap<string, Bytes> = new Map([
  ['B', 1],
  ...['kB', 'MB', 'GB', 'TB', 'PB'].map((unit, i): [string, number] => [unit, 1000 ** (i + 1)]),
  ...['KiB', 'MiB', 'GiB', 'TiB', 'PiB'].map((unit, i): [string, number] => [unit, 1024 ** (i + 1)]),
  ['KB', 1000],
])

export const RATES: ReadonlyMap<string, BytesPerSecond> = new Map([
  ...['kb', 'Mb', 'Gb'].flatMap((unit, i): [string, number][] =>
    [`${unit}/s`, `${unit}it/s`, `${unit}ps`].map((spelling): [string, number] => [spelling, 1000 ** (i + 1) / 8]),
  ),
  ...[...SIZES].map(([unit, bytes]): [string, number] => [`${unit}/s`, bytes]),
])

/** Read without regard to case: no two of them differ by it. */
export const TIMES: ReadonlyMap<string, Millis> = new Map(
  (
    [
      [1_000, ['s', 'sec', 'secs', 'second', 'seconds']],
      [60_000, ['min', 'm', 'mins', 'minute', 'minutes']],
      [3_600_000, ['h', 'hr', 'hrs', 'hour', 'hours']],
      [86_400_000, ['d', 'day', 'days']],
      [604_800_000, ['w', 'week', 'weeks']],
    ] as const
  ).flatMap(([millis, names]) => names.map((name): [string, number] => [name, millis])),
)

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Day = (typeof DAYS)[number]

/** What a refusal lists and a completion offers: one spelling each. */
export const SIZES_SHOWN = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
export const RATES_SHOWN = ['kb/s', 'Mb/s', 'Gb/s', 'kB/s', 'MB/s', 'GB/s', 'MiB/s', 'GiB/s', 'kbps', 'Mbps', 'Gbps']
export const TIMES_SHOWN = ['s', 'min', 'h', 'd', 'w']

/** `1h30m` as [[1, 'h'], [30, 'm']]; nothing when it is not made of numbers with units. */
export function amounts(text: string): readonly (readonly [amount: number, unit: string])[] {
  const parts = [...text.matchAll(/(\d{1,15}(?:\.\d{1,9})?)([A-Za-z%/]{1,12})/gy)]
  const found = parts.map(([, amount, unit]) => [Number(amount), unit ?? ''] as const)
  return parts.reduce((length, [part]) => length + part.length, 0) === text.length ? found : []
}
