import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Millis } from '../domain/ids.ts'
import type { Account } from './account.ts'
import { CannotStart } from './cannot-start.ts'
import { commandOf, isAlive } from './owner.ts'

export interface Launch {
  readonly program: string
  readonly data: string
  readonly log: string
  readonly account: Account | undefined
}

export interface Postmaster {
  readonly port: number
  readonly ended: Promise<void>
  stop(): Promise<void>
}

// Holds a pipe to us. When it closes, because we say so or because we are gone, Postgres is told to shut down fast.
// The shell is the parent of Postgres, so that there is no moment at which nobody watches it.
const GUARDIAN = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
trap '' HUP INT TERM
(read -r word <&3; kill -INT $server) &
watcher=$!
wait $server
code=$?
kill $watcher 2>/dev/null
exit $code
`

const READY_WITHIN: Millis = 120_000 // recovery after a crash reads the log again
const STOPPED_WITHIN: Millis = 15_000

/** Starts Postgres on a free port of the loopback and waits until it takes connections. */
export async function launch(how: Launch): Promise<Postmaster> {
  const until = performance.now() + READY_WITHIN
  for (;;) {
    const from = statSync(how.log, { throwIfNoEntry: false })?.size ?? 0
    const port = await freePort()
    const [child, ended] = begin(how, port)
    let over = false
    void ended.then(() => {
      over = true
    })
    while (!over && performance.now() < until) {
      if (isReady(how.data, port)) return { port, ended, stop: () => stop(child, ended, how.data) }
      await pause(10)
    }
    if (!over) await stop(child, ended, how.data)
    const said = readFileSync(how.log).subarray(from).toString('utf8')
    if (!over || performance.now() > until)
      throw new CannotStart(`Postgres was not ready within ${READY_WITHIN / 1000} s.${lastOf(said)}`)
    // Somebody else took the port, or the children of a postmaster that was killed are not gone yet.
    if (!/could not bind|shared memory block/.test(said))
      throw new CannotStart(`Postgres did not start.${advice(said)}${lastOf(said)}`)
    await pause(100)
  }
}

function begin({ program, data, log, account }: Launch, port: number): readonly [ChildProcess, Promise<void>] {
  const out = openSync(log, 'a', 0o640)
  try {
    const windows = process.platform === 'win32' // has no sh: there Postgres outlives us when we are killed, until the next start
    const command = [program, '-D', data, ...settings(port)]
    const child = spawn(
      windows ? program : '/bin/sh',
      windows ? command.slice(1) : ['-c', GUARDIAN, 'signalbox-postgres', ...command],
      {
        ...account,
        cwd: windows ? undefined : '/',
        env: environment(data),
        stdio: ['pipe', out, out],
        detached: !windows, // a Ctrl-C in the terminal is for us, and we stop it when we are done
      },
    )
    child.stdin?.on('error', () => {}) // the guardian may be gone before we say stop
    child.unref()
    const ended = new Promise<void>(resolve => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    return [child, ended]
  } finally {
    closeSync(out)
  }
}

const settings = (port: number): readonly string[] =>
  Object.entries({
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 100,
    shared_buffers: '32MB',
    max_wal_size: '256MB',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    logging_collector: 'off',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** Nothing of our own environment: it holds secrets, and PGDATA and its kin would be obeyed. */
export function environment(data: string): NodeJS.ProcessEnv {
  const pid = pidIn(data)
  const kept = Object.fromEntries(
    ['PATH', 'TMPDIR', 'SystemRoot', 'TEMP'].flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])),
  )
  // Postgres refuses to start when the process that a left-over postmaster.pid names is alive, even if it is a stranger who
  // got the number since. Named as a grandparent it is let pass, and the check for memory that is still in use stays.
  return { ...kept, LC_ALL: 'C', ...(pid !== undefined && !isPostmaster(pid, data) ? { PG_GRANDPARENT_PID: String(pid) } : {}) }
}

/** Stops a postmaster whose Signalbox is gone. Its guardian is doing that already, unless that was killed too. */
export async function stopOrphan(data: string): Promise<void> {
  const pid = pidIn(data)
  if (pid === undefined || !isPostmaster(pid, data)) return
  const gone = (within: Millis) => becomes(() => !isPostmaster(pid, data), within)
  if (await gone(1_000)) return
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    send(pid, signal)
    if (await gone(5_000)) return
  }
  throw new CannotStart(`An old Postgres, process ${pid}, still uses ${data} and cannot be stopped. End it, then start again.`)
}

async function stop(child: ChildProcess, ended: Promise<void>, data: string): Promise<void> {
  let over = false
  void ended.then(() => {
    over = true
  })
  const pid = pidIn(data)
  child.ref()
  if (process.platform === 'win32') child.kill()
  else child.stdin?.end()
  if (await becomes(() => over, STOPPED_WITHIN)) return
  // At once, and without the last checkpoint: the next start recovers. Nothing that was committed is lost.
  if (pid !== undefined && isPostmaster(pid, data)) send(pid, 'SIGQUIT')
  if (await becomes(() => over, 5_000)) return
  throw new Error(`Postgres, process ${pid ?? 'unknown'}, did not stop`)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It went in the meantime, or it is not ours: whoever waits for it will see.
  }
}

async function becomes(so: () => boolean, within: Millis): Promise<boolean> {
  const until = performance.now() + within
  while (!so()) {
    if (performance.now() > until) return false
    await pause(10)
  }
  return true
}

// postmaster.pid: process, data folder, start, port, socket folder, address, memory key, status; one line each (miscadmin.h).
const lockLines = (data: string): readonly string[] => {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return []
  }
}

function pidIn(data: string): number | undefined {
  const pid = Number.parseInt(lockLines(data)[0] ?? '', 10)
  return pid > 0 ? pid : undefined
}

const isReady = (data: string, port: number): boolean => {
  const lines = lockLines(data)
  return Number(lines[3]) === port && lines[7]?.trim() === 'ready'
}

/** A number in a file is not yet the postmaster of this data: the system may have given it to somebody else since. */
function isPostmaster(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false
  try {
    if (process.platform === 'linux' && readlinkSync(`/proc/${pid}/cwd`) === data) return true
  } catch {
    // Not ours to look at; its command line may still tell.
  }
  const command = commandOf(pid)
  return command.includes(data) || (process.platform === 'win32' && command.includes('postgres'))
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })

const advice = (said: string): string =>
  /No space left on device/.test(said) ? ' The disk is full: make room and start again.' : ''

/** The last lines that a program said, for an error. */
export const lastOf = (said: string): string => {
  const lines = said.trim().split('\n').slice(-6)
  return lines.join('') === '' ? '' : ` It said:\n  ${lines.join('\n  ')}`
}
