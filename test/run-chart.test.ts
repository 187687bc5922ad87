import { describe, expect, test } from 'vitest'
import type { Chart } from '../src/domain/chart.ts'
import type { Plan } from '../src/domain/plan.ts'
import { observe, type Progress, type Track } from '../src/domain/progress.ts'
import type { Run } from '../src/domain/run.ts'
import { chartOf } from '../src/domain/run-chart.ts'
import { act, begun, NOW, plan, watch } from './fakes/given.ts'

const TB = 1e12
/** A look each ten seconds. */
const looked = (...looks: readonly Progress[]): Track => {
  const track = looks.reduce<Track | undefined>((known, look, n) => observe(known, look, NOW + n * 10_000), undefined)
  if (!track) throw new Error('somebody has to look')
  return track
}
const chartOfTracks = (
  tracks: Readonly<Record<string, Track>>,
  of: Plan = plan(act('sync', 'routine'), watch('copy')),
): Chart | undefined =>
  chartOf({ ...begun(of), tracks: new Map(Object.entries(tracks)) as ReadonlyMap<string, Track> as Run['tracks'] })
/** A copy of 1 TB at 500 MB/s. */
const steady = (n: number): readonly Progress[] => [...Array(n).keys()].map(k => ({ done: k * 0.005, total: TB }))

describe('the chart of a run', () => {
  test('has the measured shares of a watched step, and its throughput where the size is known', () => {
    const chart = chartOfTracks({ copy: looked(...steady(60)) })
    expect(chart?.title).toBe('R1 move a disk on sql01')
    expect(chart?.lines.map(({ label, unit }) => [label, unit])).toEqual([
      ['copy: share done', 'share'],
      ['copy: throughput', 'bytes/s'],
    ])
    const [share, speed] = chart?.lines ?? []
    expect(share?.points).toHaveLength(60)
    expect(share?.points[20]).toEqual([NOW + 200_000, 0.1])
    for (const [, value] of speed?.points ?? []) expect(Math.abs(value - 500e6)).toBeLessThan(10e6)
  })

  test('smooths a rate over neighbouring looks: one that came late makes no spike', () => {
    const late = steady(40).map((look, n) => (n === 20 ? { ...look, done: 0.0951 } : look))
    const [, speed] = chartOfTracks({ copy: looked(...late) })?.lines ?? []
    const values = speed?.points.map(([, value]) => value) ?? []
    // From look to look it would have been 10 MB/s and then 990.
    expect(Math.max(...values)).toBeLessThan(650e6)
    expect(Math.min(...values)).toBeGreaterThan(350e6)
  })

  test('shows a standstill as a throughput of nothing', () => {
    const [, speed] =
      chartOfTracks({ copy: looked(...steady(10), ...Array<Progress>(20).fill({ done: 0.045, total: TB })) })?.lines ?? []
    expect(speed?.points.at(-1)?.[1]).toBe(0)
  })

  test('makes up no throughput where nobody knows the size', () => {
    const chart = chartOfTracks({ copy: looked({ done: 0.1 }, { done: 0.2 }, { done: 0.3 }) })
    expect(chart?.lines.map(line => line.unit)).toEqual(['share'])
  })

  test('has every step that was watched, in the order of the plan', () => {
    const two = plan(watch('first'), [watch('left'), watch('right')])
    const track = looked({ done: 0.1 }, { done: 0.2 })
    const chart = chartOfTracks({ right: track, first: track, left: track }, two)
    expect(chart?.lines.map(line => line.label)).toEqual(['first: share done', 'left: share done', 'right: share done'])
  })

  test('does not exist where nothing was measured, or only once', () => {
    expect(chartOfTracks({})).toBeUndefined()
    expect(chartOfTracks({ copy: looked({}, { note: 'syncing' }) })).toBeUndefined()
    expect(chartOfTracks({ copy: looked({ done: 0.5 }) })).toBeUndefined()
    // A gate that reads its facts has a track too, and no progress.
    expect(chartOfTracks({ sync: looked({ done: 0.5 }, { done: 0.6 }) })).toBeUndefined()
  })

  test('has no rate between two looks at the same instant', () => {
    const track = [0.1, 0.2].reduce<Track | undefined>((known, done) => observe(known, { done, total: TB }, NOW), undefined)
    expect(track && chartOfTracks({ copy: track })?.lines.map(line => line.unit)).toEqual(['share'])
  })
})
