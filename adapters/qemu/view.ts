import { Refused } from '../../src/kit/errors.ts'
import type { Bytes, BytesPerSecond } from '../../src/kit/units.ts'
import {
  type BitmapAnswer,
  type BlockJobAnswer,
  blockJobsIn,
  devicesIn,
  exportsIn,
  type GraphAnswer,
  graphIn,
  type JobAnswer,
  jobsIn,
  type NodeAnswer,
  nodesIn,
} from './answers.ts'
import { ASK_DEVICES, type Device, devicesOf } from './devices.ts'
import type { Command, Monitor } from './wire.ts'

/** A job of QEMU's block layer, in one word: `fault` is one that stopped itself at an I/O error. */
export interface Job {
  readonly job: string
  readonly type: string
  readonly state: string
  readonly copied?: Bytes
  readonly total?: Bytes // grows while people write
  readonly speed?: BytesPerSecond // the limit; 0 is none
  readonly fault?: 'failed' | 'nospace'
  readonly error?: string
  readonly source?: string // not for a job that has ended
  readonly target?: string
}

export interface Bitmap {
  readonly bitmap: string
  readonly node: string
  readonly dirty: Bytes
  readonly granularity: Bytes
  readonly recording: boolean
  readonly persistent: boolean
  readonly busy: boolean
  readonly usable: boolean // false: QEMU was not ended in an orderly way, and only a full sync is right
}

export interface Node {
  readonly node: string
  readonly driver: string
  readonly file: string
  readonly bytes: Bytes
  readonly readOnly: boolean
  readonly backing?: string
  readonly bitmaps: readonly Bitmap[]
}

export interface Export {
  readonly export: string
  readonly type: string
  readonly node: string
}

/** Everything that a guard or a doubt asks for. */
export interface View {
  readonly jobs: readonly Job[]
  readonly nodes: readonly Node[]
  readonly exports: readonly Export[]
  readonly devices: readonly Device[]
}

const plain = (execute: string): Command => ({ execute, args: {} })
export const ASKS = {
  nodes: { execute: 'query-named-block-nodes', args: { flat: true } },
  blockJobs: plain('query-block-jobs'),
  jobs: plain('query-jobs'),
  exports: plain('query-block-exports'),
  graph: plain('x-debug-query-block-graph'),
  version: plain('query-version'),
} as const satisfies Readonly<Record<string, Command>>

export async function view(monitor: Monitor, signal: AbortSignal): Promise<View> {
  const nodes = await monitor.ask(ASKS.nodes, nodesIn, signal)
  const exports = await monitor.ask(ASKS.exports, exportsIn, signal)
  const devices = devicesOf(await monitor.ask(ASK_DEVICES, devicesIn, signal))
  const blockJobs = await monitor.ask(ASKS.blockJobs, blockJobsIn, signal)
  const jobs = await monitor.ask(ASKS.jobs, jobsIn, signal)
  const edges = edgesOf(await monitor.ask(ASKS.graph, graphIn, signal))
  return {
    // A name that begins with # is one that QEMU gave: nobody can mean such a node.
    nodes: nodes.filter(one => !one['node-name'].startsWith('#')).map(one => nodeOf(one, edges)),
    exports: exports.map(one => ({ export: one.id, type: one.type, node: named(one['node-name'], edges) })),
    devices,
    jobs: jobs.map(one =>
      jobOf(
        one,
        blockJobs.find(({ device }) => device === one.id),
        edges,
      ),
    ),
  }
}

/** While a job runs, an export is on a filter that QEMU put in and gave a name of its own: people know the node below it. */
function named(node: string, edges: readonly Edge[]): string {
  let at = node
  for (let depth = 0; at.startsWith('#') && depth < 8; depth++) {
    const below = edges.find(one => one.parent === at && (one.name === 'backing' || one.name === 'file'))?.child
    if (below === undefined || below === '') break
    at = below
  }
  return at
}

interface Edge {
  readonly parent: string
  readonly name: string
  readonly child: string
}

function edgesOf({ nodes, edges }: GraphAnswer): readonly Edge[] {
  const names = new Map(nodes.map(({ id, name }) => [id, name]))
  return edges.map(({ parent, child, name }) => ({ parent: names.get(parent) ?? '', name, child: names.get(child) ?? '' }))
}

function nodeOf(one: NodeAnswer, edges: readonly Edge[]): Node {
  const node = one['node-name']
  const backing = edges.find(edge => edge.parent === node && edge.name === 'backing')?.child
  return {
    node,
    driver: one.drv,
    file: one.file,
    bytes: one.image['virtual-size'],
    readOnly: one.ro,
    ...(backing === undefined ? {} : { backing }),
    bitmaps: (one['dirty-bitmaps'] ?? []).flatMap(it => bitmapOf(node, it)),
  }
}

const bitmapOf = (node: string, { name, count, inconsistent, ...rest }: BitmapAnswer): readonly Bitmap[] =>
  name === undefined || name === '' ? [] : [{ bitmap: name, node, dirty: count, ...rest, usable: inconsistent !== true }]

function jobOf({ id, type, status, error }: JobAnswer, block: BlockJobAnswer | undefined, edges: readonly Edge[]): Job {
  const child = (name: string): string | undefined => edges.find(edge => edge.parent === id && edge.name === name)?.child
  const [source, target] = [child('source'), child('target')]
  const fault = block?.['io-status'] === 'ok' ? undefined : block?.['io-status']
  return {
    job: id,
    type,
    state: stateOf(status, error, block?.paused === true, fault !== undefined),
    ...(block ? { copied: block.offset, total: block.len, speed: block.speed } : {}),
    ...(fault ? { fault } : {}),
    ...(error === undefined ? {} : { error }),
    ...(source === undefined ? {} : { source }),
    ...(target === undefined ? {} : { target }),
  }
}

function stateOf(status: string, error: string | undefined, paused: boolean, fault: boolean): string {
  if (status === 'concluded') return error === undefined ? 'done' : error === 'Operation canceled' ? 'cancelled' : 'failed'
  if (paused) return fault ? 'fault' : 'paused'
  return status
}

/** The node, or a no that names those there are. */
export function nodeIn({ nodes }: View, name: string): Node {
  const found = nodes.find(one => one.node === name)
  if (found) return found
  throw new Refused(`there is no node ${name}; there are ${nodes.map(one => one.node).join(', ') || 'none'}`)
}

export const bitmapIn = ({ nodes }: View, node: string, bitmap: string): Bitmap | undefined =>
  nodes.find(one => one.node === node)?.bitmaps.find(one => one.bitmap === bitmap)

export const jobIn = ({ jobs }: View, name: string): Job | undefined => jobs.find(one => one.job === name)
