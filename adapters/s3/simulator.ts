import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Accepted, ledgerIn } from '../../src/kit/ledger.ts'
import { type Misbehave, mischief } from '../../src/kit/misbehave.ts'
import { serve, type Trouble } from './simulated/serve.ts'
import { type Shelf, shelfIn } from './simulated/shelf.ts'

export interface Options {
  readonly folder: string // the bucket, the files and the ledger; a second start in it is a restart
  readonly files?: string // the folder that may be sent from; `files` in it by default
  readonly missing?: boolean // the bucket is not there yet
  readonly readsCount?: boolean // reading an object is in the ledger too: a download changes no bucket, and makes a file of it
}

/** What a test looks at after a change: no clock in it, so that two equal states are equal. */
export interface State {
  readonly exists: boolean
  readonly versioning: string
  readonly markers: number
  readonly objects: Readonly<Record<string, string>> // how each begins, in Base64
  readonly uploads: readonly string[]
  readonly files: Readonly<Record<string, number>> // the bytes of each, on this machine
}

export interface Simulation {
  readonly settings: Readonly<Record<string, string>>
  readonly shelf: Shelf
  readonly files: string // the folder that may be sent from
  readonly requests: readonly string[]
  state(): State
  ledger(): readonly Accepted[]
  misbehave(knob: Misbehave): void
  /** What only an S3 does wrong, so many times. */
  fault(how: Trouble, times?: number): void
  /** Moves its clock away from ours. */
  skew(millis: number): void
  heal(): void
  stop(): Promise<void>
}

/** One bucket, `dr-vault`, with credentials of its own. */
export async function simulate({
  folder,
  files = join(folder, 'files'),
  missing = false,
  readsCount = false,
}: Options): Promise<Simulation> {
  mkdirSync(files, { recursive: true })
  const shelf = shelfIn(join(folder, 'bucket'), 'dr-vault')
  if (missing) shelf.exists = false
  const ledger = ledgerIn(folder)
  const requests: string[] = []
  let [away, faults]: [number, Map<Trouble, number>] = [0, new Map()]
  const accessKeyId = 'AKSIMULATED'
  const trouble = mischief(() => served.vanish())
  const served = await serve({
    shelf,
    accessKeyId,
    readsCount,
    now: () => Date.now() + away,
    heard: request => void requests.push(request),
    accept: ledger.accept,
    meets: trouble.next,
    faulty(how) {
      const left = faults.get(how) ?? 0
      if (left > 0) faults.set(how, left - 1)
      return left > 0
    },
  })
  return {
    settings: {
      endpoint: served.endpoint,
      bucket: shelf.bucket,
      accessKeyId,
      secretAccessKey: 'not-a-real-secret',
      folder: files,
    },
    shelf,
    files,
    requests,
    state: () => stateOf(shelf, files),
    ledger: ledger.all,
    misbehave: trouble.add,
    fault: (how, times = 1) => void faults.set(how, times),
    skew(millis) {
      away = millis
    },
    heal() {
      trouble.heal()
      faults = new Map()
      served.appear()
    },
    async stop() {
      await served.close()
      ledger.close()
    },
  }
}

const stateOf = ({ exists, versioning, markers, objects, uploads }: Shelf, files: string): State => ({
  exists,
  versioning,
  markers,
  objects: Object.fromEntries([...objects].map(([key, { bytes }]) => [key, bytes.toString('base64').slice(0, 100)])),
  uploads: [...uploads.values()].map(({ key }) => key).sort(),
  files: Object.fromEntries(readdirSync(files).map(name => [name, statSync(join(files, name)).size])),
})
