import { describe, expect, test } from 'vitest'
import { chartOf } from '../src/language/chart.ts'
import { WORDS } from '../src/language/commands-help.ts'
import { words } from '../src/language/lexer.ts'

const word = (role: string, text: string): unknown => {
  const { readings } = chartOf(words(text), role)
  return readings.length === 1 ? readings[0] : readings
}

describe('the shared words', () => {
  test.each<readonly [role: string, text: string, value: unknown]>([
    ['size', '10TB', 1e13],
    ['size', '512KiB', 524_288],
    ['size', '1.5 TiB', 1.5 * 2 ** 40],
    ['rate', '50Mb/s', 6_250_000],
    ['rate', '50Mbit/s', 6_250_000],
    ['rate', '50 Mbps', 6_250_000],
    ['rate', '100MB/s', 1e8],
    ['duration', '2 h', 7_200_000],
    ['duration', '2h', 7_200_000],
    ['duration', '90 min', 5_400_000],
    ['duration', '1h30m', 5_400_000],
    ['duration', '1 h 30 min', 5_400_000],
    ['duration', '1.5 hours', 5_400_000],
    ['time', 'sat 02:00', { day: 'sat', hour: 2, minute: 0 }],
    ['time', 'Wednesday 23:59', { day: 'wed', hour: 23, minute: 59 }],
    ['time', '2:05', { hour: 2, minute: 5 }],
    ['percent', '40%', 0.4],
    ['percent', '6.36%', 0.0636],
    ['wwn', '50:06:04:82:D5:2E:69:79', '50060482d52e6979'],
    ['wwn', '60000970000192601275533030333238', '60000970000192601275533030333238'],
    ['clock', '7:30', 450],
    ['channel', '#storage-ops', '#storage-ops'],
    ['pattern', '*', '*'],
    ['zone', 'america/new_york', 'America/New_York'],
    ['zone', 'utc', 'UTC'],
    ['devnum', '0720', '0720'],
    ['devnum', '01a3f', '01A3F'],
    ['path', String.raw`port5\path0\tgt4\lun1`, String.raw`port5\path0\tgt4\lun1`],
    ['path', '/vol/vol1', '/vol/vol1'],
    ...['harddisk14', String.raw`\\.\PHYSICALDRIVE2`, 'emcpowera', '/dev/emcpowera1', 'hdiskpower3', 'c5t4d1'].map(
      it => ['disk', it, it] as const,
    ),
  ])('%s: %s', (role, text, value) => expect(word(role, text)).toEqual(value))

  test('every example of the reference is such a word', () => {
    const refused = WORDS.flatMap(({ topic, examples }) => examples.filter(it => chartOf(words(it), topic).readings.length !== 1))
    expect(refused).toEqual([])
  })

  test.each([
    ['wwn', '50:06:04'],
    ['devnum', '720'],
    ['disk', 'harddisk'],
    ['time', '24:00'],
    ['size', '10Tb'],
    ['rate', '50MB'],
    ['duration', '4 parsecs'],
    ['clock', 'sat 02:00'],
    ['channel', 'storage-ops'],
    ['channel', '##ops'],
    ['channel', '#ops#ops'],
    ['pattern', 'vmax-?'],
    ['zone', '+02:00'],
  ])('%s: %s is none', (role, text) => expect(word(role, text)).toEqual([]))
})
