import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Millis } from '../domain/ids.ts'
import { SyncStopped } from './stopped.ts'

/** What may be asked of each plugin: nbdkit-file-plugin(1), nbdkit-vddk-plugin(1). Another one could run any program. */
const PLUGINS: Readonly<Record<string, readonly string[]>> = {
  file: ['file', 'cache', 'fadvise'],
  vddk: [
    ...['file', 'vm', 'server', 'user', 'password', 'thumbprint', 'libdir', 'snapshot', 'transports', 'compression'],
    ...['port', 'nfchostport', 'single-link', 'unbuffered'],
  ],
}
const LISTENS: Millis = 30_000
const ENDS: Millis = 5_000
const SOCKET_PATH = 100 // the kernel takes 107 characters, sun_path in unix(7)

/** The words behind nbdkit's own, or SyncStopped for what nobody may ask for. */
export function nbdkitWords([plugin = '', ...words]: readonly string[]): readonly string[] {
  const keys = Object.hasOwn(PLUGINS, plugin) ? PLUGINS[plugin] : undefined
  if (!keys) throw bad(`There is no plugin ${JSON.stringify(plugin.slice(0, 40))} for it`)
  for (const word of words) {
    const [, key = '', value = ''] = /^([a-z][a-z-]*)=([^\0-\x1f\x7f]{1,1000})$/.exec(word) ?? []
    if (!keys.includes(key)) throw bad(`${JSON.stringify(word.slice(0, 40))} is no word that ${plugin} may get`)
    // Arguments can be read by everybody on the machine; "+file" is nbdkit's way of naming a file with the password in it.
    if (key === 'password' && !/^\+\//.test(value)) throw bad('A password is named as password=+/file, never written out')
  }
  return [plugin, ...words]
}

const bad = (why: string): SyncStopped =>
  new SyncStopped(
    'bad use',
    `nbdkit was asked for something that it does not get here. ${why}. Change the order, then start again.`,
  )

export interface Nbdkit {
  readonly uri: string
  stop(): Promise<void>
}

/**
 * Serves one disk read-only on a unix socket, as a process of ours without a shell and without our environment. The name of the
 * socket is the caller's and stays the same when a push is started again: the push knows its source by it.
 */
export async function startNbdkit(asked: readonly string[], socket: string, signal?: AbortSignal): Promise<Nbdkit> {
  const words = nbdkitWords(asked)
  if (socket.length > SOCKET_PATH)
    throw new SyncStopped('bad use', `The path of the socket ${socket} is too long. Say a shorter work folder.`)
  await rm(socket, { force: true })
  const child = spawn('nbdkit', ['-f', '-r', '--exit-with-parent', '-U', socket, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  })
  let said = ''
  let failed: Error | undefined
  child.on('error', error => (failed = error))
  child.stderr.on('data', (bytes: Buffer) => {
    if (said.length < 2_000) said += bytes.toString('utf8')
  })
  const stop = (): Promise<void> => ended(child).then(() => rm(socket, { force: true }))
  for (const until = performance.now() + LISTENS; ; await wait(50)) {
    if (failed || child.exitCode !== null || child.signalCode !== null) {
      await stop()
      throw trouble(failed === undefined ? said : 'It cannot be started here: is it installed?', failed)
    }
    if (await answers(socket)) return { uri: `nbd+unix:///?socket=${socket}`, stop }
    if (signal?.aborted || performance.now() > until) {
      await stop()
      throw signal?.aborted
        ? new SyncStopped('cancelled', 'It was cancelled. What was done is kept: start it again to go on.')
        : trouble('It did not listen in 30 seconds.')
    }
  }
}

function trouble(said: string, cause?: unknown): SyncStopped {
  const line = said
    .replace(/[\0-\x1f\x7f]+/g, ' ')
    .trim()
    .slice(0, 300)
    .replace(/\.$/, '')
  return new SyncStopped(
    'source',
    `nbdkit cannot serve the disk. ${line || 'It said nothing'}. See to it, then start again.`,
    cause,
  )
}

const answers = (socket: string): Promise<boolean> =>
  new Promise(resolve => {
    const trying = connect({ path: socket })
    const say = (yes: boolean) => (): void => {
      trying.destroy()
      resolve(yes)
    }
    trying.once('connect', say(true)).once('error', say(false))
  })

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const over = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), ENDS)
  await over
  clearTimeout(late)
}
