import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, type TestContext, test, vi } from 'vitest'
import qemu from '../adapters/qemu/index.ts'
import { plainConsole } from '../src/chat/console/plain.ts'
import { openBot } from '../src/commands/bot.ts'
import type { Handle, IntentId, RunId, StepId, Target } from '../src/domain/ids.ts'
import type { Capability } from '../src/kit/device.ts'
import { type Disk, openNbdDisk } from '../src/lab/nbd.ts'
import type { Message } from '../src/lab/qmp.ts'
import { installed, type RealDisk, startRealDisk } from '../src/lab/real-disk.ts'
import { labSite } from '../src/lab/site.ts'
import { verifyingWriter, type Writer } from '../src/lab/writer.ts'
import { loadAdapters } from '../src/registry.ts'
import { environment } from '../src/site/environment.ts'
import { parseSite } from '../src/site/site.ts'
import { commandOf } from '../src/store/owner.ts'
import { slackLab } from './fakes/lab-chat.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/** The runbook `migrate` on a real qemu-storage-daemon, under an application that never stops writing and knows what it was promised. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const missing = [
  ...(installed() ? [] : ['qemu-storage-daemon']),
  ...(spawnSync('nbdkit', ['--version'], { stdio: 'ignore' }).status === 0 ? [] : ['nbdkit']),
]
const WHY = `migrate: ${missing.join(', ')} not found, so the runbook was NOT tested on real disks (apt-get install qemu-system-common nbdkit)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)
vi.setConfig({ testTimeout: 200_000 })

test.runIf(process.env['CI'] === 'true')('where everything must be there, the real storage daemon is', () => {
  expect(missing, WHY).toEqual([])
})

const WITHIN = { timeout: 60_000, interval: 50 }
const TO_THE_CUTOVER = ['operator: confirm R1 ready', '...', 'lead: approve R1 cutover', '...']
const TO_THE_END = ['lead: approve R1 commit-approval', 'deputy: approve R1 commit-approval', '...']

let postgres: TestPostgres
beforeAll(async () => {
  if (missing.length === 0) postgres = await testPostgres()
})
afterAll(() => postgres?.stop())

/** Of the very test: the global one does not know which of those that run side by side asks. */
type After = TestContext['onTestFinished']

function freshFolder(after: After): string {
  const folder = mkdtempSync(join(tmpdir(), 'sbx-disk-'))
  chmodSync(folder, 0o755)
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

interface Bench {
  readonly disk: RealDisk
  readonly events: readonly Message[]
  readonly writer: Writer
}

/** A real daemon with a disk, and an application that writes to it. */
async function bench(after: After, folder: string, heard: (event: Message) => void = () => {}): Promise<Bench> {
  const events: Message[] = []
  const disk = await startRealDisk(join(folder, 'vm01'), event => {
    events.push(event)
    heard(event)
  })
  after(() => disk.stop())
  const opened = await disk.open()
  after(() => opened.close())
  return { disk, events, writer: verifyingWriter(opened, { size: disk.size, every: 2 }) }
}

const siteOf = ({ settings, images }: RealDisk, chat?: Parameters<typeof labSite>[1]): string =>
  labSite({ vm01: { kind: 'qemu', settings, images } }, chat)

/** A whole house that works on it, and people who talk to it. */
async function house(after: After, folder: string, disk: RealDisk) {
  const adapters = await loadAdapters()
  const shown: string[] = []
  const schema = postgres.schema()
  const opened = await openBot({
    environment: { ...environment({}, folder), databaseUrl: postgres.url },
    adapters,
    site: parseSite(siteOf(disk), 'the test', adapters, {}),
    chats: [plainConsole(line => void shown.push(line))],
    folder,
    schema,
    queue: `${schema}_queue`,
  })
  await opened.start()
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= opened.stop()
    return stopped
  }
  after(stop)
  /** Lines as in a story; it does not wait for anything that no line asks for. */
  const tell = async (...lines: readonly string[]): Promise<void> => {
    for (const line of lines) {
      const [, step] = /^\.\.\. R1 (\S+)$/.exec(line) ?? []
      const [, who, text = ''] = /^(\w+): (.*)$/.exec(line) ?? []
      if (who === undefined) await opened.quiet(step === undefined ? undefined : { run: 'R1' as RunId, step: step as StepId })
      else await opened.say({ id: randomUUID(), text, by: `console:${who}` as Handle, at: { chat: 'console', channel: 'test' } })
    }
  }
  return { tell, shown, stop, run: async () => (await opened.runs()).find(({ id }) => id === 'R1') }
}

/** What the daemon itself says, once nobody else holds its monitor. */
async function asks(disk: RealDisk, name: 'jobs' | 'exports' | 'nodes'): Promise<Readonly<Record<string, unknown>>> {
  const monitor = qemu.connect(disk.settings, 'vm01' as Target)
  const call = { intent: 'R1/test/1' as IntentId, params: {}, signal: AbortSignal.timeout(10_000), go: () => {} }
  try {
    return (await (qemu.capabilities[name] as Capability).perform(monitor, call)) as Readonly<Record<string, unknown>>
  } finally {
    await monitor.close()
  }
}

const begun = (events: readonly Message[]): readonly unknown[] =>
  events.map(jobMoved).flatMap(({ id, status }) => (status === 'created' ? [id] : []))
const jobMoved = ({ event, data }: Message): { readonly id?: unknown; readonly status?: unknown } =>
  event === 'JOB_STATUS_CHANGE' ? Object(data) : {}

/** The bytes of an image, whoever has it open. */
function fileDisk(file: string): Disk {
  const handle = openSync(file, 'r')
  return {
    write: () => Promise.reject(new Error('it is read only')),
    read: async (at, length) => {
      const bytes = Buffer.alloc(length)
      readSync(handle, bytes, 0, length, at)
      return bytes
    },
    close: () => closeSync(handle),
  }
}

const NOTHING_LOST = { bad: 0, errors: [] }

describe.skipIf(missing.length > 0)('a migration on the real storage daemon', () => {
  test.concurrent('cuts over and rolls back under a writer, and every acknowledged write is there', async ({
    onTestFinished: after,
  }) => {
    const folder = freshFolder(after)
    const { disk, events, writer } = await bench(after, folder)
    const { tell, shown, stop, run } = await house(after, folder, disk)
    await tell('operator: migrate disk0 to new0.img on vm01', '...', ...TO_THE_CUTOVER)
    expect((await run())?.steps.get('soak' as never)?.is, shown.join('\n')).toBe('done')
    const before = writer.state().writes
    await vi.waitFor(() => expect(writer.state().writes).toBeGreaterThan(before + 50), WITHIN)
    await tell('operator: roll back R1 because "it is slower"', '...')
    expect((await run())?.outcome, shown.join('\n')).toBe('rolled back')
    await stop()
    expect(await asks(disk, 'exports')).toMatchObject({ exports: [{ node: 'disk0' }] })
    expect(await asks(disk, 'jobs')).toMatchObject({ count: 0 })
    expect(await asks(disk, 'nodes')).toMatchObject({ count: 1 })
    const other = await disk.open()
    const verdict = await writer.verdict(other)
    expect(verdict).toMatchObject(NOTHING_LOST)
    expect(verdict.writes).toBeGreaterThan(200)
    other.close()
    expect(begun(events)).toEqual(['migrate-new0', 'back-new0'])
  })

  test.concurrent('a target that fails holds the run and not the writer; once it is mended, `retry` finishes', async ({
    onTestFinished: after,
  }) => {
    const folder = freshFolder(after)
    const { disk, writer } = await bench(after, folder)
    const [socket, fault] = [join(folder, 'array2.sock'), join(folder, 'FAULT')]
    const filter = ['error=EIO', 'error-pwrite-rate=100%', `error-file=${fault}`]
    const array = spawn('nbdkit', ['-f', '-U', socket, '--filter=error', 'memory', String(disk.size), ...filter], {
      stdio: 'ignore',
    })
    after(() => void array.kill('SIGKILL'))
    await vi.waitFor(async () => (await openNbdDisk(socket, '')).close(), WITHIN)
    const { tell, shown, stop, run } = await house(after, folder, disk)
    const sentence = `migrate disk0 to nbd ${socket} on vm01 with speed 1MB/s`
    await tell(`operator: ${sentence}`, '...', 'operator: confirm R1 ready', '... R1 copy')
    writeFileSync(fault, '')
    await tell('...')
    const held = (await run())?.steps.get('copy' as never)
    expect(held).toMatchObject({ is: 'failed' })
    expect(JSON.stringify(held)).toContain('stopped at an I/O error, from disk0 to array2; nothing changes for who writes')
    expect(shown.join('\n')).toContain('Mend the disk, and retry')
    expect(writer.state().errors).toEqual([])
    // Not mended yet: it holds again, and cuts nothing over.
    await tell('operator: retry R1', '...')
    expect((await run())?.outcome).toBeUndefined()
    expect((await run())?.steps.get('cutover' as never)?.is ?? 'pending').toBe('pending')
    rmSync(fault)
    // The copy is in nobody's way: people set its speed while the run has it, and that of the mirror back.
    await tell('operator: retry R1', '... R1 copy', 'operator: set speed of job migrate-array2 on vm01 to full', '...')
    await tell('lead: approve R1 cutover', '... R1 back', 'operator: set speed of job back-array2 on vm01 to full', '...')
    await tell(...TO_THE_END)
    expect((await run())?.outcome, shown.join('\n')).toBe('succeeded')
    await stop()
    expect(await asks(disk, 'exports')).toMatchObject({ exports: [{ node: 'array2' }] })
    expect(await asks(disk, 'jobs')).toMatchObject({ count: 0 })
    const target = await openNbdDisk(socket, '')
    expect(await writer.verdict(target)).toMatchObject(NOTHING_LOST)
    target.close()
  })

  test.concurrent('a daemon that is killed in mid-copy: the run says what it knows, the source has every acknowledged write, and it can be rolled back', async ({
    onTestFinished: after,
  }) => {
    const folder = freshFolder(after)
    const { disk, writer } = await bench(after, folder)
    const { tell, shown, run } = await house(after, folder, disk)
    await tell('operator: migrate disk0 to new0.img on vm01 with speed 1MB/s', '...', 'operator: confirm R1 ready', '... R1 copy')
    await vi.waitFor(() => expect(writer.state().writes).toBeGreaterThan(100), WITHIN)
    process.kill(Number(readFileSync(join(disk.images, 'daemon.pid'), 'utf8')), 'SIGKILL')
    await vi.waitFor(() => expect(writer.state().errors).toHaveLength(1), WITHIN)
    await vi.waitFor(
      async () => expect(JSON.stringify([...((await run())?.tracks ?? [])])).toContain('no answer: no connection'),
      WITHIN,
    )
    await tell('operator: show R1')
    expect(shown.join('\n')).toContain('no answer: no connection to the monitor')
    const file = fileDisk(join(disk.images, 'disk0.img'))
    expect(await writer.verdict(file)).toMatchObject({ bad: 0 })
    file.close()
    await disk.stop()
    const again = await startRealDisk(join(folder, 'vm01'))
    after(() => again.stop())
    await tell('...')
    expect(JSON.stringify((await run())?.steps.get('copy' as never))).toContain(
      'there is no job migrate-new0: whoever restarted QEMU lost it',
    )
    await tell('operator: roll back R1', '...')
    expect((await run())?.outcome, shown.join('\n')).toBe('rolled back')
  })

  test.concurrent('a Signalbox that is killed at the worst moments goes on with the same run: one mirror each way, and every write there', async ({
    onTestFinished: after,
  }) => {
    const folder = freshFolder(after)
    let bot: ChildProcess | undefined
    // Right after a request took effect, and before its answer can be written down.
    const moments = ['migrate-new0 created', 'migrate-new0 concluded', 'back-new0 concluded']
    const { disk, events, writer } = await bench(after, folder, event => {
      const { id, status } = jobMoved(event)
      if (`${String(id)} ${String(status)}` !== moments[0]) return
      moments.shift()
      bot?.kill('SIGKILL')
    })
    const { fake, chat } = await slackLab({ limits: 'none' })
    const site = join(folder, 'site.yaml')
    writeFileSync(site, siteOf(disk, chat))
    await postgres.sql('create database kill_disk')
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      SIGNALBOX_DATABASE_URL: postgres.url.replace(/\/[^/]*$/, '/kill_disk'),
    }
    let [deaths, over] = [0, false]
    const errors: string[] = []
    const start = (): void => {
      const options = ['--import', 'tsx', 'src/main.ts', '--site', site, '--folder', folder, 'start']
      const child = spawn(process.execPath, options, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] })
      child.stderr.setEncoding('utf8').on('data', (text: string) => void errors.push(text))
      bot = child
      child.once('close', () => {
        if (over) return
        deaths++
        start()
      })
    }
    after(async () => {
      over = true
      bot?.kill('SIGKILL')
      await fake.stop()
    })
    start()
    const seen = (text: string | RegExp): boolean =>
      fake.messages().some(({ lines, ephemeralTo }) => !ephemeralTo && lines.some(line => line.match(text) !== null))
    /** Said until it shows: nobody hears it while the bot is dead. */
    const says = (user: keyof typeof chat.users, sentence: string, shows: string | RegExp): Promise<void> =>
      vi.waitFor(
        async () => {
          if (!seen(shows)) await fake.says(chat.users[user], sentence, { via: 'command' }).catch(() => false)
          expect(seen(shows), `${user}: ${sentence}\n${errors.join('')}`).toBe(true)
        },
        { timeout: 90_000, interval: 1_000 },
      )
    await says('operator', 'migrate disk0 to new0.img on vm01', 'Is this the right target')
    await says('operator', 'confirm R1 ready', 'confirmed by operator')
    await vi.waitFor(() => expect(seen('Cut over: let new0 serve')).toBe(true), WITHIN)
    await says('lead', 'approve R1 cutover', /approved by lead/)
    await vi.waitFor(() => expect(seen('Commit: stop keeping disk0 equal')).toBe(true), WITHIN)
    await says('lead', 'approve R1 commit-approval', /so far yes from lead|approved by lead and deputy/)
    await says('deputy', 'approve R1 commit-approval', /approved by lead and deputy/)
    await vi.waitFor(() => expect(seen('R1 succeeded')).toBe(true), WITHIN)
    expect([moments, deaths]).toEqual([[], 3])
    expect(begun(events)).toEqual(['migrate-new0', 'back-new0'])
    over = true
    const ended = new Promise(resolve => bot?.once('close', resolve))
    bot?.kill('SIGKILL')
    await ended
    expect(await asks(disk, 'exports')).toMatchObject({ exports: [{ node: 'new0' }] })
    expect(await asks(disk, 'jobs')).toMatchObject({ count: 0 })
    const other = await disk.open()
    expect(await writer.verdict(other)).toMatchObject(NOTHING_LOST)
    other.close()
  })

  test('a daemon that a killed lab left behind is ended, what was live is remembered, and a stranger with its number is left alone', async ({
    onTestFinished: after,
  }) => {
    const folder = join(freshFolder(after), 'vm01')
    mkdirSync(folder)
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
    after(() => void stranger.kill('SIGKILL'))
    writeFileSync(join(folder, 'daemon.pid'), `${stranger.pid}\n`)
    const lab = spawn(process.execPath, ['--import', 'tsx', 'test/fakes/leave-a-disk.ts', folder], { cwd: ROOT, stdio: 'ignore' })
    after(() => void lab.kill('SIGKILL'))
    const pid = (): number =>
      Number(existsSync(join(folder, 'up')) ? readFileSync(join(folder, 'daemon.pid'), 'utf8') : Number.NaN)
    await vi.waitFor(() => expect(pid()).toBeGreaterThan(1), WITHIN)
    const left = pid()
    expect([left === stranger.pid, stranger.exitCode]).toEqual([false, null])
    const ended = new Promise(resolve => lab.once('close', resolve))
    lab.kill('SIGKILL')
    await ended
    expect(commandOf(left)).toContain('qemu-storage-daemon')
    writeFileSync(join(folder, 'live'), 'new1.img') // wrong: the daemon itself knows better
    const second = await startRealDisk(folder)
    after(() => second.stop())
    expect(second.node).toBe('disk0')
    expect(commandOf(left)).toBe('') // gone, or dead and not yet fetched by whoever inherited it
    await second.stop()
    expect(existsSync(join(folder, 'daemon.pid'))).toBe(false)
  })
})
