import { spawnSync } from 'node:child_process'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotStart } from './cannot-start.ts'

/** Which process this is; a process id alone is used again after a while, and at once in a new container. */
interface Owner {
  readonly pid: number
  readonly born: string
}

/** Makes this process the only one that runs a Postgres in `home`. Returns what gives that up again. */
export function own(home: string): () => void {
  const file = join(home, 'owner')
  const me: Owner = { pid: process.pid, born: bornAt(process.pid) ?? '' }
  const mine = join(home, `owner.${process.pid}`)
  writeFileSync(mine, JSON.stringify(me))
  try {
    for (let tries = 0; tries < 5; tries++) {
      try {
        // A link is made whole or not at all, and by one process only.
        linkSync(mine, file)
        return () => {
          if (readOwner(file)?.born === me.born) rmSync(file, { force: true })
        }
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
      }
      const other = readOwner(file)
      if (other && lives(other)) throw alreadyRunning(other.pid, home)
      // Moved aside and not removed: of two that come by here, one moves the other's new file and puts it back.
      const aside = join(home, `owner.${process.pid}.old`)
      try {
        renameSync(file, aside)
        const moved = readOwner(aside)
        if (moved && lives(moved)) linkSync(aside, file)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error
      }
      rmSync(aside, { force: true })
    }
    throw new CannotStart(
      `${file} keeps changing hands. Another Signalbox is starting there at this moment: leave it one of them.`,
    )
  } finally {
    rmSync(mine, { force: true })
  }
}

const alreadyRunning = (pid: number, home: string): CannotStart =>
  new CannotStart(
    `A Signalbox is already running here: process ${pid} uses ${home}. Stop that one first, or start this one in another folder.`,
  )

function readOwner(file: string): Owner | undefined {
  try {
    const { pid, born } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owner>
    return typeof pid === 'number' && typeof born === 'string' ? { pid, born } : undefined
  } catch {
    return undefined // half-written by a disk that was full, or gone: nobody's
  }
}

const lives = ({ pid, born }: Owner): boolean => bornAt(pid) === born

/** When a process began, as this system tells it; undefined when there is no such process. */
function bornAt(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name, in brackets, may hold spaces: count from the last bracket. Field 3 is the state, field 22 the start.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? undefined : `${boot}/${fields[19]}`
    } catch {
      return undefined
    }
  }
  const ps = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  if (!ps.error) return ps.stdout.trim() === '' ? undefined : ps.stdout.trim()
  return isAlive(pid) ? 'alive' : undefined
}

/** A process of another user is alive too. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** The command line of a process, or '' when this system does not tell. */
export function commandOf(pid: number): string {
  if (process.platform === 'win32') return ''
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
  return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''
}

export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
