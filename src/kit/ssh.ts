import type { Client, ClientChannel } from 'ssh2'
import type { Bytes, Millis } from '../domain/ids.ts'
import { Uncertain, Unreachable } from './errors.ts'
import { type Dialect, lineOf } from './quote.ts'
import { redactor } from './redact.ts'
import { collector, OUTPUT_LIMIT, type Output, type Shell, TIMEOUT, talkedTooLong } from './shell.ts'
import { connectionTo } from './ssh-connection.ts'

export interface SshSettings {
  readonly host: string
  readonly port?: number | undefined
  readonly username: string
  readonly password?: string | undefined
  readonly key?: string | undefined // a private key, or the name of a file that holds one
  readonly passphrase?: string | undefined
  readonly hostKey?: string | undefined // "SHA256:..." or "ssh-ed25519 AAAA..."; without it nothing connects
  readonly dialect: Dialect
  readonly connectTimeout?: Millis | undefined
  readonly channels?: number | undefined // at once on the one connection; Debian's sshd allows 10
  readonly outputLimit?: Bytes | undefined
}

/**
 * A shell at the far end of one SSH connection, opened when first needed and again after it broke.
 * After a broken connection the command still runs to its end over there: what was sent and not seen
 * to end is Uncertain, and only what was never started is Unreachable.
 */
export function ssh(settings: SshSettings): Shell {
  const limit = settings.outputLimit ?? OUTPUT_LIMIT
  const redact = redactor([settings.password, settings.key, settings.passphrase].filter(secret => secret !== undefined))
  const connection = connectionTo(settings, redact)
  const slots = turnstile(settings.channels ?? 8)
  return {
    async exec(words, options) {
      const line = lineOf(words, settings.dialect)
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeout ?? TIMEOUT)])
      const leave = await slots.enter(signal)
      try {
        return await run(await connection.open(signal), line, signal, options.go, limit, redact)
      } finally {
        leave()
      }
    },
    close: () => connection.close(),
  }
}

function run(
  client: Client,
  line: string,
  signal: AbortSignal,
  go: (() => void) | undefined,
  limit: Bytes,
  redact: (text: string) => string,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    let channel: ClientChannel | undefined
    let code: number | undefined
    let killedBy: string | undefined
    let late: unknown
    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', giveUp)
      finish()
    }
    const hangUp = (error: Error): void => {
      channel?.removeAllListeners('data').resume()
      channel?.stderr.removeAllListeners('data').resume()
      channel?.close()
      settle(() => reject(error))
    }
    const giveUp = (): void => hangUp(new Uncertain('it was sent, and nothing answered in time'))
    const output = collector(limit, () => hangUp(talkedTooLong(go !== undefined, limit)))
    const options = {
      // ssh2 reads this one right before the request leaves, a round trip after client.exec. A process that froze in between
      // must not send late; there is no other place to stand, so the connection is cut under the request.
      get env() {
        try {
          if (signal.aborted) throw new Unreachable('it was too late to send')
          go?.()
        } catch (error) {
          late = error
          client.destroy()
        }
        return undefined
      },
    }
    const opened = (error: Error | undefined, stream: ClientChannel): void => {
      if (error || late !== undefined) {
        settle(() => reject(late ?? failureToOpen(error ?? new Error('no channel'), redact)))
        return
      }
      channel = stream
      if (signal.aborted) {
        giveUp()
        return
      }
      stream.on('data', (bytes: Buffer) => output.take('stdout', bytes))
      stream.stderr.on('data', (bytes: Buffer) => output.take('stderr', bytes))
      stream.on('exit', (status: number | null, name?: string) => {
        if (status === null) killedBy = name
        else code = status
      })
      stream.on('error', () => {}) // 'close' follows, and says all there is to say
      stream.on('close', () =>
        settle(() => {
          if (code !== undefined) return resolve(output.end(code))
          reject(
            new Uncertain(
              killedBy
                ? `the command was ended over there by ${killedBy}`
                : 'it was sent, and the connection ended before its end was seen',
            ),
          )
        }),
      )
      stream.end() // no answer will ever be typed: a command that asks reads the end of its input
    }
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      if (signal.aborted) throw new Unreachable('it was too late to send')
      go?.()
      client.exec(line, options as object, opened)
    } catch (error) {
      settle(() =>
        reject(error instanceof Error && error.message === 'Not connected' ? new Unreachable('the connection was gone') : error),
      )
    }
  })
}

/** ssh2 says "Unable to exec" both for a no and for a connection that broke after the request left: only the rest is certain. */
function failureToOpen(error: Error, redact: (text: string) => string): Error {
  return error.message === 'Unable to exec'
    ? new Uncertain('it was sent, and the connection ended before anything was heard')
    : new Unreachable(`no channel could be opened: ${redact(error.message)}`)
}

/** So many at once; the rest waits in order of arrival, and stops waiting when its time is up. */
function turnstile(places: number): { readonly enter: (signal: AbortSignal) => Promise<() => void> } {
  let free = places
  const waiting: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  return {
    enter: signal =>
      new Promise((resolve, reject) => {
        const late = (): void => {
          const at = waiting.indexOf(pass)
          if (at >= 0) waiting.splice(at, 1)
          reject(new Unreachable('it was too late to send: all channels to the device were in use'))
        }
        const pass = (): void => {
          signal.removeEventListener('abort', late)
          resolve(leave)
        }
        if (signal.aborted) return late()
        if (free > 0) {
          free--
          return resolve(leave)
        }
        signal.addEventListener('abort', late, { once: true })
        waiting.push(pass)
      }),
  }
}
