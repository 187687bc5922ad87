import { Refused } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'
import type { Session } from './powermig.ts'
import type { MultipathDevice } from './powermt.ts'
import type { Layout } from './wire.ts'

/** What the host can tell before a migration (devices/powerpath.md section 5, step 0). What it cannot tell is absent. */
export interface Preflight {
  readonly source: string
  readonly target: string
  readonly sourceIdentity: string // array serial and device id: what people confirm
  readonly targetIdentity: string
  readonly differentDisks: boolean
  readonly sourceBytes?: Bytes
  readonly targetBytes?: Bytes
  readonly targetBigEnough?: boolean
  readonly targetEmpty?: boolean
  readonly sourcePathsAlive: number
  readonly sourcePathsDead: number
  readonly targetPathsAlive: number
  readonly targetPathsDead: number
  readonly sessionsOnDisks: number // other sessions that hold one of them
}

export interface Disk {
  readonly name: string
  readonly device: MultipathDevice
  readonly layout: Layout
}

export function preflightOf(source: Disk, target: Disk, sessions: readonly Session[]): Preflight {
  const [from, to] = [source.layout.bytes, target.layout.bytes]
  const disks = [source.name, target.name]
  return {
    source: source.name,
    target: target.name,
    sourceIdentity: identity(source.device),
    targetIdentity: identity(target.device),
    differentDisks: source.name !== target.name && identity(source.device) !== identity(target.device),
    ...(from === undefined ? {} : { sourceBytes: from }),
    ...(to === undefined ? {} : { targetBytes: to }),
    ...(from === undefined || to === undefined ? {} : { targetBigEnough: to >= from }),
    ...(target.layout.empty === undefined ? {} : { targetEmpty: target.layout.empty }),
    sourcePathsAlive: source.device.alive,
    sourcePathsDead: source.device.dead,
    targetPathsAlive: target.device.alive,
    targetPathsDead: target.device.dead,
    sessionsOnDisks: sessions.filter(one => disks.includes(one.source) || disks.includes(one.target)).length,
  }
}

/** Throws Refused for a setup that would copy over something else. What is unknown is not refused here: it is a gate's fact. */
export function guardSetup(checked: Preflight): void {
  if (!checked.differentDisks)
    throw new Refused(`${checked.source} and ${checked.target} are the same disk (${checked.sourceIdentity})`)
  if (checked.targetBigEnough === false)
    throw new Refused(
      `${checked.target} has ${checked.targetBytes} bytes, and ${checked.source} has ${checked.sourceBytes}: the target is too small`,
    )
  if (checked.targetEmpty === false)
    throw new Refused(`${checked.target} is not empty: it has a partition table or a file system`)
  if (checked.targetPathsAlive === 0) throw new Refused(`${checked.target} has no path that is alive`)
}

const identity = ({ product, array, device }: MultipathDevice): string =>
  [product, array, device].filter(part => part !== undefined).join(' ')

/** What must hold right before the target is selected (section 5, step 4). */
export interface CutoverReady {
  readonly session: number
  readonly state: string
  readonly sourceSelected: boolean
  readonly source: string
  readonly target: string
  readonly targetPathsAlive: number
  readonly targetPathsDead: number
  readonly targetPathErrors?: number // counters never go back to 0 by themselves: they must not grow
  readonly sourcePathsAlive: number
  readonly sourcePathsDead: number
}

export function cutoverReadyOf(session: Session, source: MultipathDevice, target: MultipathDevice): CutoverReady {
  const errors = target.paths.map(path => path.errors)
  return {
    session: session.session,
    state: session.state,
    sourceSelected: session.state === 'sourceSelected',
    source: session.source,
    target: session.target,
    targetPathsAlive: target.alive,
    targetPathsDead: target.dead,
    ...(errors.some(count => count === undefined)
      ? {}
      : { targetPathErrors: errors.reduce<number>((sum, count) => sum + (count ?? 0), 0) }),
    sourcePathsAlive: source.alive,
    sourcePathsDead: source.dead,
  }
}
