import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Client, type ConnectConfig } from 'ssh2'
import { Unreachable } from './errors.ts'
import type { SshSettings } from './ssh.ts'

/** The one connection to a target: everybody who asks while it is being opened gets the same one. */
export interface Connection {
  /** Throws Unreachable when there is none, or when the signal fires first. */
  open(signal: AbortSignal): Promise<Client>
  close(): Promise<void>
}

export function connectionTo(settings: SshSettings, redact: (text: string) => string): Connection {
  let current: Promise<Client> | undefined
  let closed = false
  const connect = (): Promise<Client> => {
    const attempt = dial(settings, redact, () => {
      if (current === attempt) current = undefined
    })
    return attempt
  }
  return {
    open(signal) {
      if (closed) throw new Unreachable('the connection to the device was closed')
      current ??= connect()
      return unlessAborted(current, signal)
    },
    async close() {
      closed = true
      const client = await current?.catch(() => undefined)
      if (!client) return
      const gone = new Promise<void>(resolve => client.once('close', () => resolve()))
      client.destroy()
      await gone
    },
  }
}

async function dial(settings: SshSettings, redact: (text: string) => string, lost: () => void): Promise<Client> {
  let privateKey: string | undefined
  try {
    privateKey = settings.key === undefined ? undefined : await keyText(settings.key)
  } catch (cause) {
    lost()
    throw new Unreachable('the private key file cannot be read', { cause })
  }
  return new Promise((resolve, reject) => {
    const client = new Client()
    let distrust: string | undefined
    const fail = (error: Error & { level?: string }): void => {
      lost()
      client.destroy()
      const refused =
        error.level === 'client-authentication' ? `${settings.host} does not accept the login of ${settings.username}` : undefined
      reject(new Unreachable(distrust ?? refused ?? `no connection to ${settings.host}: ${redact(error.message)}`))
    }
    client.on('error', fail)
    client.on('close', () => fail(new Error('it was closed from the other side')))
    client.on('ready', () => {
      client.setNoDelay(true)
      resolve(client)
    })
    client.on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) => {
      // Only a single hidden question is the password; anything else is not ours to answer.
      const only = prompts.length === 1 && prompts[0]?.echo !== true
      answer(only && settings.password !== undefined ? [settings.password] : [])
    })
    const config: ConnectConfig = {
      host: settings.host,
      port: settings.port ?? 22,
      username: settings.username,
      hostVerifier: (key: Buffer) => {
        distrust = distrustOf(settings.host, settings.hostKey, key)
        return distrust === undefined
      },
      readyTimeout: settings.connectTimeout ?? 15_000,
      keepaliveInterval: 10_000,
      keepaliveCountMax: 3,
      tryKeyboard: settings.password !== undefined,
    }
    if (settings.password !== undefined) config.password = settings.password
    if (privateKey !== undefined) config.privateKey = privateKey
    if (settings.passphrase !== undefined) config.passphrase = settings.passphrase
    const pinned = pinnedType(settings.hostKey)
    if (pinned) config.algorithms = { serverHostKey: pinned }
    try {
      client.connect(config)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

/** "SHA256:..." as `ssh-keygen -lf` prints it, of a host key as it travels. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`

/** Why this host is not to be trusted, with both fingerprints and what to do; undefined when it is the one that was pinned. */
export function distrustOf(host: string, pin: string | undefined, key: Buffer): string | undefined {
  const offered = fingerprint(key)
  if (pin === undefined || pin.trim() === '') {
    return `${host} shows the host key ${offered}, and the site file pins none: compare it with the host's own (ssh-keygen -lf), then set hostKey to it`
  }
  const wanted = pinnedFingerprint(pin.trim())
  if (wanted === undefined) return `the hostKey pinned for ${host} is neither "SHA256:..." nor a public key; it shows ${offered}`
  if (wanted === offered) return undefined
  return `${host} shows the host key ${offered}, but ${wanted} is pinned: either it was reinstalled or somebody stands in between; compare it with the host's own (ssh-keygen -lf) before hostKey is changed`
}

function pinnedFingerprint(pin: string): string | undefined {
  if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(pin)) return pin.replace(/=$/, '')
  const key = /^[a-z0-9@.-]+\s+([A-Za-z0-9+/]{32,}={0,2})(?:\s|$)/.exec(pin)
  return key ? fingerprint(Buffer.from(key[1]!, 'base64')) : undefined
}

/** A host may have keys of several types: a pinned public key says which of them to ask for. */
function pinnedType(pin: string | undefined): NonNullable<NonNullable<ConnectConfig['algorithms']>['serverHostKey']> | undefined {
  const type = pin?.trim().split(/\s+/)[0]
  switch (type) {
    case 'ssh-ed25519':
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return [type]
    case 'ssh-rsa':
      return ['rsa-sha2-512', 'rsa-sha2-256']
    default:
      return undefined
  }
}

const keyText = (key: string): Promise<string> => (key.includes('-----BEGIN') ? Promise.resolve(key) : readFile(key, 'utf8'))

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Unreachable('no connection in time'))
    if (signal.aborted) {
      promise.catch(() => {}) // somebody else may still wait for it
      return late()
    }
    signal.addEventListener('abort', late, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
