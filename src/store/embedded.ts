import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Millis } from '../domain/ids.ts'
import { type Account, accountFor, letThrough, reaches } from './account.ts'
import { type Binaries, binariesFor, installedMajor, program } from './binaries.ts'
import { CannotStart } from './cannot-start.ts'
import { textOf } from './database.ts'
import { codeOf, own } from './owner.ts'
import { environment, lastOf, launch, stopOrphan } from './postmaster.ts'

export interface Embedded {
  readonly url: string // with the password in it: never to be logged
  readonly data: string // where the data is
  /** Resolves when Postgres is gone, asked or not. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

const INITDB_WITHIN: Millis = 120_000
const LOG_MOST = 4_000_000 // bytes; begun anew at a start

/** Starts the Postgres that lives in `<folder>/postgres`, made on the first start. Throws CannotStart. */
export async function startPostgres(folder: string): Promise<Embedded> {
  try {
    const { home, account } = homeIn(folder)
    refuseOtherMajor(join(home, 'data'))
    const release = own(home)
    try {
      return await startIn(home, account, release)
    } catch (error) {
      release()
      throw error
    }
  } catch (error) {
    throw worded(error, folder)
  }
}

async function startIn(home: string, account: Account | undefined, release: () => void): Promise<Embedded> {
  const data = join(home, 'data')
  const binaries = binariesFor(account, home)
  await stopOrphan(data)
  const password = passwordIn(home, account)
  if (!existsSync(data)) await makeData(binaries, home, account)
  const server = await launch({ program: program(binaries, 'postgres'), data, log: logIn(home, account), account })
  void server.ended.then(release)
  const url = `postgres://signalbox:${password}@127.0.0.1:${server.port}/postgres`
  return { url, data, ended: server.ended, stop: server.stop }
}

function worded(error: unknown, folder: string): unknown {
  switch (codeOf(error)) {
    case 'ENOSPC':
      return new CannotStart(`The disk under ${folder} is full. Make room and start again.`, { cause: error })
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CannotStart(
        `${folder} is not ours to use: ${textOf(error)}. Start as the user who owns it, or in another folder.`,
        { cause: error },
      )
    default:
      return error
  }
}

/**
 * `<folder>/postgres`, unless whom Postgres has to run as cannot get there: a checkout under /root. Then the data is put
 * below /var/lib, and a file in `folder` says where. Not in a temporary folder: those are emptied.
 */
function homeIn(folder: string): { readonly home: string; readonly account: Account | undefined } {
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  const here = join(realpathSync(folder), 'postgres')
  const pointer = join(folder, 'postgres-is-at')
  const home = existsSync(pointer) ? readFileSync(pointer, 'utf8').trim() : here
  if (home !== here && !existsSync(home))
    throw new CannotStart(
      `${pointer} says that the data is in ${home}, and there is nothing. Bring it back, or remove ${pointer} to begin with no data.`,
    )
  const account = accountFor(join(home, 'data'))
  mkdirSync(home, { recursive: true, mode: 0o750 })
  if (reaches(account, dirname(dirname(home)))) {
    letThrough(account, dirname(home))
    letThrough(account, home)
  }
  if (reaches(account, home)) return { home, account }
  if (existsSync(join(home, 'data')))
    throw new CannotStart(
      `Postgres runs as user ${account?.uid}, who may not enter the folders above ${home}. Let others pass through them (chmod o+x), or move the data.`,
    )
  return { home: elsewhere(pointer, account), account }
}

function elsewhere(pointer: string, account: Account | undefined): string {
  const root = '/var/lib/signalbox'
  try {
    mkdirSync(root, { recursive: true, mode: 0o755 })
    const home = mkdtempSync(join(root, 'postgres-'))
    letThrough(account, home)
    writeFileSync(pointer, `${home}\n`)
    return home
  } catch (cause) {
    const why = `Postgres cannot run as root, user ${account?.uid} may not enter ${dirname(pointer)}, and ${root} cannot be made.`
    throw new CannotStart(`${why} Start Signalbox in a folder that every user may enter, or as another user than root.`, {
      cause,
    })
  }
}

/** Before anything is touched: no Postgres reads the files of another major version. */
function refuseOtherMajor(data: string): void {
  if (!existsSync(data)) return
  let made: number
  try {
    made = Number.parseInt(readFileSync(join(data, 'PG_VERSION'), 'utf8'), 10)
  } catch (cause) {
    throw new CannotStart(
      `${data} is not a folder that Postgres made, or it is not ours to read. Move it away to begin with no data.`,
      { cause },
    )
  }
  const ours = installedMajor()
  if (made > ours)
    throw new CannotStart(
      `${data} was made by PostgreSQL ${made}, and this Signalbox brings ${ours}. Start the newer Signalbox that made it.`,
    )
  if (made < ours)
    throw new CannotStart(
      `${data} was made by PostgreSQL ${made}, and this Signalbox brings ${ours}. Dump it with the old one and load it into the new one.`,
    )
}

function passwordIn(home: string, account: Account | undefined): string {
  const file = join(home, 'password')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  if (existsSync(join(home, 'data')))
    throw new CannotStart(`${file} is missing, and without it nobody gets at the data. Bring it back from a copy.`)
  const password = randomBytes(24).toString('hex')
  writeFileSync(`${file}.new`, password, { mode: 0o600 })
  chmodSync(`${file}.new`, 0o600) // it may be the rest of an earlier try
  give(`${file}.new`, account)
  renameSync(`${file}.new`, file)
  return password
}

/** Made under another name and then renamed: what is called `data` is whole, whenever we are killed. */
async function makeData(binaries: Binaries, home: string, account: Account | undefined): Promise<void> {
  for (const old of readdirSync(home).filter(name => name.startsWith('data.new')))
    rmSync(join(home, old), { recursive: true, force: true, maxRetries: 5 })
  const fresh = mkdtempSync(join(home, 'data.new-'))
  give(fresh, account)
  // With its syncs: without them a power cut right after the first start could take the whole database.
  const words = [
    '-D',
    fresh,
    '-U',
    'signalbox',
    '-A',
    'scram-sha-256',
    `--pwfile=${join(home, 'password')}`,
    '-E',
    'UTF8',
    '--locale=C',
    '--no-instructions',
  ]
  const { code, said } = await run(program(binaries, 'initdb'), words, account, environment(fresh))
  if (code !== 0) {
    rmSync(fresh, { recursive: true, force: true, maxRetries: 5 })
    if (/No space left on device/.test(said))
      throw new CannotStart(`The disk under ${home} is full: a new database takes about 40 MB. Make room and start again.`)
    throw new CannotStart(`The database could not be made in ${home}.${lastOf(said)}`)
  }
  renameSync(fresh, join(home, 'data'))
  syncFolder(home)
}

function run(
  path: string,
  words: readonly string[],
  account: Account | undefined,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, words, {
      ...account,
      env,
      cwd: process.platform === 'win32' ? undefined : '/',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INITDB_WITHIN,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.once('error', cause =>
      reject(
        new CannotStart(`${path} could not be run: ${cause.message}. Start Signalbox as another user than root.`, { cause }),
      ),
    )
    child.once('close', code => resolve({ code, said }))
  })
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

function logIn(home: string, account: Account | undefined): string {
  const log = join(home, 'log')
  closeSync(openSync(log, (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LOG_MOST ? 'w' : 'a', 0o640))
  give(log, account)
  return log
}

const give = (path: string, account: Account | undefined): void => {
  if (account) chownSync(path, account.uid, account.gid)
}
