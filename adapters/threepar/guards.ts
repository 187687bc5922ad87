import { Refused } from '../../src/kit/errors.ts'
import type { HostPaths } from './hosts.ts'
import { serves } from './hosts.ts'
import type { Link, RemoteCopy, Target } from './rcopy.ts'
import type { Group } from './rcopy-groups.ts'
import { atWork, type Tasks } from './tasks.ts'

/** What this array knows about one group, read in one go. */
export interface Seen {
  readonly group: Group
  readonly remoteCopy: RemoteCopy
  readonly target?: Target
  readonly links: readonly Link[] // to the group's target, and this array's own ends
}

/** Throws Refused when the array has no such group, or the same name twice: then it has several targets, and none was named. */
export function seenOf(name: string, remoteCopy: RemoteCopy): Seen {
  const [group, ...more] = remoteCopy.groups.filter(one => one.group === name)
  if (!group)
    throw new Refused(
      `there is no remote copy group ${name} here; the groups are ${remoteCopy.groups.map(one => one.group).join(', ') || 'none'}`,
    )
  if (more.length > 0) throw new Refused(`${name} has several targets: do this by hand, and name the target`)
  const target = remoteCopy.targets.find(one => one.target === group.target)
  const links = remoteCopy.links.filter(one => one.target === group.target || one.target === 'receive')
  return { group, remoteCopy, links, ...(target === undefined ? {} : { target }) }
}

/** Start: where the group is Primary and does not run, the target answers, and nothing is Stale. */
export function guardStart({ group, remoteCopy, target, links }: Seen): void {
  refuse(group, 'start', [
    ...primary(group),
    ...(group.status === 'Started' ? ['it is started already'] : []),
    ...(group.status === 'Failsafe' ? ['it is in Failsafe: recover or restore it by hand, from the side that took over'] : []),
    ...(['Started', 'Failsafe', 'Stopped', 'New'].includes(group.status) ? [] : [`its status is ${group.status}`]),
    ...stale(group),
    ...running(remoteCopy),
    ...(target?.status === 'ready' ? [] : [`the target ${group.target} is ${target?.status ?? 'not listed'}`]),
    ...(target && !target.policies.includes('mirror_config')
      ? ['the target has no mirror_config: the secondary has to be started first, by hand']
      : []),
    ...(links.some(one => one.target === group.target && one.status === 'Up') ? [] : [`no link to ${group.target} is Up`]),
  ])
}

/** Stop: on the primary side, while it runs. */
export function guardStop({ group }: Seen): void {
  refuse(group, 'stop', [...primary(group), ...started(group)])
}

/** Sync: on the primary side, while it runs, and where there is something to send that is not on its way. */
export function guardSync({ group, remoteCopy }: Seen): void {
  refuse(group, 'sync', [
    ...primary(group),
    ...started(group),
    ...stale(group),
    ...running(remoteCopy),
    ...(group.volumes.some(one => one.status === 'Syncing') ? ['a volume of it is syncing now'] : []),
    ...(group.mode === 'Sync' && group.allSynced
      ? ['it is synchronous and every volume is Synced: there is nothing to send']
      : []),
  ])
}

/** What must hold right before a switchover, as far as this side can tell; also what a gate shows of the other side. */
export interface SwitchoverReady {
  readonly group: string
  readonly role: string
  readonly status: string
  readonly mode: string
  readonly worst?: string
  readonly volumes: number
  readonly volumesSynced: number
  readonly allSynced: boolean
  readonly pathManagement: boolean // the policy that makes it Peer Persistence
  readonly autoFailover: boolean
  readonly remoteCopy?: string // Started
  readonly health?: string // Normal
  readonly target?: string // ready
  readonly linksUp: number
  readonly linksNotUp: number
  readonly tasksAtWork: number
  readonly pathsServing: number
  readonly pathsStandby: number
  readonly volumesWithoutPath: number // no host sees them through this array
  readonly volumesServed: number // at least one path that carries I/O
  readonly fewestStandby: number // of the volume that has the fewest: 2 are wanted on the side that takes over
}

export function switchoverReadyOf(seen: Seen, tasks: Tasks, { paths }: HostPaths): SwitchoverReady {
  const { group, remoteCopy, target, links } = seen
  const mine = group.volumes.map(one => paths.filter(path => path.volume === one.volume))
  const standby = mine.map(some => some.filter(path => path.status === 'standby').length)
  const linksUp = links.filter(one => one.status === 'Up').length
  return {
    ...{ group: group.group, role: group.role, status: group.status, mode: group.mode },
    ...(group.worst === undefined ? {} : { worst: group.worst }),
    volumes: group.count,
    volumesSynced: group.synced,
    allSynced: group.allSynced,
    pathManagement: group.policies.includes('path_management'),
    autoFailover: group.policies.includes('auto_failover'),
    ...(remoteCopy.status === undefined ? {} : { remoteCopy: remoteCopy.status }),
    ...(remoteCopy.health === undefined ? {} : { health: remoteCopy.health }),
    ...(target === undefined ? {} : { target: target.status }),
    linksUp,
    linksNotUp: links.length - linksUp,
    tasksAtWork: atWork(tasks, group.group).length,
    pathsServing: mine.flat().filter(serves).length,
    pathsStandby: standby.reduce((sum, one) => sum + one, 0),
    volumesWithoutPath: mine.filter(some => some.length === 0).length,
    volumesServed: mine.filter(some => some.some(serves)).length,
    fewestStandby: standby.length === 0 ? 0 : Math.min(...standby),
  }
}

/** Throws Refused with everything that is in the way. The standby paths are on the other array: a gate asks it. */
export function guardSwitchover(seen: Seen, ready: SwitchoverReady): void {
  const { group, remoteCopy } = seen
  refuse(group, 'switchover', [
    ...primary(group),
    ...started(group),
    ...(group.mode === 'Sync' ? [] : [`it is ${group.mode}, and only a synchronous group can be switched over`]),
    ...(ready.pathManagement ? [] : ['it has no policy path_management: it is not Peer Persistence']),
    ...(ready.allSynced
      ? []
      : [
          `${ready.volumes - ready.volumesSynced} of ${ready.volumes} volumes are not Synced, the worst is ${ready.worst ?? 'unknown'}`,
        ]),
    ...running(remoteCopy),
    ...(remoteCopy.health === 'Normal' ? [] : [`the health of remote copy is ${remoteCopy.health ?? 'unknown'}`]),
    ...(ready.target === 'ready' ? [] : [`the target ${group.target} is ${ready.target ?? 'not listed'}`]),
    ...(ready.linksNotUp > 0 ? [`${ready.linksNotUp} of ${ready.linksUp + ready.linksNotUp} links are not Up`] : []),
    ...(seen.links.some(one => one.target === group.target) ? [] : [`there is no link to ${group.target}`]),
    ...(ready.tasksAtWork > 0 ? [`${ready.tasksAtWork} tasks are at work on it`] : []),
    ...(ready.volumesServed < ready.volumes
      ? [`${ready.volumes - ready.volumesServed} of its volumes have no path to a host that serves here`]
      : []),
  ])
}

const primary = ({ role, target }: Group): readonly string[] =>
  role === 'Primary'
    ? []
    : role === 'Secondary'
      ? [`it is Secondary here: ask the array on which it is Primary (${target} is its target)`]
      : [`its role is ${role}: a failover was not finished, recover or restore it by hand`]
const started = ({ status }: Group): readonly string[] => (status === 'Started' ? [] : [`its status is ${status}, not Started`])
const stale = ({ volumes }: Group): readonly string[] =>
  volumes.some(one => one.status === 'Stale') ? ['a volume of it is Stale: call support, and do not try again'] : []
const running = ({ status }: RemoteCopy): readonly string[] =>
  status === 'Started' ? [] : [`remote copy is ${status ?? 'not configured'} on this array`]

const DONE = { start: 'started', stop: 'stopped', sync: 'synced', switchover: 'switched over' } as const

function refuse({ group }: Group, verb: keyof typeof DONE, reasons: readonly string[]): void {
  if (reasons.length > 0) throw new Refused(`${group} cannot be ${DONE[verb]}: ${reasons.join('; ')}`)
}
