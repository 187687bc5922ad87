import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import { type Bench, contract, type Scenario } from '../../src/kit/contract.ts'
import { parse } from '../../src/language/parse.ts'
import s3 from './index.ts'
import { type Simulation, type State, simulate } from './simulator.ts'

/** One folder for all files, because a scenario names its file before there is a simulation. */
const FOLDER = mkdtempSync(join(tmpdir(), 's3-contract-'))
const FILES = join(FOLDER, 'files')
const UP = join(FILES, 'up.bin')
const DOWN = join(FILES, 'down.bin')
const KEY = 'backup/sql01.bak'
const BYTES = Buffer.from('0123456789\n'.repeat(20))
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))

// The SDK loads half of itself at its first request: the deadlines of the suite are for S3, not for that.
beforeAll(async () => {
  const simulation = await simulate({ folder: mkdtempSync(join(FOLDER, 'warm-')) })
  const bucket = s3.connect(s3.settings.parse(simulation.settings), 'dr-s3' as Target)
  await s3.capabilities.objects.perform(bucket, {
    intent: 'R1/warm/1' as never,
    params: {},
    signal: AbortSignal.timeout(10_000),
    go: () => {},
  })
  await bucket.close()
  await simulation.stop()
})

const there = ({ shelf }: Simulation): void => {
  const sha256 = createHash('sha256').update(BYTES).digest('hex')
  shelf.objects.set(KEY, { bytes: BYTES, sent: undefined, modified: 1_795_171_808_000, meta: { 'x-amz-meta-sha256': sha256 } })
  shelf.keep()
}
const unfinished = ({ shelf }: Simulation): void => {
  shelf.uploads.set('VXBsb2FkIElE', { key: KEY, begun: 1_795_171_808_000, meta: {}, parts: new Map([[1, BYTES]]) })
  shelf.keep()
}

const field = (result: unknown, name: string): unknown => Object(result)[name]
const reading = (
  params: Params,
  holds: (result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({ params, ...(prepare ? { prepare } : {}), shows: ({ result }) => holds(result) })
const changing = (
  params: Params,
  holds: (now: State, result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({
  params,
  ...(prepare ? { prepare } : {}),
  shows: ({ after, result }) => holds(after as State, result),
})

const bench: Bench<Simulation> = {
  target: 'dr-s3',
  simulate: capability => {
    rmSync(FILES, { recursive: true, force: true })
    return simulate({
      folder: mkdtempSync(join(FOLDER, 'one-')),
      files: FILES,
      missing: capability === 'createBucket',
      readsCount: capability === 'download',
    })
  },
  scenarios: {
    bucket: reading(
      {},
      it => field(it, 'reachable') === true && field(it, 'versioning') === 'never' && field(it, 'skewSeconds') !== undefined,
    ),
    objects: reading({ prefix: 'backup/' }, it => field(it, 'count') === 1 && field(it, 'bytes') === BYTES.length, there),
    object: reading({ key: KEY }, it => field(it, 'bytes') === BYTES.length && field(it, 'storageClass') === 'STANDARD', there),
    checkObject: reading({ key: KEY }, it => field(it, 'state') === 'intact', there),
    uploads: reading({}, it => field(it, 'count') === 1 && field(it, 'bytes') === BYTES.length, unfinished),
    upload: changing(
      { file: UP, key: KEY },
      now => now.objects[KEY] !== undefined && Buffer.from(now.objects[KEY], 'base64').equals(BYTES.subarray(0, 75)),
      () => writeFileSync(UP, BYTES),
    ),
    download: changing(
      { key: KEY, file: DOWN },
      (now, result) =>
        now.files['down.bin'] === BYTES.length && readFileSync(DOWN).equals(BYTES) && field(result, 'state') === 'intact',
      there,
    ),
    deleteObject: changing({ key: KEY }, now => now.objects[KEY] === undefined && now.markers === 0, there),
    abortUpload: changing({ id: 'VXBsb2FkIElE', key: KEY }, now => now.uploads.length === 0, unfinished),
    createBucket: changing({}, now => now.exists),
    enableVersioning: changing({}, now => now.versioning === 'Enabled'),
    suspendVersioning: changing(
      {},
      now => now.versioning === 'Suspended',
      ({ shelf }) => {
        shelf.versioning = 'Enabled'
      },
    ),
  },
}

contract(s3, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: s3.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
