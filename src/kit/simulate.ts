import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Millis } from '../domain/ids.ts'
import { Uncertain, Unreachable } from './errors.ts'
import { type Accepted, ledgerIn } from './ledger.ts'
import { cutInTheMiddle, type Misbehave, mischief } from './misbehave.ts'
import { type Dialect, lineOf } from './quote.ts'
import { OUTPUT_LIMIT, type Shell, talkedTooLong } from './shell.ts'
import { serve } from './simulate-ssh.ts'
import { clean } from './text.ts'
import { wordsOf } from './unquote.ts'

/** What a command interpreter makes of one line, before anything has happened. */
export interface Handling {
  readonly changes: boolean
  /** Takes effect and answers. A change calls `accept` when it is about to take effect, and not when it says no. */
  run(accept: () => void): Answer | Promise<Answer>
}

export interface Answer {
  readonly stdout: string
  readonly stderr?: string
  readonly code: number
}

export interface SimulatorOptions {
  readonly folder: string // host key, ledger and whatever the device keeps: a second start in the same folder is a restart
  readonly dialect: Dialect
  readonly username: string
  readonly password: string
  readonly port?: number | undefined // any free one by default
  readonly latency?: Millis | undefined
  understand(words: readonly string[]): Handling
}

/** A simulated device that is spoken to in commands, over SSH on the loopback and, for speed, without. */
export interface CommandSimulator {
  readonly host: string
  readonly port: number
  readonly hostKey: string // its fingerprint, to be pinned
  /** The same interpreter without the network: the same outcomes, in no time. */
  shell(): Shell
  ledger(): readonly Accepted[]
  misbehave(knob: Misbehave): void
  heal(): void
  stop(): Promise<void>
}

/** What became of one line at the device: how the transport shows it is the transport's business. */
export type Fate =
  | { readonly is: 'answered'; readonly answer: Answer }
  | { readonly is: 'cut off' | 'silent' }
  | { readonly is: 'endless'; readonly changes: boolean }

export async function simulateCommands(options: SimulatorOptions): Promise<CommandSimulator> {
  const ledger = ledgerIn(options.folder)
  const stopping = new AbortController()
  let hangUpAll = (): void => {}
  const trouble = mischief(() => hangUpAll())

  const meet = async (line: string): Promise<Fate> => {
    const words = wordsOf(line, options.dialect)
    if (!words || words.length === 0)
      return { is: 'answered', answer: { stdout: '', stderr: 'simulator: this line is more than one command\n', code: 2 } }
    const command = words.join(' ')
    if (options.latency) await delay(options.latency, undefined, { signal: stopping.signal }).catch(() => {})
    if (stopping.signal.aborted) return { is: 'cut off' }
    const handling = options.understand(words)
    const knob = trouble.next(command, handling.changes)
    if (knob?.how === 'refuse') return { is: 'answered', answer: { stdout: '', stderr: 'simulator: refused\n', code: 1 } }
    if (knob?.how === 'lose request') return { is: 'cut off' }
    if (knob?.how === 'hang') return { is: 'silent' }
    const answer = await handling.run(() => ledger.accept(command))
    if (knob?.how === 'lose answer') return { is: 'cut off' }
    if (knob?.how === 'talk forever') return { is: 'endless', changes: handling.changes }
    return { is: 'answered', answer: knob ? { ...answer, stdout: (knob.spoil ?? cutInTheMiddle)(answer.stdout) } : answer }
  }

  const server = await serve({ ...options, keyFile: join(options.folder, 'host-key'), meet, gone: trouble.gone })
  hangUpAll = server.hangUpAll
  return {
    ...server.address,
    shell: () => directly(options.dialect, meet, trouble.gone),
    ledger: ledger.all,
    misbehave: trouble.add,
    heal: trouble.heal,
    async stop() {
      stopping.abort()
      await server.stop()
      ledger.close()
    },
  }
}

/** The outcomes of ssh.ts without the network. */
function directly(dialect: Dialect, meet: (line: string) => Promise<Fate>, gone: () => boolean): Shell {
  return {
    async exec(words, { signal: asked, go, timeout }) {
      const line = lineOf(words, dialect)
      const signal = timeout === undefined ? asked : AbortSignal.any([asked, AbortSignal.timeout(timeout)])
      if (gone()) throw new Unreachable('the simulated device is gone')
      if (signal.aborted) throw new Unreachable('it was too late to send')
      go?.()
      const fate = await Promise.race([meet(line), aborted(signal)])
      switch (fate.is) {
        case 'answered':
          return { stdout: clean(fate.answer.stdout), stderr: clean(fate.answer.stderr ?? ''), code: fate.answer.code }
        case 'cut off':
          throw new Uncertain('it was sent, and the connection ended before its end was seen')
        case 'endless':
          throw talkedTooLong(go !== undefined, OUTPUT_LIMIT)
        case 'silent':
          return aborted(signal)
      }
    },
    close: () => Promise.resolve(),
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const late = (): void => reject(new Uncertain('it was sent, and nothing answered in time'))
    if (signal.aborted) late()
    else signal.addEventListener('abort', late, { once: true })
  })
