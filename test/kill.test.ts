import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WITHIN = { timeout: 30_000, interval: 20 }

/** A whole Signalbox, with its Postgres and its simulated devices, that is told a story line by line. */
interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<number | NodeJS.Signals>
  said(): string
  errors(): string
  says(line: string | RegExp): Promise<void>
  tell(...lines: readonly string[]): void
}

function start(folder: string): Running {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SIGNALBOX_|PG|REDIS|NODE_OPTIONS|VITEST)/.test(name)),
  )
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', '--folder', folder, 'lab'], { cwd: ROOT, env })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin.on('error', () => {}) // it may be gone before it has heard everything
  const ended = new Promise<number | NodeJS.Signals>(resolve =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL')),
  )
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    ended,
    said: () => out,
    errors: () => err,
    says: line => vi.waitFor(() => expect(out + (child.exitCode === null ? '' : err)).toMatch(line), WITHIN),
    tell: (...lines) => void child.stdin.write(lines.map(line => `${line}\n`).join('')),
  }
}

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-kill-'))
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

/** What the simulated host was made to do; written to its disk before it took effect. */
const ledger = (folder: string): readonly string[] =>
  readFileSync(join(folder, 'lab', 'sql01', 'ledger.ndjson'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => (JSON.parse(line) as { readonly command: string }).command.split(' ')[1] ?? '')

const postgresOf = (folder: string): number =>
  Number(readFileSync(join(folder, 'lab', 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
const gone = (pid: number): Promise<void> => vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(/ESRCH/), WITHIN)

const TO_THE_COPY = [
  'operator: migrate harddisk5 to harddisk8 on sql01',
  '...',
  'operator: confirm R1 ready',
  '... R1 copy',
  '# the copy runs',
]
const TO_THE_END = [
  '... R1 cutover',
  'operator: confirm R1 cluster-pinned',
  'lead: approve R1 cutover',
  '...',
  'lead: approve R1 commit-approval',
  'deputy: approve R1 commit-approval',
  '...',
  'operator: show all runs',
]

test('a bot that is killed in the middle of a copy goes on with the same run, and each step takes effect once', async () => {
  const folder = freshFolder()
  const first = start(folder)
  first.tell(...TO_THE_COPY)
  await first.says('# the copy runs')
  await first.says(/[1-9]\d?\.\d %/)
  const postgres = postgresOf(folder)
  first.child.kill('SIGKILL')
  expect(await first.ended).toBe('SIGKILL')
  expect(ledger(folder)).toEqual(['setup', 'throttle', 'sync'])
  await gone(postgres)

  const second = start(folder)
  second.tell('operator: throttle session 1 on sql01 to 0')
  await second.says('R1 migrate harddisk5 to harddisk8 on sql01')
  await second.says(/\[x\] sync session 1 on sql01 {2}done/)
  second.tell(...TO_THE_END)
  second.child.stdin.end()
  expect(await second.ended).toBe(0)
  expect(second.said()).toContain('R1 migrate harddisk5 to harddisk8 on sql01  succeeded')
  expect(second.errors()).toBe('')
  expect(ledger(folder)).toEqual(['setup', 'throttle', 'sync', 'throttle', 'selectTarget', 'commit', 'cleanup'])
})

test('a second start in the same folder says so and ends, and the first one goes on', async () => {
  const folder = freshFolder()
  const first = start(folder)
  first.tell('operator: show runs')
  await first.says('Nothing is running.')
  const second = start(folder)
  second.tell('operator: show runs')
  expect(await second.ended).toBe(1)
  expect(second.errors()).toMatch(new RegExp(`already running here: process ${first.child.pid} `))
  first.tell('operator: show paths on sql01')
  await first.says('harddisk5')
  first.child.stdin.end()
  expect(await first.ended).toBe(0)
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends the bot in order, with its Postgres, and the run goes on with the next start',
  async signal => {
    const folder = freshFolder()
    const first = start(folder)
    first.tell(...TO_THE_COPY)
    await first.says('# the copy runs')
    const postgres = postgresOf(folder)
    first.child.kill(signal)
    expect(await first.ended).toBe(130)
    expect(first.errors()).toBe('')
    expect(() => process.kill(postgres, 0)).toThrow(/ESRCH/)
    expect(ledger(folder)).toEqual(['setup', 'throttle', 'sync'])

    const second = start(folder)
    await second.says('R1 migrate harddisk5 to harddisk8 on sql01  copy')
    second.tell('operator: roll back R1 because "it is late"', '...', 'operator: show all runs')
    await second.says('R1  migrate harddisk5 to harddisk8 on sql01  rolled back')
    second.child.stdin.end()
    await second.ended
    expect(ledger(folder)).toEqual(['setup', 'throttle', 'sync', 'abort', 'cleanup'])
  },
)
