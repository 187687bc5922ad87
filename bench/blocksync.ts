import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHashers } from '../src/blocksync/hashers.ts'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { sideBySide } from '../src/blocksync/running.ts'
import { startFakeS3 } from '../test/fakes/s3.ts'

/**
 * What the mover costs, both sides in one run, in turn: a whole push to a folder against `dd conv=fsync` and against `nbdcopy --flush` of
 * the same disk, a push of 1 % with a list against a whole one, a pull against dd, an upload through S3 against `aws s3 cp`, and the
 * memory. Ratios only: the disk of a shared machine is never the same twice. What SHA-256 alone takes, in as many threads as there are
 * cores, is measured beside them: no mover that proves what it moved is faster than that. S3 is the fake on loopback, in a process of
 * its own for both. `npx tsx bench/blocksync.ts [MiB] [pairs]`.
 */
const [MIB = 512, PAIRS = 5] = process.argv.slice(2).map(Number)
const EXTENT = 64 << 10
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIAFAKE', AWS_SECRET_ACCESS_KEY: 'fake', AWS_DEFAULT_REGION: 'us-east-1' }

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-blocksync-'))
  const server = fork(new URL(import.meta.url), { stdio: 'inherit' })
  Object.assign(process.env, CREDENTIALS)
  const most = watching()
  try {
    const { endpoint } = (await answerOf(server)) as { endpoint: string }
    const table = new Map<string, number[]>()
    for (let pair = 0; pair <= PAIRS; pair++)
      for (const [name, value] of await onePair(folder, endpoint, server))
        if (pair > 0) table.set(name, [...(table.get(name) ?? []), value]) // the first pair warms both sides
    console.log(`${MIB} MiB, ${PAIRS} pairs, ${availableParallelism()} cores, on ${process.version}; the median, and the spread`)
    for (const [name, values] of table) console.log(`${name.padEnd(68)} ${shown(values)}`)
    console.log(`memory of the mover, more than before it began, MiB at most${' '.repeat(10)} ${(most() / 2 ** 20).toFixed(0)}`)
  } finally {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Everything once, each beside what it is compared with. */
async function onePair(folder: string, endpoint: string, server: ChildProcess): Promise<readonly (readonly [string, number])[]> {
  const at = (name: string): string => join(folder, name)
  rmSync(folder, { recursive: true, force: true })
  execFileSync('mkdir', [folder])
  execFileSync('dd', ['if=/dev/urandom', `of=${at('disk')}`, 'bs=1M', `count=${MIB}`, 'conv=fsync'], { stdio: 'ignore' })
  const wanted = { source: at('disk'), store: at('store'), disk: 'bench', work: at('work') }
  const bucket = { ...wanted, store: 's3://vault/bench', endpoint, work: at('work.s3') }

  const dd = await timed(() => run('dd', `if=${at('disk')}`, `of=${at('dd')}`, 'bs=1M', 'conv=fsync'))
  const whole = await timed(() => push(wanted))
  const nbdcopy = await timed(() => run('nbdcopy', '--flush', at('disk'), at('nbdcopy')))
  const hashing = await timed(() => hashed(at('disk')))
  rmSync(at('dd'))
  const again = await timed(() => run('dd', `if=${at('disk')}`, `of=${at('dd')}`, 'bs=1M', 'conv=fsync'))
  const pulled = await timed(() => pull({ store: at('store'), disk: 'bench', image: at('copy') }))
  const up = await timed(() => push(bucket))
  const requests = await emptied(server)
  const aws = await timed(() =>
    run('aws', '--endpoint-url', endpoint, 's3', 'cp', '--quiet', at('disk'), 's3://vault/bench/disk'),
  )
  await emptied(server)
  const list = change(at('disk'))
  let sent = 0
  const changed = await timed(() => push({ ...wanted, changed: list, tell: ({ counts }) => (sent = counts.sent) }))
  const next = await timed(() => pull({ store: at('store'), disk: 'bench', image: at('copy') }))
  return [
    ['speed of a whole push to a folder over dd conv=fsync   (aim 0.85)', speed(dd, whole)],
    ['speed of a whole push to a folder over nbdcopy --flush', speed(nbdcopy, whole)],
    ['speed of SHA-256 alone, on all cores, over dd conv=fsync', speed(dd, hashing)],
    ['speed of a whole push to a folder over SHA-256 alone', speed(hashing, whole)],
    ['time of a 1 % push with a list over a whole push       (aim 0.05)', speed(changed, whole)],
    ['bytes sent over bytes changed', sent / (list.split('\n').length * EXTENT)],
    ['speed of a whole pull, read back, over dd conv=fsync', speed(again, pulled)],
    ['speed of a pull of the 1 %, all of it read back, over dd conv=fsync', speed(again, next)],
    ['speed of a whole push through S3 over aws s3 cp', speed(aws, up)],
    ['requests of that push, for each MiB', requests / MIB],
  ]
}

const THERE_IS_NOT = Number.NaN
const speed = (theirs: number, ours: number): number => theirs / ours

async function timed(go: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  return (await go()) === 'not there' ? THERE_IS_NOT : performance.now() - start
}

async function run(program: string, ...words: readonly string[]): Promise<'done' | 'not there'> {
  const child = spawn(program, words, { stdio: 'ignore', timeout: 300_000, killSignal: 'SIGKILL' })
  const ended = await Promise.race([once(child, 'exit'), once(child, 'error')]).catch((error: unknown) => [error])
  if (ended[0] instanceof Error) {
    console.log(`NOT THERE: ${program}, so nothing is compared with it. apt-get install nbdkit libnbd-bin awscli`)
    return 'not there'
  }
  if (ended[0] !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${ended[0]}.`)
  return 'done'
}

/** What every mover that proves its copy must do, and nothing else. */
async function hashed(path: string): Promise<void> {
  const hashers = openHashers(Math.max(2, availableParallelism()))
  const file = await open(path)
  try {
    await sideBySide(
      Array.from({ length: Math.ceil(MIB / 8) }, (_, nth) => nth * (8 << 20)),
      6,
      async (offset, lane) => {
        const lent = lane.lend(8 << 20)
        const { bytesRead } = await file.read(lent, 0, lent.length, offset)
        lane.back((await hashers.hashParts(lent, [{ at: 0, length: bytesRead }])).bytes)
      },
    )
  } finally {
    await file.close()
    await hashers.close()
  }
}

/** Writes to one extent in a hundred, and says which: what a tracker of changed blocks would list. */
function change(path: string): string {
  const file = openSync(path, 'r+')
  const lines: string[] = []
  for (let extent = Math.floor(Math.random() * 100); extent < (MIB << 20) / EXTENT; extent += 100) {
    writeSync(file, randomBytes(EXTENT), 0, EXTENT, extent * EXTENT)
    lines.push(`${extent * EXTENT} ${EXTENT}`)
  }
  fsyncSync(file)
  closeSync(file)
  return lines.join('\n')
}

const answerOf = async (server: ChildProcess): Promise<unknown> => (await once(server, 'message'))[0]

async function emptied(server: ChildProcess): Promise<number> {
  const answer = answerOf(server)
  server.send('empty')
  return ((await answer) as { requests: number }).requests
}

function watching(): () => number {
  const before = process.memoryUsage.rss()
  let most = before
  setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 20).unref()
  return () => most - before
}

function shown(values: readonly number[]): string {
  if (values.some(Number.isNaN)) return 'NOT THERE'
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return `${middle.toFixed(3)}  (${sorted[0]?.toFixed(3)} to ${sorted.at(-1)?.toFixed(3)})`
}

if (process.send) {
  const s3 = await startFakeS3() // the other side of the upload
  process.on('message', () => {
    s3.objects.clear()
    process.send?.({ requests: s3.requests.splice(0).length })
  })
  process.send({ endpoint: s3.endpoint })
} else await bench()
