import { capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { shown } from '../../src/kit/quote.ts'
import { cli } from './commands.ts'
import { seenOf, switchoverReadyOf } from './guards.ts'
import { groupLine, hostLines, linkLine, targetLine, volumeLine } from './lines.ts'
import { Nothing, OneGroup, OneHost } from './params.ts'
import type { StoreServ } from './wire.ts'

const on = capability<StoreServ>()

export const remoteCopy = on({
  summary:
    'Show all of remote copy: its state, the targets, the links and the groups, and how many of each are not as they should be.',
  examples: ['show remote copy on array01'],
  params: Nothing,
  says: target => `show remote copy on ${target}`,
  sends: () => [shown(cli.remoteCopy())],
  effect: 'read',
  perform: (array, { signal }) => array.remoteCopy(signal),
  shows: found => [
    `remote copy: ${found.status === undefined ? 'not configured' : [found.status, found.health].filter(Boolean).join(', ')}`,
    ...found.targets.map(targetLine),
    ...found.links.map(linkLine),
    ...found.groups.map(groupLine),
  ],
})

export const groups = on({
  summary: 'Show the remote copy groups, each with its worst volume.',
  examples: ['show remote copy groups on array01'],
  params: Nothing,
  says: target => `show remote copy groups on ${target}`,
  sends: () => [shown(cli.groups())],
  effect: 'read',
  perform: (array, { signal }) => array.groups(signal),
  shows: found => (found.count === 0 ? ['remote copy is not configured'] : found.groups.map(groupLine)),
})

export const group = on({
  summary: 'Show one remote copy group with its volumes, under the name that this array has for it.',
  examples: ['show remote copy group rcg_sql01 on array01'],
  params: OneGroup,
  says: (target, { group }) => `show remote copy group ${group} on ${target}`,
  sends: ({ group }) => [shown(cli.group(group))],
  effect: 'read',
  perform: async (array, { params, signal }) => {
    const found = await array.find(params.group, signal)
    if (!found)
      throw new Refused(
        `there is no remote copy group ${params.group} on this array; on the partner its name ends in .r and a number`,
      )
    return found
  },
  shows: found => [groupLine(found), ...found.volumes.map(volumeLine)],
  progress: ({ percent, status, worst }) => ({
    ...(percent === undefined ? {} : { done: percent / 100 }),
    note: [status, worst].filter(Boolean).join(', '),
  }),
})

export const targets = on({
  summary: 'Show the remote copy targets.',
  examples: ['show remote copy targets on array01'],
  params: Nothing,
  says: target => `show remote copy targets on ${target}`,
  sends: () => [shown(cli.targets())],
  effect: 'read',
  perform: (array, { signal }) => array.targets(signal),
  shows: found => (found.count === 0 ? ['remote copy is not configured'] : found.targets.map(targetLine)),
})

export const links = on({
  summary: 'Show the remote copy links, those to the targets and the ends of this array.',
  examples: ['show remote copy links on array01'],
  params: Nothing,
  says: target => `show remote copy links on ${target}`,
  sends: () => [shown(cli.links())],
  effect: 'read',
  perform: (array, { signal }) => array.links(signal),
  shows: found => (found.count === 0 ? ['remote copy is not configured'] : found.links.map(linkLine)),
})

export const rcipPorts = on({
  summary: 'Show the ports for remote copy over IP.',
  examples: ['show remote copy ports on array01'],
  params: Nothing,
  says: target => `show remote copy ports on ${target}`,
  sends: () => [shown(cli.rcipPorts())],
  effect: 'read',
  perform: (array, { signal }) => array.rcipPorts(signal),
  shows: found =>
    found.count === 0
      ? ['there are none']
      : found.ports.map(
          one => `${one.port} ${one.address ?? 'without an address'}: ${one.state}${one.rate ? `, ${one.rate}` : ''}`,
        ),
})

export const hostPaths = on({
  summary: 'Show through how many paths each host sees its volumes on this array: those that serve, and those in standby.',
  examples: ['show host paths on array01'],
  params: Nothing,
  says: target => `show host paths on ${target}`,
  sends: () => [shown(cli.hostPaths())],
  effect: 'read',
  perform: (array, { signal }) => array.hostPaths(signal),
  shows: hostLines,
})

export const hostPathsOf = on({
  summary: 'Show the paths of one host on this array.',
  examples: ['show host paths of esx01 on array01'],
  params: OneHost,
  says: (target, { host }) => `show host paths of ${host} on ${target}`,
  sends: ({ host }) => [shown(cli.hostPathsOf(host))],
  effect: 'read',
  perform: (array, { params, signal }) => array.hostPaths(signal, params.host),
  shows: found => [
    ...hostLines(found),
    ...found.paths.map(path => `${path.volume} as LUN ${path.lun} by ${path.port}: ${path.status ?? 'status unknown'}`),
  ],
})

export const system = on({
  summary: 'Show the array: its name, model, serial number and capacity.',
  examples: ['show system on array01'],
  params: Nothing,
  says: target => `show system on ${target}`,
  sends: () => [shown(cli.system())],
  effect: 'read',
  perform: (array, { signal }) => array.system(signal),
})

export const version = on({
  summary: 'Show the release of the operating system, and its patches.',
  examples: ['show version on array01'],
  params: Nothing,
  says: target => `show version on ${target}`,
  sends: () => [shown(cli.version())],
  effect: 'read',
  perform: (array, { signal }) => array.version(signal),
})

export const nodes = on({
  summary: 'Show the controller nodes.',
  examples: ['show nodes on array01'],
  params: Nothing,
  says: target => `show nodes on ${target}`,
  sends: () => [shown(cli.nodes()), shown(cli.system())],
  effect: 'read',
  perform: (array, { signal }) => array.nodes(signal),
  shows: found =>
    found.nodes.map(one => `node ${one.node}: ${one.state}${one.detail && one.detail !== one.state ? `, ${one.detail}` : ''}`),
})

export const powerSupplies = on({
  summary: 'Show the power supplies of the nodes and their batteries.',
  examples: ['show power supplies on array01'],
  params: Nothing,
  says: target => `show power supplies on ${target}`,
  sends: () => [shown(cli.powerSupplies())],
  effect: 'read',
  perform: (array, { signal }) => array.powerSupplies(signal),
  shows: found =>
    found.supplies.map(
      one =>
        `power supply ${one.supply} of node ${one.nodes.join(' and ')}: ${one.state}${one.charge === undefined ? '' : `, battery at ${one.charge} %`}`,
    ),
})

export const webApi = on({
  summary: 'Show whether the web API of the array is on.',
  examples: ['show web api on array01'],
  params: Nothing,
  says: target => `show web api on ${target}`,
  sends: () => [shown(cli.webApi())],
  effect: 'read',
  perform: (array, { signal }) => array.webApi(signal),
})

export const tasks = on({
  summary: 'Show the tasks of the array.',
  examples: ['show tasks on array01'],
  params: Nothing,
  says: target => `show tasks on ${target}`,
  sends: () => [shown(cli.tasks())],
  effect: 'read',
  perform: (array, { signal }) => array.tasks(signal),
  shows: found =>
    found.count === 0 ? ['no task'] : found.tasks.map(one => `task ${one.task} ${one.type} ${one.name}: ${one.status}`),
})

export const switchoverReady = on({
  summary:
    'Check what must hold before a switchover, as far as this array sees it. Ask both arrays: each sees its own half of the paths.',
  examples: ['check switchover of remote copy group rcg_sql01 on array01'],
  params: OneGroup,
  says: (target, { group }) => `check switchover of remote copy group ${group} on ${target}`,
  sends: () => [shown(cli.remoteCopy()), shown(cli.tasks()), shown(cli.hostPaths())],
  effect: 'read',
  perform: async (array, { params, signal }) => {
    const seen = seenOf(params.group, await array.remoteCopy(signal))
    return switchoverReadyOf(seen, await array.tasks(signal), await array.hostPaths(signal))
  },
})
