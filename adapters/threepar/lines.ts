import type { HostPaths } from './hosts.ts'
import type { Link, Target } from './rcopy.ts'
import type { Group, Volume } from './rcopy-groups.ts'

/** What people read of the answers, a line for each thing. */
export const groupLine = (one: Group): string =>
  [
    `group ${one.group}: ${one.role}, ${one.status}, ${one.mode} to ${one.target}`,
    one.count === 0 ? 'no volumes' : `${one.synced} of ${one.count} volumes Synced`,
    ...(one.allSynced || one.worst === undefined ? [] : [`worst ${one.worst}`]),
    ...(one.allSynced || one.percent === undefined ? [] : [`${one.percent} % done`]),
  ].join(', ')

export const volumeLine = (one: Volume): string =>
  [
    `${one.volume} to ${one.remote}: ${one.status}`,
    ...(one.percent === undefined ? [] : [`${one.percent} %`]),
    ...(one.lastSync === undefined ? [] : [`last sync ${one.lastSync}`]),
  ].join(', ')

export const targetLine = (one: Target): string =>
  `target ${one.target} (${one.type}): ${one.status}${one.policies.length === 0 ? '' : `, ${one.policies.join(', ')}`}`

export const linkLine = (one: Link): string =>
  `link ${one.target} at ${one.node}${one.address === undefined ? '' : ` to ${one.address}`}: ${one.status}${one.options === undefined ? '' : `, ${one.options}`}`

export const hostLines = ({ hosts }: HostPaths): readonly string[] =>
  hosts.length === 0
    ? ['no path']
    : hosts.map(one => `host ${one.host}: ${one.total} paths, ${one.serving} serving, ${one.standby} standby`)
