import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes, BytesPerSecond } from '../../../src/kit/units.ts'
import { type Disks, disksIn, type Lun } from './disks.ts'
import { allowance, type Migration, moved, serves, type Verb, writes } from './migration.ts'

interface Kept {
  readonly migrations: readonly Migration[]
  readonly next: number
  readonly behind: Readonly<Record<string, string>> // pseudo name -> LUN; a clean-up after a commit exchanges two
}

/** The simulated machine itself: its disks, its migrations, and the copying in the background. No commands. */
export interface Host {
  migrations(): readonly Migration[]
  find(handle: number): Migration | undefined
  lunOf(pseudo: string): Lun | undefined
  pseudos(): readonly string[]
  setup(source: string, target: string): number
  move(handle: number, verb: Verb): void
  throttle(handle: number, level: number): void
  /** The disk as the application sees it, whatever is being migrated underneath. */
  read(pseudo: string, offset: Bytes, length: Bytes): Buffer
  write(pseudo: string, offset: Bytes, bytes: Uint8Array): void
  /** The LUN itself: what a test compares. */
  raw(lun: string): Buffer
  setPaths(lun: string, state: 'alive' | 'dead', howMany: number): void
  stop(): void
}

const TICK = 50 // ms
const CHUNK = 1024 * 1024

export function hostIn(folder: string, described: readonly Lun[], rate: BytesPerSecond): Host {
  const luns = new Map(described.map(lun => [lun.name, lun]))
  const disks: Disks = disksIn(folder, described)
  const file = join(folder, 'state.json')
  let kept: Kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Kept)
    : { migrations: [], next: 1, behind: Object.fromEntries(described.map(lun => [lun.name, lun.name])) }
  let saved = 0

  const save = (): void => {
    const handle = openSync(`${file}.new`, 'w')
    writeSync(handle, JSON.stringify(kept))
    fsyncSync(handle)
    closeSync(handle)
    renameSync(`${file}.new`, file)
    saved = Date.now()
  }
  const replace = (changed: Migration): void => {
    kept = { ...kept, migrations: kept.migrations.map(one => (one.handle === changed.handle ? changed : one)) }
  }
  const find = (handle: number): Migration | undefined => kept.migrations.find(one => one.handle === handle)
  const must = (handle: number): Migration => {
    const found = find(handle)
    if (!found) throw new Error(`no migration ${handle}`)
    return found
  }
  const behind = (pseudo: string): string => kept.behind[pseudo] ?? pseudo
  const copy = (migration: Migration, length: Bytes): void => {
    let { copied } = migration
    for (const end = copied + length; copied < end; ) {
      const piece = Math.min(CHUNK, end - copied)
      disks.write(behind(migration.target), copied, disks.read(behind(migration.source), copied, piece))
      copied += piece
    }
    replace({ ...migration, copied, state: copied >= migration.bytes ? 'sourceSelected' : migration.state })
  }
  const advance = (seconds: number): void => {
    for (const migration of kept.migrations.filter(one => one.state === 'syncing')) {
      copy(
        migration,
        rate === Number.POSITIVE_INFINITY ? migration.bytes - migration.copied : allowance(migration, rate, seconds),
      )
      // A mark that is older than the truth is harmless: after a restart that part is copied once more.
      if (find(migration.handle)?.state !== 'syncing' || Date.now() - saved > 250) save()
    }
  }
  const timer = setInterval(() => advance(TICK / 1000), TICK)
  timer.unref()

  return {
    migrations: () => kept.migrations,
    find,
    lunOf: pseudo => luns.get(behind(pseudo)),
    pseudos: () => Object.keys(kept.behind),
    setup(source, target) {
      const handle = kept.next
      const bytes = luns.get(behind(source))?.bytes ?? 0
      kept = {
        ...kept,
        next: handle + 1,
        migrations: [...kept.migrations, { handle, source, target, state: 'setup', throttle: 2, copied: 0, bytes }],
      }
      save()
      return handle
    },
    move(handle, verb) {
      const migration = must(handle)
      const state = moved(migration, verb)
      if (state === undefined) throw new Error(`${verb} while ${migration.state}`)
      if (state === 'gone') {
        const { source, target } = migration
        const exchanged = migration.state === 'committed' ? { [source]: behind(target), [target]: behind(source) } : {}
        kept = {
          ...kept,
          behind: { ...kept.behind, ...exchanged },
          migrations: kept.migrations.filter(one => one.handle !== handle),
        }
      } else replace({ ...migration, state })
      if (rate === Number.POSITIVE_INFINITY) advance(0)
      save()
    },
    throttle(handle, level) {
      replace({ ...must(handle), throttle: level })
      save()
    },
    read(pseudo, offset, length) {
      const migration = kept.migrations.find(one => one.source === pseudo)
      return disks.read(behind(migration ? serves(migration) : pseudo), offset, length)
    },
    write(pseudo, offset, bytes) {
      const migration = kept.migrations.find(one => one.source === pseudo)
      if (kept.migrations.some(one => one.target === pseudo && one.state !== 'aborted'))
        throw new Error(`${pseudo} is write-disabled: it is the target of a migration`)
      const places = migration ? writes(migration, offset, bytes.length) : [{ disk: pseudo, length: bytes.length }]
      for (const { disk, length } of places) disks.write(behind(disk), offset, bytes.subarray(0, length))
    },
    raw: lun => disks.read(lun, 0, luns.get(lun)?.bytes ?? 0),
    setPaths(name, state, howMany) {
      const lun = luns.get(name)
      if (lun) luns.set(name, { ...lun, paths: lun.paths.map((path, at) => (at < howMany ? { ...path, state } : path)) })
    },
    stop() {
      clearInterval(timer)
      save()
      disks.close()
    },
  }
}
