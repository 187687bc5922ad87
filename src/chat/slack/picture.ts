import type { Chart } from '../../domain/chart.ts'
import type { Lane, Place } from '../../domain/chat.ts'
import { percent, rate } from '../../domain/words.ts'
import { pngOf } from '../../picture/png.ts'
import { upload } from './files.ts'
import { titled } from './find.ts'
import { plain } from './harmless.ts'
import type { Wire } from './wire.ts'

/** Draws a chart and puts it where it belongs. Throws NotShown. */
export function showPicture(at: Place, chart: Chart, key: string, lane: Lane, wire: Wire): Promise<void> {
  const title = titled(plain(chart.title), key)
  return upload(at, { filename: 'chart.png', title, bytes: pngOf(chart), alt: altOf(chart) }, lane, wire)
}

/** For whoever cannot see it: what each line came to. */
const altOf = (chart: Chart): string => [plain(chart.title), ...latest(chart)].join('; ').slice(0, 1_000)

/** The last point of each line in words, also where no picture can be shown. */
export const latest = ({ lines }: Chart): readonly string[] =>
  lines.flatMap(({ label, unit, points }) => {
    const last = points.at(-1)?.[1]
    if (last === undefined) return []
    return [`${label}: ${unit === 'share' ? percent(last) : rate(last)} at the end`]
  })
