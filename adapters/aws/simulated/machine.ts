import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { No } from './query.ts'

export interface Instance {
  readonly id: string
  state: string
  readonly type: string
  readonly zone: string
  readonly image: string
  readonly subnet: string
  readonly rootDevice: string
  readonly rootType: 'ebs' | 'instance-store'
  publicIp?: string
  readonly elastic?: boolean
  readonly marketplace?: boolean
  checks: string
  readonly deletes: Record<string, boolean> // by volume: delete on termination
  readonly tags: Record<string, string>
}

export interface Volume {
  readonly id: string
  state: string
  readonly gib: number
  readonly zone: string
  readonly type: string
  readonly iops?: number
  readonly throughput?: number
  readonly snapshot?: string
  readonly encrypted: boolean
  readonly key?: string
  attachment?: { readonly instance: string; readonly device: string; state: string }
  readonly blocks: Record<number, string>
  readonly tags: Record<string, string>
}

export interface Snapshot {
  readonly id: string
  state: string
  progress: number
  readonly gib: number
  readonly volume?: string
  readonly parent?: string
  readonly description: string
  readonly tags: Record<string, string>
  /** SHA-256 of each block, those of the parent included: what is not named is zeros. */
  readonly blocks: Record<number, string>
  /** Of a snapshot that is being written: which blocks were put into it, and whether it is complete. */
  readonly written: Record<number, string>
  open: boolean
}

export interface Image {
  readonly id: string
  readonly name: string
  state: string
  readonly architecture: string
  readonly boot?: string
  readonly disks: readonly { readonly device: string; readonly snapshot: string }[]
  readonly tags: Record<string, string>
}

export interface Task {
  readonly id: string
  state: string
  says: string
  progress: number
  readonly source: string
  image?: string
}

export interface Kept {
  made: number
  readonly instances: Record<string, Instance>
  readonly volumes: Record<string, Volume>
  readonly snapshots: Record<string, Snapshot>
  readonly images: Record<string, Image>
  readonly tasks: Record<string, Task>
  readonly tokens: Record<string, { readonly asked: string; readonly id: string }>
}

/** EC2 and EBS of one region, in a folder: state.json, and each block under its SHA-256. */
export interface Machine extends Kept {
  next(prefix: string): string
  /** What a client token stands for; a no when it was said of something else. */
  once(token: string | undefined, asked: string, make: () => string): string
  putBlock(bytes: Buffer): string
  block(sha256: string): Buffer
  /** Hidden from the next looks, because EC2 is eventually consistent. */
  hidden(id: string): boolean
  lag(looks: number): void
  keep(): void
}

export function machineIn(folder: string, first: () => Omit<Kept, 'made' | 'tokens'>): Machine {
  const blocks = join(folder, 'blocks')
  mkdirSync(blocks, { recursive: true })
  const file = join(folder, 'state.json')
  const kept: Kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : { made: 0, tokens: {}, ...first() }
  const unseen = new Map<string, number>()
  let looks = 0
  const machine: Machine = {
    ...kept,
    next(prefix) {
      machine.made++
      const id = `${prefix}-${createHash('sha256').update(`${prefix}${machine.made}`).digest('hex').slice(0, 17)}`
      if (looks > 0) unseen.set(id, looks)
      return id
    },
    once(token, asked, make) {
      const known = token === undefined ? undefined : machine.tokens[token]
      if (known && known.asked !== asked)
        throw new No('IdempotentParameterMismatch', 'The client token was used with other parameters')
      if (known) return known.id
      const id = make()
      if (token !== undefined) machine.tokens[token] = { asked, id }
      return id
    },
    putBlock(bytes) {
      const name = createHash('sha256').update(bytes).digest('hex')
      if (!existsSync(join(blocks, name))) writeFileSync(join(blocks, name), bytes)
      return name
    },
    block: sha256 => readFileSync(join(blocks, sha256)),
    hidden(id) {
      const left = unseen.get(id) ?? 0
      if (left > 0) unseen.set(id, left - 1)
      return left > 0
    },
    lag(count) {
      looks = count
    },
    keep() {
      const { made, instances, volumes, snapshots, images, tasks, tokens } = machine
      writeFileSync(`${file}.part`, JSON.stringify({ made, instances, volumes, snapshots, images, tasks, tokens } satisfies Kept))
      renameSync(`${file}.part`, file)
    },
  }
  return machine
}

const INSTANCE: Readonly<Record<string, string>> = { pending: 'running', stopping: 'stopped', 'shutting-down': 'terminated' }
const SAYS = ['pending', 'validated', 'converting', 'updating', 'booting', 'preparing ami']

/** One tick of its clock: everything that is under way comes one step further. */
export function push(machine: Machine): void {
  for (const one of Object.values(machine.instances)) {
    one.checks = one.state === 'running' && one.checks !== 'impaired' ? 'ok' : one.checks
    one.state = INSTANCE[one.state] ?? one.state
    if (one.state !== 'running') one.checks = 'not-applicable'
    if (one.state === 'stopped' && !one.elastic) delete one.publicIp
  }
  for (const one of Object.values(machine.volumes)) {
    if (one.state === 'deleting') delete machine.volumes[one.id]
    else if (one.state === 'creating') one.state = 'available'
    if (one.attachment?.state === 'attaching') one.attachment.state = 'attached'
    if (one.attachment?.state === 'detaching') {
      delete one.attachment
      one.state = 'available'
    }
  }
  for (const one of Object.values(machine.snapshots)) {
    if (one.state !== 'pending' || one.open) continue
    one.progress = Math.min(100, one.progress + 50)
    if (one.progress === 100) one.state = 'completed'
  }
  for (const one of Object.values(machine.images)) if (one.state === 'pending') one.state = 'available'
  for (const one of Object.values(machine.tasks)) step(machine, one)
}

function step(machine: Machine, one: Task): void {
  if (one.state === 'deleting') one.state = 'deleted'
  if (one.state !== 'active') return
  const said = SAYS[SAYS.indexOf(one.says) + 1]
  one.progress = Math.min(99, one.progress + 18)
  if (said !== undefined) {
    one.says = said
    return
  }
  const [id, snapshot] = [machine.next('ami'), machine.next('snap')]
  const description = `Created by AWS-VMImport for ${one.id}`
  const still = { state: 'completed', progress: 100, gib: 40, tags: {}, blocks: {}, written: {}, open: false }
  machine.snapshots[snapshot] = { id: snapshot, description, ...still }
  const disks = [{ device: '/dev/sda1', snapshot }]
  machine.images[id] = { id, name: one.id, state: 'available', architecture: 'x86_64', disks, tags: {} }
  Object.assign(one, { state: 'completed', says: '', progress: 100, image: id })
}
