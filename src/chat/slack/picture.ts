import { z } from 'zod'
import type { Chart } from '../../domain/chart.ts'
import type { Lane, Place } from '../../domain/chat.ts'
import { percent, rate } from '../../domain/words.ts'
import { pngOf } from '../../picture/png.ts'
import { NotShown } from '../../ports/chat.ts'
import { titled } from './find.ts'
import { plain } from './harmless.ts'
import type { Wire } from './wire.ts'

const Where = z.object({ upload_url: z.string(), file_id: z.string() })

/**
 * Draws a chart and puts it where it belongs, in the three calls that Slack wants for a file: where to, the bytes, and what it is.
 * Throws NotShown. Source: docs.slack.dev/messaging/working-with-files, "Uploading files".
 */
export async function showPicture(at: Place, chart: Chart, key: string, lane: Lane, wire: Wire): Promise<void> {
  const bytes = pngOf(chart)
  const how = { lane, purpose: 'edit' } as const
  const asked = await wire.call(
    'files.getUploadURLExternal',
    { filename: 'chart.png', length: bytes.length, alt_txt: altOf(chart) },
    how,
  )
  const where = Where.safeParse(asked).data
  if (!where) throw new NotShown('unclear', 'Slack did not say where a picture goes')
  await wire.upload(where.upload_url, bytes, lane)
  await wire.call(
    'files.completeUploadExternal',
    {
      files: [{ id: where.file_id, title: titled(plain(chart.title), key) }],
      channel_id: at.channel,
      ...(at.thread === undefined ? {} : { thread_ts: at.thread }),
    },
    how,
  )
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
