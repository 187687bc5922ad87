export type Because =
  | 'bad use'
  | 'bad list'
  | 'source' // it cannot be read, or it is not what it was
  | 'store' // it does not answer, or says no
  | 'rot' // what the store holds is not what was put there
  | 'other disk'
  | 'gap'
  | 'target' // it is too small, full, or not ours to replace
  | 'taken' // somebody else is at work on it
  | 'cancelled'

/** The mover stops, and says what is wrong and what to do. What was done so far is on disk: it goes on from there. */
export class SyncStopped extends Error {
  override name = 'SyncStopped'
  readonly because: Because
  constructor(because: Because, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.because = because
  }
}

/** What the system said about a file, in its own word: EIO, ENOSPC. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

export const saidBy = (error: unknown): string => (error instanceof Error ? error.message : String(error))
