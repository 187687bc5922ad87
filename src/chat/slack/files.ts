import { z } from 'zod'
import type { Attached, Lane, Place } from '../../domain/chat.ts'
import { NotShown } from '../../ports/chat.ts'
import type { Wire } from './wire.ts'

/** A file on its way to a place: what it is called there, and what it says to whoever cannot see it. */
export interface Upload {
  readonly filename: string
  readonly title: string
  readonly bytes: Uint8Array
  readonly alt?: string
}

const Where = z.object({ upload_url: z.string(), file_id: z.string() })

/**
 * Puts a file where it belongs, in the three calls that Slack wants for it: where to, the bytes, and what it is. Throws NotShown.
 * Source: docs.slack.dev/messaging/working-with-files, "Uploading files".
 */
export async function upload(at: Place, { filename, title, bytes, alt }: Upload, lane: Lane, wire: Wire): Promise<void> {
  const how = { lane, purpose: 'edit' } as const
  const asked = await wire.call(
    'files.getUploadURLExternal',
    { filename, length: bytes.length, ...(alt === undefined ? {} : { alt_txt: alt }) },
    how,
  )
  const where = Where.safeParse(asked).data
  if (!where) throw new NotShown('unclear', 'Slack did not say where a file goes')
  await wire.upload(where.upload_url, bytes, lane)
  await wire.call(
    'files.completeUploadExternal',
    {
      files: [{ id: where.file_id, title }],
      channel_id: at.channel,
      ...(at.thread === undefined ? {} : { thread_ts: at.thread }),
    },
    how,
  )
}

/** Files of an answer. Resolves with a line about each that did not come: its words are there, and are not said again for that. */
export async function uploaded(at: Place, files: readonly Attached[], wire: Wire): Promise<readonly string[]> {
  const missing: string[] = []
  for (const { name, text } of files) {
    try {
      await upload(at, { filename: name, title: name, bytes: new TextEncoder().encode(text) }, 'answer', wire)
    } catch (error) {
      if (!(error instanceof NotShown)) throw error
      missing.push(`${name} could not be attached: ${error.message}.`)
    }
  }
  return missing
}
