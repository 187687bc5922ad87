import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { Unreachable } from './errors.ts'
import { redactor } from './redact.ts'
import type { SshSettings } from './ssh.ts'
import { connectionTo } from './ssh-connection.ts'

/** A unix socket of another machine, as a stream to it. */
export interface FarSocket {
  readonly where: string // for people: the path and the host
  /** A new connection to the socket. Throws Unreachable when there is none; nothing has been written to it by then. */
  open(signal: AbortSignal): Promise<Duplex>
  close(): Promise<void>
}

/**
 * A unix socket of another machine, through its SSH server (OpenSSH's direct-streamlocal, since 6.7; PROTOCOL, section 2.4).
 * Hosts are pinned and logins refused as for commands. When the SSH connection breaks, so does every stream in it, and what
 * that means for what was written is the caller's to say.
 */
export function sshSocket(settings: SshSettings, path: string): FarSocket {
  const redact = redactor([settings.password, settings.key, settings.passphrase].filter(secret => secret !== undefined))
  const connection = connectionTo(settings, redact)
  const where = `${path} on ${settings.host}`
  return {
    where,
    open: async signal => forwarded(await connection.open(signal), path, where, signal, redact),
    close: () => connection.close(),
  }
}

function forwarded(
  client: Client,
  path: string,
  where: string,
  signal: AbortSignal,
  redact: (text: string) => string,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', giveUp)
      finish()
    }
    const giveUp = (): void => settle(() => reject(new Unreachable(`${where} was not reached in time`)))
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      client.openssh_forwardOutStreamLocal(path, (error, stream) => {
        if (error) return settle(() => reject(new Unreachable(`no connection to ${where}: ${reasonOf(error, redact)}`)))
        if (signal.aborted) return void stream.destroy() // nobody waits for it any more
        settle(() => resolve(stream))
      })
    } catch (cause) {
      settle(() => reject(new Unreachable('the connection was gone', { cause })))
    }
  })
}

/** OpenSSH says "open failed" for all of it: a socket that is not there, one that the login may not open, forwarding that is off. */
function reasonOf({ message }: Error, redact: (text: string) => string): string {
  if (/strictVendor/.test(message)) return 'only OpenSSH forwards sockets, and this is another SSH server'
  if (/^\(SSH\) Channel open failure/.test(message))
    return 'nothing listens on the socket, the login may not open it, or sshd does not forward sockets (AllowStreamLocalForwarding)'
  return redact(message)
}
