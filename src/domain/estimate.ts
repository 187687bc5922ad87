import type { Bytes, BytesPerSecond, Millis } from './ids.ts'
import { duration, percent, rate, round, size } from './words.ts'

export interface Question {
  readonly size: Bytes
  readonly rate: BytesPerSecond
  readonly utilisation?: number // 0 to 1; what of the line one may use
  readonly changed?: number // 0 to 1; what changes while a seeded copy travels
}

/** Two days on the road, and a block copy at 5 GB a minute at each end: what the seeded copies of the worked example took. */
const TRAVEL: Millis = 2 * 86_400_000
const COPY: BytesPerSecond = 5e9 / 60
/** The share that had changed when the worked example's first copy arrived: 21 GB of 330 GB. */
const CHANGED = 0.0636

/** How long a transfer takes, and from when on shipping a seeded copy wins. Milliseconds. */
export function estimate(question: Question): {
  readonly full: Millis
  readonly stated: Millis
  readonly seeded: Millis
  readonly lineBusy: Millis
  readonly breakEven: Bytes | undefined
} {
  const share = question.utilisation ?? 1
  const changed = question.changed ?? CHANGED
  const line = question.rate * share
  const full = (question.size / question.rate) * 1000
  const lineBusy = ((question.size * changed) / line) * 1000
  const seeded = TRAVEL + 2 * (question.size / COPY) * 1000 + lineBusy
  // size/line = travel + 2 size/copy + changed size/line, solved for size; never, when the copies are slower than the line.
  const gain = (1 - changed) / line - 2 / COPY
  return { full, stated: full / share, seeded, lineBusy, breakEven: gain > 0 ? TRAVEL / 1000 / gain : undefined }
}

/** The answer of a colleague: figures, what they assume, and what they mean. */
export function estimateLines(question: Question): readonly string[] {
  if (question.utilisation === 0)
    return ['At 0 % of the line nothing moves. Say how much of it one may use: `estimate 4TB over 50Mb/s at 60%`.']
  const { full, stated, seeded, lineBusy, breakEven } = estimate(question)
  const changed = `${round((question.changed ?? CHANGED) * 100)} %`
  const at =
    question.utilisation === undefined ? [] : [`At ${percent(question.utilisation)} of the line: about ${duration(stated)}.`]
  const wins = seeded < stated
  return [
    `${size(question.size)} over ${rate(question.rate)} (${size(question.rate * 8).replace(/B$/, 'b')}/s): about ${duration(full)} at full line, with no latency, loss or other traffic.`,
    ...at,
    `A seeded copy: about ${duration(seeded)} in all, of which the line is busy for ${duration(lineBusy)}. That assumes two days on the road, a block copy at 5 GB/min at each end, and ${changed} changed meanwhile.`,
    breakEven === undefined
      ? 'Shipping never wins here: copying to and from the disk and sending what changed takes longer than sending everything.'
      : `Shipping a seeded copy wins from about ${size(breakEven)} on${wins ? ', so here it wins' : '; below that, send it over the line'}.`,
    ...(question.utilisation === undefined ? ['If the line has other work, say so: `estimate 4TB over 50Mb/s at 60%`.'] : []),
  ]
}
