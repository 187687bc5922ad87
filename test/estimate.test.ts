import { describe, expect, test } from 'vitest'
import { estimate, estimateLines, type Question } from '../src/domain/estimate.ts'
import { hours, minutes } from '../src/domain/ids.ts'
import { duration, percent, rate, size } from '../src/domain/words.ts'
import { parse } from '../src/language/parse.ts'

const asked = (text: string): Question => {
  const heard = parse(text, { targets: new Map() })
  if ('refusal' in heard || heard.command.kind !== 'estimate') throw new Error(`${text}: ${JSON.stringify(heard)}`)
  return heard.command
}
const answer = (text: string): string => estimateLines(asked(text)).join('\n')
const DAY = hours(24)

describe('an estimate', () => {
  test('of 4 TB over 50 Mb/s is about 7.4 days', () => {
    expect(answer('estimate 4TB over 50Mb/s')).toContain('4 TB over 6.25 MB/s (50 Mb/s): about 7.4 days at full line')
    expect(estimate(asked('estimate 4TB over 50Mb/s')).full).toBe(640_000_000)
  })

  test('of a line with other work is what is left of it', () => {
    expect(answer('estimate 4TB over 50Mb/s at 60%')).toContain('At 60.0 % of the line: about 12.3 days.')
    expect(answer('estimate 4TB over 50Mb/s')).toContain('If the line has other work, say so: `estimate 4TB over 50Mb/s at 60%`.')
  })

  test('gives what the seeded copies of the worked example took: the line is busy for an hour and not for fifteen', () => {
    // seeds/000, Results: 330 GB at 50 Mb/s "roughly 15 hours"; 21 GB (6.36 %) transferred in 58 minutes, 10 GB (3.03 %) in 43.
    const first = estimate(asked('estimate 330GB over 50Mb/s with 6.36% changed'))
    expect(first.full / hours(1)).toBeCloseTo(14.7, 1)
    expect(first.lineBusy / minutes(1)).toBeCloseTo(56, 0)
    expect(Math.abs(first.lineBusy - minutes(58))).toBeLessThan(minutes(3))
    const text = answer('estimate 330GB over 50Mb/s with 6.36% changed')
    expect(text).toContain('about 14 h 40 min at full line')
    expect(text).toContain('the line is busy for 56 min')
    expect(estimate(asked('estimate 330GB over 50Mb/s with 3.03% changed')).lineBusy).toBeLessThan(minutes(43))
  })

  test('says from which size on shipping wins, and there the two take the same time', () => {
    const { breakEven } = estimate(asked('estimate 4TB over 50Mb/s'))
    expect(breakEven).toBeDefined()
    const there = estimate({ ...asked('estimate 4TB over 50Mb/s'), size: breakEven ?? 0 })
    expect(there.seeded / there.full).toBeCloseTo(1, 6)
    expect(answer('estimate 4TB over 50Mb/s')).toContain('so here it wins')
    expect(answer('estimate 330GB over 50Mb/s')).toContain('below that, send it over the line')
  })

  test('wins earlier on a line that is half taken', () => {
    const [whole, half] = [estimate(asked('estimate 4TB over 50Mb/s')), estimate(asked('estimate 4TB over 50Mb/s at 50%'))]
    expect(half.breakEven ?? Number.POSITIVE_INFINITY).toBeLessThan(whole.breakEven ?? 0)
    expect(half.stated).toBe(2 * whole.stated)
  })

  test('says so where shipping never wins, and why', () => {
    expect(answer('estimate 4TB over 10Gb/s')).toContain('Shipping never wins here')
    expect(answer('estimate 4TB over 50Mb/s with 100% changed')).toContain('Shipping never wins here')
  })

  test('says what it assumes', () => {
    expect(answer('estimate 4TB over 50Mb/s')).toContain(
      'two days on the road, a block copy at 5 GB/min at each end, and 6.36 % changed meanwhile',
    )
  })

  test('of nothing to use has no figures in it', () => {
    expect(answer('estimate 4TB over 50Mb/s at 0%')).toContain('nothing moves')
    for (const text of [
      'estimate 4TB over 50Mb/s at 0%',
      'estimate 0B over 50Mb/s',
      'estimate 9000TB over 1kb/s',
      'estimate 1B over 100GB/s with 0% changed',
    ])
      expect(answer(text), text).not.toMatch(/NaN|Infinity|undefined/)
  })
})

describe('figures as this field writes them', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [330e9, '330 GB'],
    [4e12, '4 TB'],
    [1.5e15, '1.5 PB'],
  ])('%d bytes are %s', (bytes, text) => expect(size(bytes)).toBe(text))

  test.each([
    [0, '0 s'],
    [20, 'under a second'],
    [59_000, '59 s'],
    [250_000, '4 min 10 s'],
    [minutes(56), '56 min'],
    [minutes(56) - 2_000, '56 min'],
    [hours(1) - 1_000, '1 h'],
    [hours(2) + minutes(5), '2 h 5 min'],
    [hours(2) - 1_000, '2 h'],
    [DAY, '24 h'],
    [640_000_000, '7.4 days'],
  ])('%d ms are %s', (ms, text) => expect(duration(ms)).toBe(text))

  test('a share is never rounded up: what is not complete is not shown as complete', () => {
    expect(percent(0.99999)).toBe('99.9 %')
    expect(percent(1)).toBe('100.0 %')
    expect(rate(6_250_000)).toBe('6.25 MB/s')
  })
})
