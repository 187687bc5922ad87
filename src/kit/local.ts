import { spawn } from 'node:child_process'
import type { Bytes } from '../domain/ids.ts'
import { Uncertain, Unreachable } from './errors.ts'
import { argumentsOf } from './quote.ts'
import { collector, OUTPUT_LIMIT, type Output, type Shell, TIMEOUT, talkedTooLong } from './shell.ts'

/** Commands on this machine, without a shell in between and without our environment: it holds secrets. */
export function local(
  path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  outputLimit: Bytes = OUTPUT_LIMIT,
): Shell {
  return {
    async exec(words, { signal: asked, go, timeout }) {
      const [program, ...rest] = argumentsOf(words)
      const signal = AbortSignal.any([asked, AbortSignal.timeout(timeout ?? TIMEOUT)])
      if (program === undefined || signal.aborted) throw new Unreachable('it was too late to start')
      return new Promise<Output>((resolve, reject) => {
        const env = { PATH: path, LC_ALL: 'C' }
        go?.()
        const child = spawn(program, rest, { shell: false, stdio: ['ignore', 'pipe', 'pipe'], env, windowsHide: true })
        const settle = (finish: () => void): void => {
          signal.removeEventListener('abort', giveUp)
          finish()
        }
        const kill = (error: Error): void => {
          child.kill('SIGKILL')
          child.stdout.destroy()
          child.stderr.destroy()
          settle(() => reject(error))
        }
        const giveUp = (): void => kill(new Uncertain('it was started, and did not end in time'))
        const output = collector(outputLimit, () => kill(talkedTooLong(go !== undefined, outputLimit)))
        child.stdout.on('data', (bytes: Buffer) => output.take('stdout', bytes))
        child.stderr.on('data', (bytes: Buffer) => output.take('stderr', bytes))
        child.on('error', error => settle(() => reject(new Unreachable(`${program} could not be started: ${error.message}`))))
        child.on('close', (code, by) =>
          settle(() => (code === null ? reject(new Uncertain(`the command was ended by ${by}`)) : resolve(output.end(code)))),
        )
        signal.addEventListener('abort', giveUp, { once: true })
      })
    },
    close: () => Promise.resolve(),
  }
}
