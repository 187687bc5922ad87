import type { Bytes, BytesPerSecond } from '../../../src/kit/units.ts'

/** Share of the time spent copying, by throttle level (seed 000). */
export const SHARES = [1, 0.6, 0.36, 0.22, 0.13, 0.078, 0.047, 0.028, 0.017, 0.01] as const

/** A migration as the simulator keeps it; the states besides the four attested ones are assumed. */
export interface Migration {
  readonly handle: number
  readonly source: string // pseudo names
  readonly target: string
  readonly state: 'setup' | 'syncing' | 'paused' | 'sourceSelected' | 'targetSelected' | 'committed' | 'aborted'
  readonly throttle: number
  readonly copied: Bytes // everything before it is on the target too
  readonly bytes: Bytes
}

export type Verb = 'sync' | 'pause' | 'resume' | 'selectTarget' | 'selectSource' | 'commit' | 'abort' | 'cleanup'

/** The state machine of devices/powerpath.md section 2; undefined is a no, 'gone' is the record removed. */
export function moved({ state }: Migration, verb: Verb): Migration['state'] | 'gone' | undefined {
  switch (verb) {
    case 'sync':
      return state === 'setup' ? 'syncing' : undefined
    case 'pause':
      return state === 'syncing' ? 'paused' : undefined
    case 'resume':
      return state === 'paused' ? 'syncing' : undefined
    case 'selectTarget':
      return state === 'sourceSelected' ? 'targetSelected' : undefined
    case 'selectSource':
      return state === 'targetSelected' ? 'sourceSelected' : undefined
    case 'commit':
      return state === 'targetSelected' ? 'committed' : undefined
    case 'abort':
      return ['setup', 'syncing', 'paused', 'sourceSelected'].includes(state) ? 'aborted' : undefined
    case 'cleanup':
      return state === 'committed' || state === 'aborted' ? 'gone' : undefined
  }
}

/** How many bytes may be copied in that time. */
export const allowance = (migration: Migration, rate: BytesPerSecond, seconds: number): Bytes =>
  Math.min(migration.bytes - migration.copied, Math.max(1, Math.floor(rate * SHARES[migration.throttle]! * seconds)))

/** Which disk of a migration serves the application's reads. */
export const serves = ({ state, source, target }: Migration): string =>
  state === 'targetSelected' || state === 'committed' ? target : source

/** Where a write of so many bytes at an offset has to go so that nothing is ever lost: disk, and how many of the bytes. */
export function writes(
  migration: Migration,
  offset: Bytes,
  length: Bytes,
): readonly { readonly disk: string; readonly length: Bytes }[] {
  const { state, source, target, copied } = migration
  switch (state) {
    case 'setup':
    case 'aborted':
      return [{ disk: source, length }]
    case 'syncing':
    case 'paused': {
      const mirrored = Math.min(length, Math.max(0, copied - offset))
      return mirrored > 0
        ? [
            { disk: source, length },
            { disk: target, length: mirrored },
          ]
        : [{ disk: source, length }]
    }
    case 'sourceSelected':
    case 'targetSelected':
      return [
        { disk: source, length },
        { disk: target, length },
      ]
    case 'committed':
      return [{ disk: target, length }]
  }
}
