import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** One change that a simulated device took on. */
export interface Accepted {
  readonly at: number
  readonly command: string
}

/** What really happened, on disk before it took effect: the witness that the tests ask, whatever died. */
export interface Ledger {
  accept(command: string): void
  all(): readonly Accepted[]
  close(): void
}

export function ledgerIn(folder: string): Ledger {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'ledger.ndjson')
  const handle = openSync(file, 'a')
  return {
    accept(command) {
      writeSync(handle, `${JSON.stringify({ at: Date.now(), command } satisfies Accepted)}\n`)
      fsyncSync(handle)
    },
    all: () =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .split('\n')
            .filter(Boolean)
            .map(line => JSON.parse(line) as Accepted)
        : [],
    close: () => closeSync(handle),
  }
}
