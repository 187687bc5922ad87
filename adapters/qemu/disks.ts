import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { Refused } from '../../src/kit/errors.ts'
import { change } from './change.ts'
import { guardFreeJob } from './guards.ts'
import { File, Id, OneNode, Where } from './params.ts'
import { jobIn, nodeIn, type View } from './view.ts'

const absentNode = (now: View, node: string): void => {
  if (now.nodes.some(one => one.node === node)) throw new Refused(`there is a node ${node} already: take another name`)
}
const presence = (now: View, { node }: { readonly node: string }): string =>
  now.nodes.some(one => one.node === node) ? 'there' : 'absent'

export const attachFile = change({
  summary: 'Attach an image file that exists. An overlay is an empty qcow2 for a snapshot, or over a node for a frozen copy.',
  examples: [
    'attach raw file /srv/new0.img as new0 on vm01',
    'attach qcow2 file /srv/new0.qcow2 as new0 on vm01',
    'attach overlay file /srv/ov0.qcow2 as ov0 on vm01',
    'attach overlay file /srv/fl0.qcow2 as fl0 over disk0 on vm01',
  ],
  params: z.object({ file: File, node: Id, format: z.enum(['raw', 'qcow2', 'overlay']), over: Id.optional() }),
  risk: 'routine',
  says: (host, { file, node, format, over }) =>
    `attach ${format} file ${file} as ${node}${over === undefined ? '' : ` over ${over}`} on ${host}`,
  command: ({ file, node, format, over }) => ({
    execute: 'blockdev-add',
    args: {
      driver: format === 'raw' ? 'raw' : 'qcow2',
      'node-name': node,
      file: { driver: 'file', filename: file },
      ...(format === 'overlay' ? { backing: over ?? null } : {}),
    },
  }),
  claims: ({ node }) => [exclusive('node', node)],
  guard: (now, { file, node, over }) => {
    absentNode(now, node)
    if (over !== undefined) nodeIn(now, over)
    const same = now.nodes.find(one => one.file === file)
    if (same) throw new Refused(`${file} is open already, as node ${same.node}: two nodes on one file destroy it`)
  },
  stands: presence,
  from: ['absent'],
  to: ['there'],
  result: (after, { node }) => ({ node, bytes: nodeIn(after, node).bytes, driver: nodeIn(after, node).driver }),
})

export const attachNbd = change({
  summary: 'Attach an NBD export, by a socket of that machine or by host and port.',
  examples: ['attach nbd /run/array2.sock as new0 on vm01', 'attach nbd 192.0.2.7:10809 export lun0 as new0 on vm01'],
  params: z.object({ where: Where, export: Id.optional(), node: Id }),
  risk: 'routine',
  says: (host, { where, export: named, node }) =>
    `attach nbd ${where}${named === undefined ? '' : ` export ${named}`} as ${node} on ${host}`,
  command: ({ where, export: named, node }) => ({
    execute: 'blockdev-add',
    args: {
      driver: 'nbd',
      'node-name': node,
      server: where.startsWith('/')
        ? { type: 'unix', path: where }
        : { type: 'inet', host: where.slice(0, where.lastIndexOf(':')), port: where.slice(where.lastIndexOf(':') + 1) },
      export: named ?? '',
      'reconnect-delay': 5,
    },
  }),
  claims: ({ node }) => [exclusive('node', node)],
  guard: (now, { node }) => absentNode(now, node),
  stands: presence,
  from: ['absent'],
  to: ['there'],
  result: (after, { node }) => ({ node, bytes: nodeIn(after, node).bytes, driver: nodeIn(after, node).driver }),
})

export const detach = change({
  summary: 'Close a node that nothing uses. The file stays.',
  examples: ['detach node new0 on vm01'],
  params: OneNode,
  risk: 'disruptive',
  says: (host, { node }) => `detach node ${node} on ${host}`,
  command: ({ node }) => ({ execute: 'blockdev-del', args: { 'node-name': node } }),
  claims: ({ node }) => [exclusive('node', node)],
  guard: (now, { node }) => {
    nodeIn(now, node)
    const served = now.exports.find(one => one.node === node)
    if (served) throw new Refused(`${node} is in use: export ${served.export} serves it`)
  },
  stands: presence,
  from: ['there'],
  to: ['absent'],
  result: (_, { node }) => ({ node }),
})

export const snapshot = change({
  summary: 'Take an external snapshot: the disk stays as it is, and writes go to an empty overlay from here on.',
  examples: ['snapshot disk0 into ov0 on vm01'],
  params: z.object({ node: Id, overlay: Id }),
  risk: 'disruptive',
  says: (host, { node, overlay }) => `snapshot ${node} into ${overlay} on ${host}`,
  command: ({ node, overlay }) => ({ execute: 'blockdev-snapshot', args: { node, overlay } }),
  claims: ({ node, overlay }) => [exclusive('node', node), exclusive('node', overlay)],
  guard: (now, { node, overlay }) => {
    const [below, above] = [nodeIn(now, node), nodeIn(now, overlay)]
    if (above.backing !== undefined) throw new Refused(`${overlay} stands on ${above.backing} already`)
    if (above.driver !== 'qcow2') throw new Refused(`${overlay} is ${above.driver}, and an overlay is qcow2`)
    if (above.bytes !== below.bytes)
      throw new Refused(`${overlay} has ${above.bytes} bytes and ${node} has ${below.bytes}: they must be the same`)
    const over = now.nodes.find(one => one.backing === node)
    if (over) throw new Refused(`${node} is below ${over.node} already: snapshot ${over.node}`)
  },
  stands: (now, { node, overlay }) => {
    const backing = now.nodes.find(one => one.node === overlay)?.backing
    return backing === node ? 'taken' : backing === undefined ? 'none' : `on ${backing}`
  },
  from: ['none'],
  to: ['taken'],
  result: (_, { node, overlay }) => ({ snapshot: node, live: overlay }),
})

export const commit = change({
  summary: 'Begin to write an overlay back into the disk below it. It ends in ready; finish it then.',
  examples: ['commit overlay ov0 as job cm1 on vm01'],
  params: z.object({ overlay: Id, job: Id }),
  risk: 'destructive', // the snapshot below is written over
  says: (host, { overlay, job }) => `commit overlay ${overlay} as job ${job} on ${host}`,
  command: ({ overlay, job }) => ({
    execute: 'block-commit',
    args: { 'job-id': job, device: overlay, 'on-error': 'stop', 'auto-dismiss': false },
  }),
  claims: ({ overlay, job }) => [exclusive('node', overlay), exclusive('job', job)],
  guard: (now, { overlay, job }) => {
    guardFreeJob(now, job)
    const { backing } = nodeIn(now, overlay)
    if (backing === undefined) throw new Refused(`${overlay} stands on nothing: there is nothing to commit to`)
    const other = now.nodes.find(one => one.backing === backing && one.node !== overlay)
    if (other) throw new Refused(`${other.node} stands on ${backing} too, and would be spoilt`)
  },
  stands: (now, { job }) => (jobIn(now, job) ? 'there' : 'absent'),
  from: ['absent'],
  to: ['there'],
  result: (after, { job, overlay }) => ({ job, overlay, state: jobIn(after, job)?.state ?? 'absent' }),
})

const served = (now: View, { export: id }: { readonly export: string }): string =>
  now.exports.some(one => one.export === id) ? 'there' : 'absent'

export const exportNode = change({
  summary: 'Serve a node by NBD, to be read only, for a copy or a sync.',
  examples: ['export node fl0 as pit0 on vm01'],
  params: z.object({ node: Id, export: Id }),
  risk: 'routine',
  says: (host, { node, export: id }) => `export node ${node} as ${id} on ${host}`,
  command: ({ node, export: id }) => ({
    execute: 'block-export-add',
    args: { type: 'nbd', id, 'node-name': node, name: id, writable: false },
  }),
  claims: ({ export: id }) => [exclusive('export', id)],
  guard: (now, { node, export: id }) => {
    nodeIn(now, node)
    if (served(now, { export: id }) === 'there') throw new Refused(`there is an export ${id} already`)
  },
  stands: served,
  from: ['absent'],
  to: ['there'],
  result: (_, { node, export: id }) => ({ node, export: id }),
})

export const stopExport = change({
  summary: 'Stop an export. Whoever reads or writes through it is cut off.',
  examples: ['stop export pit0 on vm01'],
  params: z.object({ export: Id }),
  risk: 'disruptive',
  says: (host, { export: id }) => `stop export ${id} on ${host}`,
  command: ({ export: id }) => ({ execute: 'block-export-del', args: { id, mode: 'hard' } }),
  claims: ({ export: id }) => [exclusive('export', id)],
  guard: (now, { export: id }) => {
    if (served(now, { export: id }) === 'absent') throw new Refused(`there is no export ${id}`)
  },
  stands: served,
  from: ['there'],
  to: ['absent'],
  settles: 5_000,
  result: (_, { export: id }) => ({ export: id }),
})
