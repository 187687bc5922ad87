import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Embedded, startPostgres } from '../src/store/embedded.ts'

const isRoot = process.getuid?.() === 0
const isLinux = process.platform === 'linux'
const root = mkdtempSync(join(tmpdir(), 'signalbox-embedded-'))
chmodSync(root, 0o755)
const folder = join(root, '.signalbox')
const data = join(folder, 'postgres', 'data')
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function start(at = folder): Promise<Embedded> {
  const server = await startPostgres(at)
  onTestFinished(() => server.stop())
  return server
}

async function ask(url: string, sql: string): Promise<readonly Record<string, string>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, string>>(sql)).rows
  } finally {
    await client.end()
  }
}

const gone = (pid: number) =>
  vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), { timeout: 10_000, interval: 20 })
const postmaster = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
const parentOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])

/** Another Signalbox, which has started Postgres and does nothing more. */
async function another(): Promise<ChildProcess> {
  const module = new URL('../src/store/embedded.ts', import.meta.url).href
  const code = `const { startPostgres } = await import(${JSON.stringify(module)}); console.log((await startPostgres(${JSON.stringify(folder)})).url); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve())
    child.once('exit', status => reject(new Error(`it ended with ${status}`)))
  })
  return child
}

test('it runs for whoever starts it, root or not, safe against power cuts and for this machine alone', async () => {
  const { url } = await start()
  const settings = [
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'listen_addresses',
    'unix_socket_directories',
    'password_encryption',
  ]
  const [row] = await ask(url, `select ${settings.map(name => `current_setting('${name}') as ${name}`).join()}`)
  expect(settings.map(name => row?.[name])).toEqual(['on', 'on', 'on', '127.0.0.1', '', 'scram-sha-256'])
  if (isRoot) expect(statSync(data).uid).not.toBe(0)
  await ask(url, `create table kept as select 'before' as word`)
})

test('nobody gets in without the password, and only its owner may read that', async () => {
  const { url } = await start()
  const file = join(folder, 'postgres', 'password')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(url).toContain(readFileSync(file, 'utf8'))
  await expect(ask(url.replace(/:[0-9a-f]{48}@/, ':guessed@'), 'select 1')).rejects.toThrow(/password authentication failed/)
})

test('what was written is there after a stop and a start', async () => {
  const { url } = await start()
  expect(await ask(url, 'select word from kept')).toEqual([{ word: 'before' }])
})

test('a second start in the same folder names the first and leaves it alone', async () => {
  const { url } = await start()
  await expect(startPostgres(folder)).rejects.toThrow(
    new RegExp(`already running here: process ${process.pid} uses .*Stop that one first`),
  )
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a start beside another process names that one', async () => {
  const child = await another()
  await expect(startPostgres(folder)).rejects.toThrow(`process ${child.pid} uses`)
})

test('of two that start at once one starts', async () => {
  const results = await Promise.allSettled([startPostgres(folder), startPostgres(folder)])
  expect(results.map(it => it.status).sort()).toEqual(['fulfilled', 'rejected'])
  for (const it of results) if (it.status === 'fulfilled') await it.value.stop()
})

test('kill -9 leaves no orphan, and the next start finds everything that was written', async () => {
  const child = await another()
  const pid = postmaster()
  const port = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[3])
  const password = readFileSync(join(folder, 'postgres', 'password'), 'utf8')
  await ask(`postgres://signalbox:${password}@127.0.0.1:${port}/postgres`, `update kept set word = 'killed'`)
  child.kill('SIGKILL')
  await gone(pid)
  const { url } = await start()
  expect(await ask(url, 'select word from kept')).toEqual([{ word: 'killed' }])
})

test.runIf(isLinux)('kill -9 of the guardian too leaves an orphan that the next start stops', async () => {
  const child = await another()
  const pid = postmaster()
  const guardian = parentOf(pid)
  const watchers = readFileSync(`/proc/${guardian}/task/${guardian}/children`, 'utf8').trim().split(' ').map(Number)
  for (const other of [guardian, ...watchers.filter(it => it !== pid)]) process.kill(other, 'SIGKILL')
  const died = once(child, 'exit')
  child.kill('SIGKILL')
  await died
  const { url } = await start()
  expect(postmaster()).not.toBe(pid)
  expect(existsSync(`/proc/${pid}/cwd`) && readlinkSync(`/proc/${pid}/cwd`)).toBe(false) // gone, or a zombie that nobody collects
  expect(await ask(url, 'select word from kept')).toEqual([{ word: 'killed' }])
})

test('a Postgres that was killed is reported as ended, and the next start recovers', async () => {
  const { ended, url } = await start()
  await ask(url, `update kept set word = 'crashed'`)
  process.kill(postmaster(), 'SIGKILL')
  await ended
  const again = await start()
  expect(await ask(again.url, 'select word from kept')).toEqual([{ word: 'crashed' }])
})

test('a left-over pid file that names a living stranger is no obstacle, and the stranger lives on', async () => {
  const { uid, gid } = statSync(data)
  const stranger = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' })
  onTestFinished(() => {
    stranger.kill()
  })
  writeFileSync(join(data, 'postmaster.pid'), [stranger.pid, data, 0, 1, '', '127.0.0.1', '', 'ready   ', ''].join('\n'))
  const { url } = await start()
  expect(await ask(url, 'select word from kept')).toEqual([{ word: 'crashed' }])
  expect(stranger.exitCode).toBe(null)
})

test('a folder of a newer Postgres is refused, and nothing in it is touched', async () => {
  const newer = join(root, 'newer')
  const inside = join(newer, 'postgres', 'data')
  mkdirSync(inside, { recursive: true })
  writeFileSync(join(inside, 'PG_VERSION'), '99\n')
  const before = statSync(inside)
  await expect(startPostgres(newer)).rejects.toThrow(
    /was made by PostgreSQL 99, and this Signalbox brings \d+\. Start the newer Signalbox/,
  )
  expect(readdirSync(inside)).toEqual(['PG_VERSION'])
  const after = statSync(inside)
  expect([after.mtimeMs, after.uid, after.mode]).toEqual([before.mtimeMs, before.uid, before.mode])
})

test('a first start that was cut off half way is begun anew', async () => {
  const half = join(root, 'half')
  const left = join(half, 'postgres', 'data.new-abc')
  mkdirSync(left, { recursive: true })
  writeFileSync(join(left, 'PG_VERSION'), '18\n')
  writeFileSync(join(half, 'postgres', 'password.new'), 'ha')
  const { url } = await start(half)
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(existsSync(left)).toBe(false)
})

test('data without its password is not begun anew', async () => {
  rmSync(join(root, 'half', 'postgres', 'password'))
  await expect(startPostgres(join(root, 'half'))).rejects.toThrow(/password is missing.*Bring it back/)
})

test.runIf(isRoot && isLinux)('in a checkout that only root may enter the data is put elsewhere, and found again', async () => {
  const closed = join(root, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  const first = await start(join(closed, '.signalbox'))
  onTestFinished(() => rmSync(dirname(first.data), { recursive: true, force: true }))
  await ask(first.url, `create table kept as select 'elsewhere' as word`)
  await first.stop()
  const second = await start(join(closed, '.signalbox'))
  expect(second.data).toBe(first.data)
  expect(await ask(second.url, 'select word from kept')).toEqual([{ word: 'elsewhere' }])
  await second.stop()
})
