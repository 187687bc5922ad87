import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'

/**
 * What the mover costs, both sides in one run, in turn: a whole push to a folder against `dd conv=fsync` of the same disk, a push of
 * 1 % with a list against a whole one, a pull against dd, and the memory. Ratios only: the disk of a shared machine is never the same
 * twice. `npx tsx bench/blocksync.ts [MiB] [pairs]`.
 */
const [MIB = 512, PAIRS = 5] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-blocksync-'))
const at = (name: string): string => join(folder, name)
const EXTENT = 64 << 10

const timed = async (go: () => unknown): Promise<number> => {
  const start = performance.now()
  await go()
  return performance.now() - start
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const shown = (values: readonly number[]): string =>
  `${median(values).toFixed(3)}  (${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}, ${values.length} pairs)`

/** Writes to one extent in a hundred, and says which: what a tracker of changed blocks would list. */
function change(): string {
  const file = openSync(at('disk'), 'r+')
  const lines: string[] = []
  for (let extent = Math.floor(Math.random() * 100); extent < (MIB << 20) / EXTENT; extent += 100) {
    writeSync(file, randomBytes(EXTENT), 0, EXTENT, extent * EXTENT)
    lines.push(`${extent * EXTENT} ${EXTENT}`)
  }
  fsyncSync(file)
  closeSync(file)
  return lines.join('\n')
}

try {
  execFileSync('dd', ['if=/dev/urandom', `of=${at('disk')}`, 'bs=1M', `count=${MIB}`, 'conv=fsync'], { stdio: 'ignore' })
  const dd = (): void => void spawnSync('dd', [`if=${at('disk')}`, `of=${at('dd')}`, 'bs=1M', 'conv=fsync'], { stdio: 'ignore' })
  const fresh = (...names: readonly string[]): void => names.forEach(name => rmSync(at(name), { recursive: true, force: true }))
  const ratios = { whole: [] as number[], changed: [] as number[], pulled: [] as number[], wire: [] as number[] }
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 50)
  const before = process.memoryUsage.rss()
  const wanted = { source: at('disk'), store: at('store'), disk: 'bench', work: at('work') }
  for (let pair = 0; pair <= PAIRS; pair++) {
    fresh('dd', 'store', 'work', 'copy', 'copy.blocksync')
    const copied = await timed(dd)
    const whole = await timed(() => push(wanted))
    const pulled = await timed(() => pull({ store: at('store'), disk: 'bench', image: at('copy') }))
    const list = change()
    let sent = 0
    const changed = await timed(() => push({ ...wanted, changed: list, tell: ({ counts }) => (sent = counts.sent) }))
    if (pair === 0) continue // to warm both sides
    ratios.whole.push(copied / whole)
    ratios.pulled.push(copied / pulled)
    ratios.changed.push(changed / whole)
    ratios.wire.push(sent / (list.split('\n').length * EXTENT))
  }
  clearInterval(watch)
  console.log(`${MIB} MiB, on ${process.version}`)
  console.log(`speed of a whole push to a folder over dd conv=fsync   ${shown(ratios.whole)}   aim 0.85`)
  console.log(`speed of a whole pull, read back, over dd conv=fsync   ${shown(ratios.pulled)}`)
  console.log(`time of a 1 % push with a list over a whole push       ${shown(ratios.changed)}   aim 0.05`)
  console.log(`bytes sent over bytes changed                          ${shown(ratios.wire)}`)
  console.log(`memory: ${(most / 2 ** 20).toFixed(0)} MiB at most, ${(before / 2 ** 20).toFixed(0)} MiB before`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
