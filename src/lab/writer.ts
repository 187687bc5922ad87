import { setTimeout as pause } from 'node:timers/promises'
import type { Bytes, Millis } from '../domain/ids.ts'
import type { Disk } from './nbd.ts'

/** What an application would say of its disk. */
export interface Verdict {
  readonly writes: number // that were acknowledged
  readonly blocks: number // that were read again
  readonly bad: number // of them that are not as they were last acknowledged
  readonly errors: readonly string[]
  readonly longest: Millis // that a write took
}

/** An application that never stops writing, and knows what it was promised. */
export interface Writer {
  /** So far; nothing is read for it. */
  state(): Pick<Verdict, 'writes' | 'errors' | 'longest'>
  /** Stops writing, and reads every acknowledged block again: through the same disk, or another way to it. */
  verdict(through?: Disk): Promise<Verdict>
  stop(): Promise<void>
}

const BLOCK: Bytes = 4096
/** Blocks next to each other in time are far from each other on the disk. */
const STRIDE = 7919

/** Writes numbered blocks all over a disk of `size` bytes, one each `every` ms, until it is stopped or a write fails. */
export function verifyingWriter(disk: Disk, { size, every }: { readonly size: Bytes; readonly every: Millis }): Writer {
  const acknowledged = new Map<number, number>() // block -> number
  const errors: string[] = []
  const ending = new AbortController()
  let [writes, longest] = [0, 0]
  const write = async (): Promise<void> => {
    for (let number = 1; !ending.signal.aborted; number++) {
      const block = (number * STRIDE) % Math.floor(size / BLOCK)
      const bytes = Buffer.alloc(BLOCK)
      bytes.writeUInt32BE(number, 0)
      bytes.writeUInt32BE(number, BLOCK - 4)
      const from = performance.now()
      acknowledged.delete(block) // until it is acknowledged, either is right
      await disk.write(block * BLOCK, bytes)
      longest = Math.max(longest, performance.now() - from)
      acknowledged.set(block, number)
      writes++
      await pause(every, undefined, { signal: ending.signal }).catch(() => {})
    }
  }
  const done = write().catch((error: unknown) => void errors.push(error instanceof Error ? error.message : String(error)))
  const stop = async (): Promise<void> => {
    ending.abort()
    await done
  }
  return {
    state: () => ({ writes, errors, longest: Math.round(longest) }),
    stop,
    async verdict(through = disk) {
      await stop()
      let bad = 0
      for (const [block, number] of acknowledged) {
        const bytes = await through.read(block * BLOCK, BLOCK)
        if (bytes.readUInt32BE(0) !== number || bytes.readUInt32BE(BLOCK - 4) !== number) bad++
      }
      return { writes, blocks: acknowledged.size, bad, errors, longest: Math.round(longest) }
    },
  }
}

/** In one line, for whoever wants to know whether the migration was noticed. */
export const saysVerdict = ({ writes, blocks, bad, errors, longest }: Verdict): string =>
  `${writes} blocks were written all the while, the longest write took ${longest} ms, ${errors.length === 0 ? 'none failed' : `and then one failed: ${errors[0]}`}; ` +
  (bad === 0
    ? `all ${blocks} that were acknowledged read back as they were written.`
    : `${bad} of ${blocks} that were acknowledged DO NOT READ BACK as they were written.`)
