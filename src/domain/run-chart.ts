import type { Chart, ChartLine } from './chart.ts'
import type { Bytes } from './ids.ts'
import { stepsOf } from './plan.ts'
import type { Trail } from './progress.ts'
import type { Run } from './run.ts'

/** What was measured of a run, as lines over time; undefined where nothing was, or only once. */
export function chartOf(run: Run): Chart | undefined {
  const lines = stepsOf(run.plan).flatMap((step): readonly ChartLine[] => {
    const track = run.tracks.get(step.id)
    if (step.kind !== 'watch' || !track?.trail || track.trail.length < 2) return []
    const share: ChartLine = { label: `${step.id}: share done`, unit: 'share', points: track.trail }
    const points = track.total === undefined ? [] : speeds(track.trail, track.total)
    // A share per second is no rate that people read.
    return points.length < 2 ? [share] : [share, { label: `${step.id}: throughput`, unit: 'bytes/s', points }]
  })
  return lines.length === 0 ? undefined : { title: `${run.id} ${run.plan.title}`, lines }
}

/** Neighbours on either side that a rate is measured over: one look alone says more about when it was taken than about the line. */
const NEIGHBOURS = 2

function speeds(trail: Trail, total: Bytes): ChartLine['points'] {
  return trail.flatMap(([at], n) => {
    const [before, after] = [trail[Math.max(0, n - NEIGHBOURS)], trail[Math.min(trail.length - 1, n + NEIGHBOURS)]]
    if (!before || !after || after[0] <= before[0]) return []
    return [[at, Math.round((Math.max(0, after[1] - before[1]) * total) / ((after[0] - before[0]) / 1000))] as const]
  })
}
