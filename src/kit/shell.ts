import type { Bytes, Millis } from '../domain/ids.ts'
import { Misread, Uncertain } from './errors.ts'
import type { Word } from './quote.ts'
import { clean } from './text.ts'

/** Runs one command at a time at the far end; every transport that runs commands is one of these. */
export interface Shell {
  /**
   * Throws Refused (the words cannot be said), Unreachable (nothing was started), Uncertain (started, and its end not seen)
   * or, for a command without `go`, Misread (it never stopped talking).
   */
  exec(words: readonly Word[], options: ExecOptions): Promise<Output>
  close(): Promise<void>
}

export interface ExecOptions {
  readonly signal: AbortSignal
  readonly go?: () => void // makes it a change: called right before it is sent, and whatever it throws is passed on
  readonly timeout?: Millis
}

export interface Output {
  readonly stdout: string // cleaned, see text.ts
  readonly stderr: string
  readonly code: number
}

export const TIMEOUT: Millis = 60_000
export const OUTPUT_LIMIT: Bytes = 4 * 1024 * 1024

/** Collects what a command says, and no more than the limit: memory stays flat whatever the device does. */
export function collector(
  limit: Bytes,
  overflow: () => void,
): { readonly take: (into: 'stdout' | 'stderr', bytes: Buffer) => void; readonly end: (code: number) => Output } {
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  let size = 0
  return {
    take(into, bytes) {
      if (size > limit) return
      size += bytes.length
      if (size > limit) overflow()
      else said[into].push(bytes)
    },
    end: code => ({ stdout: clean(Buffer.concat(said.stdout)), stderr: clean(Buffer.concat(said.stderr)), code }),
  }
}

/** A read that was cut off says nothing; a change that was cut off may have happened. */
export const talkedTooLong = (change: boolean, limit: Bytes): Error =>
  change
    ? new Uncertain(`it was sent, and the answer was cut off at ${limit} bytes`)
    : new Misread(`the answer was cut off at ${limit} bytes`, '')

/** The first words of what a command said, on either stream, for an error that people read. */
export function firstWords({ stdout, stderr, code }: Output): string {
  const said = `${stderr}\n${stdout}`
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
    .slice(0, 3)
    .join(' ')
    .slice(0, 300)
  return said === '' ? `it answered with exit status ${code} and no word` : `${said} (exit status ${code})`
}
