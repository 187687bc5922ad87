import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { open, rename, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { makeFolder } from '../blocksync/durable-file.ts'
import { readState } from '../blocksync/progress.ts'
import { readWish, writeWish } from '../blocksync/steering.ts'
import { SyncStopped } from '../blocksync/stopped.ts'
import { BadUse } from './bad-use.ts'
import { type Request, readRequest, type Status, sameRequest, statusOf } from './blocksync-kept.ts'

const BEGINS = 60_000
const LOG = 1 << 20
const SAID = 4_096

/** A mover that was started and ended at once: its own words, and its own status. */
export class EndedWith extends Error {
  override name = 'EndedWith'
  readonly status: number
  constructor(status: number, said: string) {
    super(said.trim() || `It ended at once, with status ${status} and no word. Start it without --detach to see why.`)
    this.status = status
  }
}

export interface Begun extends Status {
  readonly already: boolean // it was at work before
}

/** A mover that is a process and a session of its own: it outlives whoever started it. Ends when it has begun, or failed to. */
export async function detached(work: string, request: Request): Promise<Begun> {
  const before = await atWorkAlready(work, request)
  if (before) return before
  await makeFolder(work)
  const { from, log } = await logOf(work)
  let failed: Error | undefined
  const main = process.argv[1]
  if (main === undefined) throw new Error('a program that has no name cannot start itself again')
  const marks = ['--started', request.start, ...(request.intent === undefined ? [] : ['--intent', request.intent])]
  const child = spawn(process.execPath, [...process.execArgv, main, ...request.words, ...marks], {
    cwd: request.cwd,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  child.once('error', error => (failed = error))
  await log.close()
  for (const until = performance.now() + BEGINS; ; await wait(40)) {
    if (failed)
      throw new SyncStopped('bad use', `It could not be started: ${failed.message}. See to this machine, then start again.`)
    const [ours, state, gone] = [(await readRequest(work))?.start === request.start, await readState(work), child.exitCode]
    if (gone !== null && gone !== 0) {
      // Whoever was faster by a moment with the same request is as good as we are.
      const other = await atWorkAlready(work, request)
      if (other) return other
      throw new EndedWith(gone, await saidIn(`${work}/log`, from))
    }
    if (gone === 0 || (ours && state)) {
      child.unref()
      return { already: false, ...(await statusOf(work)) }
    }
    if (child.signalCode !== null || performance.now() > until) {
      if (child.pid !== undefined && child.signalCode === null) child.kill('SIGKILL')
      throw new SyncStopped('bad use', 'It did not begin in 60 seconds. See to the load of this machine, then start it again.')
    }
  }
}

/** The same that lives is what was asked for; another one that lives is not disturbed. */
async function atWorkAlready(work: string, request: Request): Promise<Begun | undefined> {
  const status = await statusOf(work)
  if (!status.alive) return undefined
  if (status.request && sameRequest(status.request, request)) return { already: true, ...status }
  throw new SyncStopped(
    'taken',
    `Another mover is at work in ${work}, on another request. Wait for it, or say another work folder.`,
  )
}

/** Starts again what was asked for in this folder, or lets it go on if it lives. What is done stays done. */
export async function resumed(work: string): Promise<Begun> {
  const [status, request] = [await statusOf(work), await readRequest(work)]
  if (status.state === 'none' || !request) throw new BadUse(`No mover has worked in ${work}. Say the folder that --work named.`)
  const { limit } = await readWish(work)
  await writeWish(work, { paused: false, cancelled: false, ...(limit === undefined ? {} : { limit }) })
  if (status.alive || status.state === 'done') return { already: true, ...(await statusOf(work)) }
  return detached(work, { ...request, start: randomUUID() })
}

/** What it says goes to a file that does not grow for ever. */
async function logOf(work: string) {
  const path = `${work}/log`
  const size = async (): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0
  if ((await size()) > LOG) await rename(path, `${path}.old`)
  return { from: await size(), log: await open(path, 'a', 0o600) }
}

async function saidIn(path: string, from: number): Promise<string> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(SAID), 0, SAID, from)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } finally {
    await file.close()
  }
}
