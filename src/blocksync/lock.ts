import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { z } from 'zod'
import { readIfThere } from './durable-file.ts'
import { codeOf, SyncStopped } from './stopped.ts'

/** Who holds a lock. A pid alone is used again; with the moment its process began it is not. */
const Owner = z.object({ pid: z.int(), start: z.string(), host: z.string() })
export type Owner = z.infer<typeof Owner>

let tries = 0

/** One mover at a time. The lock of a mover that died is taken over, and only by one of those who try. */
export async function takeLock(path: string, what: string): Promise<() => Promise<void>> {
  const mine = `${path}.${process.pid}.${tries++}`
  const text = JSON.stringify(await self())
  await writeFile(mine, text)
  try {
    if (!(await linked(mine, path))) {
      const theirs = await readIfThere(path)
      if (theirs !== undefined && (await ownerLives(parseOwner(theirs)))) throw held(what, theirs)
      // Whoever makes this name may replace the lock; the lock is read again after that, for somebody may have been faster.
      if (!(await linked(mine, `${path}.over`))) throw held(what, await readIfThere(`${path}.over`))
      try {
        const now = await readIfThere(path)
        if (now !== theirs) throw held(what, now)
        await writeFile(`${mine}.new`, text)
        await rename(`${mine}.new`, path)
      } finally {
        await unlink(`${path}.over`)
      }
    }
  } finally {
    await rm(mine, { force: true })
  }
  return async () => {
    if ((await readIfThere(path)) === text) await rm(path, { force: true })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function held(what: string, theirs: string | undefined): SyncStopped {
  const owner = theirs === undefined ? undefined : parseOwner(theirs)
  const who = owner ? `process ${owner.pid} on ${owner.host}` : 'another process'
  return new SyncStopped('taken', `Another mover is at work on ${what}: ${who}. Wait for it, or end it and start again.`)
}

export function parseOwner(text: string): Owner | undefined {
  try {
    return Owner.parse(JSON.parse(text))
  } catch {
    return undefined // torn: whoever wrote it died while writing
  }
}

export const self = async (): Promise<Owner> => ({ pid: process.pid, start: await startOf(process.pid), host: hostname() })

/** Of another host nothing is known, so its owner counts as alive. */
export async function ownerLives(owner: Owner | undefined): Promise<boolean> {
  if (!owner) return false
  if (owner.host !== hostname()) return true
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  return (await startOf(owner.pid)) === owner.start
}

/** Ticks since boot at which it began, and which boot: proc(5), field 22 of stat. Empty where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return 'dead' // it ended, and its parent has not looked yet
    return `${(await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()}/${fields[19]}`
  } catch {
    return ''
  }
}
