import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, isAlive, own } from './owner.ts'

/** The Postgres that another process runs in this folder, if there is one: for commands that look while the bot is at work. */
export function runningPostgres(folder: string): string | undefined {
  const home = homeOf(folder)
  try {
    const [pid = '', , , port = ''] = readFileSync(join(home, 'data', 'postmaster.pid'), 'utf8').split('\n')
    const password = readFileSync(join(home, 'password'), 'utf8').trim()
    return isAlive(Number(pid)) ? `postgres://signalbox:${password}@127.0.0.1:${port.trim()}/postgres` : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const homeOf = (folder: string): string => {
  const pointer = join(folder, 'postgres-is-at')
  return existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : join(folder, 'postgres')
}

/** Removes a folder with everything in it and its database. Throws CannotStart while somebody works with it. */
export function forget(folder: string): void {
  mkdirSync(folder, { recursive: true })
  own(folder)
  rmSync(homeOf(folder), { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}
