import { XMLValidator } from 'fast-xml-parser'
import { clean } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { meantBy, Spoilt } from './trouble.ts'

/** One answer is at most this long: a page of 1,000 instances is about 5 MiB. */
export const LIMIT: Bytes = 8 * 1024 * 1024

/** All of a body, or an error at its first byte too many. */
export async function wholeOf(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  const stop = (): void => void (body as { destroy?: (error?: Error) => void }).destroy?.(new Error('nothing answered in time'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const part of body) {
      length += part.length
      if (length > LIMIT) throw new Spoilt('the answer did not end')
      parts.push(part)
    }
    if (signal.aborted) throw new Error('nothing answered in time')
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return clean(Buffer.concat(parts))
}

const BOOLEANS = 'encrypted|deleteOnTermination|multiAttachEnabled|enaSupport|mapPublicIpOnLaunch|instanceStorageSupported|main'
const NO_BOOLEAN = new RegExp(`<(?:${BOOLEANS})>(?!(?:true|false)</)`)

/**
 * The answer of an action, if it is that and all of it; throws what EC2's error means otherwise. The SDK's parser is lenient (what is
 * no boolean is `false` to it, text behind the end is dropped), so nothing reaches it that is not checked here.
 */
export function answerOf(action: string, status: number, text: string): string {
  const shown = text.slice(0, 2_000)
  if (text.includes('<!DOCTYPE') || text.includes('<!ENTITY') || XMLValidator.validate(text) !== true)
    throw new Spoilt(`what came is not the XML of EC2, or not all of it (status ${status})`, shown)
  if (status >= 300) {
    const [, code] = /^\s*(?:<\?xml[^>]*\?>)?\s*<Response>.*<Code>([A-Za-z0-9.]{1,100})<\/Code>/s.exec(text) ?? []
    if (code === undefined) throw new Spoilt(`what came with status ${status} is no error of EC2`, shown)
    throw meantBy(status, code, unescaped(/<Message>(.*?)<\/Message>/s.exec(text)?.[1] ?? 'no reason was given'))
  }
  const root = new RegExp(`^\\s*(?:<\\?xml[^>]*\\?>)?\\s*<${action}Response[ >].*</${action}Response>\\s*$`, 's')
  if (!root.test(text)) throw new Spoilt(`what came is not the answer to ${action}`, shown)
  if (NO_BOOLEAN.test(text)) throw new Spoilt(`what came says neither true nor false where it must`, shown)
  return text
}

const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')
