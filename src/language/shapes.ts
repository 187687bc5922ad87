import type { Word } from './lexer.ts'
import { amounts, DAYS, RATES, RATES_SHOWN, SIZES, SIZES_SHOWN, TIMES, TIMES_SHOWN } from './units.ts'

/**
 * A free word of the grammar, written `%size` there. nearley asks `test` of each word, so that one word may have several
 * shapes and the sentence decides which one is meant.
 */
export interface Shape {
  readonly says: readonly string[] // what a refusal calls it where no rule has a better name
  readonly units?: readonly string[] // what may stand behind the number
  test(word: Word): boolean
}

const bare = (pattern: RegExp, ...says: string[]): Shape => ({
  says,
  test: word => word.type === 'word' && pattern.test(word.value),
})

// Words that introduce the next part of a sentence: were they names too, `approve R7 as 3fa9c1` could be read twice.
const JOINTS = new Set(['as', 'at', 'because', 'did', 'from', 'happened', 'not', 'of', 'on', 'over', 'soak', 'to', 'with'])
const named = (pattern: RegExp, ...says: string[]): Shape => ({
  says,
  test: word => word.type === 'word' && pattern.test(word.value) && !JOINTS.has(word.text),
})
const measured = (units: readonly string[], knows: (unit: string) => boolean, ...says: string[]): Shape => ({
  says,
  units,
  test(word) {
    const parts = word.type === 'word' ? amounts(word.value) : []
    return parts.length === 1 && parts.every(([, it]) => knows(it))
  },
})
const unit = (units: readonly string[], knows: (unit: string) => boolean): Shape => ({
  says: units,
  units,
  test: word => word.type === 'word' && knows(word.value),
})

const knowsTime = (it: string): boolean => TIMES.has(it.toLowerCase())

export const shapes = {
  // Every slot is a list of what may be in it, so that nothing a shell or a chat would act on gets in by being forgotten.
  name: named(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/, '<name>'),
  step: named(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, '<step>'),
  run: bare(/^[Rr][1-9]\d{0,8}$/, '<run>'),
  digest: bare(/^[0-9A-Fa-f]{6,64}$/, '<digest>'),
  topic: bare(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/, '<topic>'),
  quoted: { says: ['"..."'], test: word => word.type === 'quoted' },

  code: bare(/^[A-Za-z0-9]{4}-[A-Za-z0-9]{4}$/, '<code>'),
  handle: bare(/^[a-z]{2,20}:[A-Za-z0-9_.-]{1,64}$/, '<handle>'),

  number: bare(/^\d{1,15}(\.\d{1,9})?$/, '<number>'),
  count: bare(/^\d{1,9}$/, '<number>'),
  percent: bare(/^\d{1,3}(\.\d{1,9})?%$/, '<percent>'),
  size: measured(SIZES_SHOWN, it => SIZES.has(it), '<size>'),
  size_unit: unit(SIZES_SHOWN, it => SIZES.has(it)),
  rate: measured(RATES_SHOWN, it => RATES.has(it), '<rate>'),
  rate_unit: unit(RATES_SHOWN, it => RATES.has(it)),
  span: {
    says: ['<duration>'],
    units: TIMES_SHOWN,
    test(word) {
      const parts = word.type === 'word' ? amounts(word.value) : []
      return parts.length > 0 && parts.every(([, it]) => knowsTime(it))
    },
  },
  time_unit: unit(TIMES_SHOWN, knowsTime),
  clock: bare(/^([01]?\d|2[0-3]):[0-5]\d$/, '<hh:mm>'),
  day: {
    says: DAYS,
    test: word =>
      word.type === 'word' && /^((sun|mon|fri)(day)?|tue(sday)?|wed(nesday)?|thu(rsday)?|sat(urday)?)$/.test(word.text),
  },

  channel: bare(/^#[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/, '#channel'),
  pattern: bare(/^[A-Za-z0-9*][A-Za-z0-9_.:*-]{0,63}$/, '<pattern>'),
  zone: bare(/^[A-Za-z][A-Za-z0-9_+-]{0,31}(\/[A-Za-z0-9_+-]{1,31}){0,2}$/, '<time zone>'),
  wwn: bare(
    /^([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){7}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){15})$/,
    '<wwn>',
  ),
  devnum: bare(/^[0-9A-Fa-f]{4,5}$/, '<device number>'),
  disk: bare(
    /^(harddisk\d{1,5}|\\\\\.\\PHYSICALDRIVE\d{1,5}|(\/dev\/)?(emcpower|sd|vd|xvd|dm-|nvme)[a-z0-9]{1,16}|(\/dev\/)?r?hdisk(power)?\d{1,5}|(\/dev\/r?dsk\/)?c\d{1,4}(t[0-9A-Fa-f]{1,32})?d\d{1,5}([sp]\d{1,2})?)$/i,
    '<disk>',
  ),
  device: named(/^[A-Za-z0-9_.:/\\][A-Za-z0-9_.:/\\-]{0,254}$/, '<device>'),
  path: bare(/^(\/|[A-Za-z0-9_.-]+[/\\])[A-Za-z0-9_.:/\\-]{0,254}$/, '<path>'),
} satisfies Readonly<Record<string, Shape>>
