import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Device } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Word } from '../../src/kit/quote.ts'
import { firstWords, type Output, type Shell } from '../../src/kit/shell.ts'
import type { Millis } from '../../src/kit/units.ts'
import { readStatus, type Status } from './answers.ts'
import { commands, type Place } from './commands.ts'

export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

/** A host on which `signalbox blocksync` moves disks to one store and back. */
export interface Mover extends Device {
  readonly say: ReturnType<typeof commands>
  status(sync: string, signal: AbortSignal): Promise<Status>
  ask<T>(words: readonly Word[], reading: (text: string) => T, signal: AbortSignal): Promise<T>
  /** What it answered; a no is Refused, and an answer that cannot be read is Uncertain: it was sent. */
  change<T>(words: readonly Word[], reading: (text: string) => T, call: Sending): Promise<T>
}

/** A start waits until the mover holds its lock, up to a minute. */
export const STARTS: Millis = 120_000

export function moverOn(shell: Shell, place: Place): Mover {
  const say = commands(place)
  const ask = async <T>(words: readonly Word[], reading: (text: string) => T, signal: AbortSignal): Promise<T> => {
    const output = await shell.exec(words, { signal })
    if (output.code !== 0) throw new Refused(firstWords(output))
    return reading(output.stdout)
  }
  return {
    say,
    ask,
    async status(sync, signal) {
      const status = await ask(say.status(sync), readStatus, signal)
      if (status.work !== `${place.work}/${sync}`) throw new Misread(`${sync} was asked for, and another one answered`, '')
      return status
    },
    async change(words, reading, call) {
      const output: Output = await shell.exec(words, { signal: call.signal, go: () => call.go(), timeout: STARTS })
      if (output.code !== 0) throw new Refused(firstWords(output))
      try {
        return reading(output.stdout)
      } catch (cause) {
        throw new Uncertain('it was sent and answered with a yes, and the rest of the answer cannot be read', { cause })
      }
    },
    close: () => shell.close(),
  }
}

/** This installation: its own program under its own node, from the sources as well as built. */
export function ownCommand(here = import.meta.url): readonly string[] {
  const source = here.endsWith('.ts')
  const main = fileURLToPath(new URL(`../../src/main.${source ? 'ts' : 'js'}`, here))
  if (!source) return [process.execPath, main]
  // The loader by its whole address: the folder in which the mover is started may be any.
  return [process.execPath, '--import', pathToFileURL(createRequire(here).resolve('tsx')).href, main]
}
