import { createHash } from 'node:crypto'
import type { Bytes } from '../../../src/kit/units.ts'
import type { Machine, Snapshot } from './machine.ts'

/** One request of the EBS direct APIs. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}
export interface Said {
  readonly status: number
  readonly body: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

export const BLOCK: Bytes = 512 * 1024
const PAGE = 1_000

/** An error of the EBS direct APIs, as their client reads it: the kind stands in a header. */
export const ebsError = (status: number, kind: string, message: string, reason?: string): Said => ({
  status,
  headers: { 'x-amzn-errortype': kind, 'content-type': 'application/json' },
  body: JSON.stringify({ Message: message, ...(reason === undefined ? {} : { Reason: reason }) }),
})
const bad = (message: string, reason: string): Said => ebsError(400, 'ValidationException', message, reason)
const json = (status: number, body: object): Said => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const gone = (id: string): Said =>
  ebsError(404, 'ResourceNotFoundException', `The snapshot '${id}' does not exist.`, 'SNAPSHOT_NOT_FOUND')

/** What one request is called, for faults and the ledger. */
export function operationOf({ method, path }: Pick<Asked, 'method' | 'path'>): string {
  if (method === 'PUT') return 'PutSnapshotBlock'
  if (method === 'POST') return path.startsWith('/snapshots/completion/') ? 'CompleteSnapshot' : 'StartSnapshot'
  if (path.endsWith('/changedblocks')) return 'ListChangedBlocks'
  return path.endsWith('/blocks') ? 'ListSnapshotBlocks' : 'GetSnapshotBlock'
}

/** EBS direct APIs (EBS User Guide, "Use EBS direct APIs"): 512 KiB blocks, checked by SHA-256, really kept. */
export function ebs(asked: Asked, machine: Machine, accept: () => void): Said {
  const [, , first = '', , index = ''] = asked.path.split('/').map(decodeURIComponent)
  switch (operationOf(asked)) {
    case 'StartSnapshot':
      return start(asked, machine, accept)
    case 'PutSnapshotBlock':
      return put(asked, machine, first, Number(index), accept)
    case 'CompleteSnapshot':
      return complete(asked, machine, asked.path.split('/')[3] ?? '', accept)
    case 'ListSnapshotBlocks':
      return list(asked, machine, first)
    case 'ListChangedBlocks':
      return changed(asked, machine, first)
    default:
      return block(asked, machine, first, Number(index))
  }
}

function start({ body }: Asked, machine: Machine, accept: () => void): Said {
  const wanted = JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>
  const { ClientToken, VolumeSize, ParentSnapshotId, Description = '', Tags = [] } = wanted
  const gib = Number(VolumeSize)
  if (!(gib >= 1 && gib <= 65_536)) return bad('The volume size is not valid', 'INVALID_VOLUME_SIZE')
  const parent = typeof ParentSnapshotId === 'string' ? machine.snapshots[ParentSnapshotId] : undefined
  if (ParentSnapshotId !== undefined && !parent) return gone(String(ParentSnapshotId))
  if (parent && parent.state !== 'completed') return bad('The parent snapshot is not completed', 'INVALID_SNAPSHOT_ID')
  if (parent && parent.gib > gib) return bad('The volume is smaller than that of the parent', 'INVALID_VOLUME_SIZE')
  const { ClientToken: _, ...rest } = wanted
  const text = JSON.stringify(rest)
  const token = typeof ClientToken === 'string' ? ClientToken : undefined
  const known = token === undefined ? undefined : machine.tokens[token]
  if (known && known.asked !== text) return bad('The client token was used with other parameters', 'INVALID_PARAMETER_VALUE') // synthetic: the Reason is not attested
  const id = machine.once(token, text, () => {
    accept()
    const made = machine.next('snap')
    machine.snapshots[made] = {
      id: made,
      state: 'pending',
      progress: 0,
      gib,
      ...(parent ? { parent: parent.id } : {}),
      description: String(Description),
      tags: Object.fromEntries((Tags as { Key: string; Value: string }[]).map(one => [one.Key, one.Value])),
      blocks: { ...parent?.blocks },
      written: {},
      open: true,
    }
    return made
  })
  const one = machine.snapshots[id]
  if (!one) return gone(id)
  return json(201, {
    SnapshotId: id,
    OwnerId: '123456789012',
    Status: one.state,
    StartTime: 1_763_634_480,
    VolumeSize: gib,
    BlockSize: BLOCK,
    ...(one.parent === undefined ? {} : { ParentSnapshotId: one.parent }),
  })
}

function put({ headers, body }: Asked, machine: Machine, id: string, index: number, accept: () => void): Said {
  const one = machine.snapshots[id]
  if (!one) return gone(id)
  if (!one.open) return bad('The snapshot is not pending', 'INVALID_SNAPSHOT_ID')
  if (!(Number.isInteger(index) && index >= 0 && index < (one.gib * 1024 ** 3) / BLOCK))
    return bad('The block index is not in the volume', 'INVALID_BLOCK')
  if (body.length !== BLOCK || headers['x-amz-data-length'] !== String(BLOCK))
    return bad('A block has 524288 bytes', 'INVALID_CONTENT_LENGTH')
  const checksum = createHash('sha256').update(body).digest('base64')
  if (headers['x-amz-checksum-algorithm'] !== 'SHA256' || headers['x-amz-checksum'] !== checksum)
    return bad('The checksum does not match the block', 'INVALID_CHECKSUM') // synthetic: the Reason is not attested
  accept()
  const sha256 = machine.putBlock(body)
  one.blocks[index] = sha256
  one.written[index] = sha256
  return {
    status: 201,
    headers: { 'x-amz-checksum': checksum, 'x-amz-checksum-algorithm': 'SHA256' },
    body: '{}',
  }
}

/** The linear aggregate: the SHA-256 of the blocks' SHA-256s, in order of their index. */
export const aggregateOf = (written: Readonly<Record<number, string>>): string => {
  const order = Object.keys(written).map(Number)
  const hash = createHash('sha256')
  for (const index of order.sort((a, b) => a - b)) hash.update(Buffer.from(written[index] ?? '', 'hex'))
  return hash.digest('base64')
}

function complete({ headers }: Asked, machine: Machine, id: string, accept: () => void): Said {
  const one = machine.snapshots[id]
  if (!one) return gone(id)
  const count = Object.keys(one.written).length
  if (headers['x-amz-changedblockscount'] !== String(count))
    return bad(`The count of changed blocks is not ${count}`, 'INVALID_PARAMETER_VALUE') // synthetic: the Reason is not attested
  const checksum = headers['x-amz-checksum']
  if (
    checksum !== undefined &&
    (headers['x-amz-checksum-aggregation-method'] !== 'LINEAR' || checksum !== aggregateOf(one.written))
  )
    return bad('The checksum does not match the blocks', 'INVALID_CHECKSUM')
  if (one.open) {
    accept()
    one.open = false
  }
  return json(202, { Status: one.state })
}

const tokenOf = (id: string, index: number, sha256: string): string =>
  createHash('sha256').update(`${id} ${index} ${sha256}`).digest('base64')

function list({ query }: Asked, machine: Machine, id: string): Said {
  const one = machine.snapshots[id]
  if (!one) return gone(id)
  if (one.state !== 'completed') return bad('The snapshot is not completed', 'INVALID_SNAPSHOT_ID')
  const page = paged(Object.keys(one.blocks).map(Number), query)
  const Blocks = page.indexes.map(index => ({ BlockIndex: index, BlockToken: tokenOf(id, index, one.blocks[index] ?? '') }))
  return json(200, { Blocks, VolumeSize: one.gib, BlockSize: BLOCK, ...page.next })
}

function changed({ query }: Asked, machine: Machine, id: string): Said {
  const [first, second] = [machine.snapshots[query.get('firstSnapshotId') ?? ''], machine.snapshots[id]]
  if (!second || (query.has('firstSnapshotId') && !first)) return gone(id)
  const indexes = [...new Set([...Object.keys(first?.blocks ?? {}), ...Object.keys(second.blocks)].map(Number))]
  const page = paged(
    indexes.filter(index => first?.blocks[index] !== second.blocks[index]),
    query,
  )
  const tokened = (one: Snapshot | undefined, index: number) => {
    const sha256 = one?.blocks[index]
    return one && sha256 !== undefined ? tokenOf(one.id, index, sha256) : undefined
  }
  const ChangedBlocks = page.indexes.map(index => ({
    BlockIndex: index,
    FirstBlockToken: tokened(first, index),
    SecondBlockToken: tokened(second, index),
  }))
  return json(200, { ChangedBlocks, VolumeSize: second.gib, BlockSize: BLOCK, ...page.next })
}

function block({ query }: Asked, machine: Machine, id: string, index: number): Said {
  const one = machine.snapshots[id]
  if (!one) return gone(id)
  const sha256 = one.blocks[index]
  if (sha256 === undefined) return bad('There is no such block', 'INVALID_BLOCK')
  if (query.get('blockToken') !== tokenOf(id, index, sha256)) return bad('The block token is not of it', 'INVALID_BLOCK_TOKEN')
  const body = machine.block(sha256)
  return {
    status: 200,
    headers: {
      'x-amz-data-length': String(body.length),
      'x-amz-checksum': createHash('sha256').update(body).digest('base64'),
      'x-amz-checksum-algorithm': 'SHA256',
    },
    body,
  }
}

function paged(indexes: number[], query: URLSearchParams): { readonly indexes: readonly number[]; readonly next: object } {
  const from = Number(query.get('pageToken') ?? query.get('startingBlockIndex') ?? 0)
  const most = Number(query.get('maxResults') ?? PAGE)
  const rest = indexes.filter(index => index >= from).sort((a, b) => a - b)
  const after = rest[most]
  return { indexes: rest.slice(0, most), next: after === undefined ? {} : { NextToken: String(after) } }
}
