import { createCipheriv } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { SyncStopped } from '../../src/blocksync/stopped.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone after the test. */
export function room(): {
  readonly folder: string
  path(name: string): string
  read(name: string): Buffer
  write(name: string, bytes: string | Uint8Array): string
} {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-blocksync-'))
  folders.push(folder)
  const path = (name: string): string => join(folder, name)
  return {
    folder,
    path,
    read: name => readFileSync(path(name)),
    write: (name, bytes) => {
      writeFileSync(path(name), bytes)
      return path(name)
    },
  }
}

/** Bytes that look random and are the same for the same seed. */
export function noise(length: number, seed: number): Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(seed)
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** How it stopped, and what it said. */
export async function stopped(going: Promise<unknown>): Promise<string> {
  try {
    await going
    return 'it did not stop'
  } catch (error) {
    if (!(error instanceof SyncStopped)) throw error
    return `${error.because}: ${error.message}`
  }
}
