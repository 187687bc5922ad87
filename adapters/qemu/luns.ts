import { Refused } from '../../src/kit/errors.ts'
import type { View } from './view.ts'

interface Lun {
  readonly target: string
  readonly lun: number
}

/** What must hold before a LUN is opened. QEMU itself opens one twice, without a word, and two nodes on one LUN destroy it. */
export function guardLun({ nodes }: View, node: string, target: string, lun: number): void {
  if (nodes.some(one => one.node === node)) throw new Refused(`there is a node ${node} already: take another name`)
  // By name and number alone: an array has one LUN behind all its portals.
  const same = nodes.find(one => lunsIn(one.file).some(it => it.target === target && it.lun === lun))
  if (same) throw new Refused(`LUN ${lun} of ${target} is open already, as node ${same.node}: two nodes on one LUN destroy it`)
}

/** The LUNs that a node's file name speaks of: QEMU writes options as `json:{...}`, and keeps a URL as it was given. */
export function lunsIn(file: string): readonly Lun[] {
  const url = /^iscsi:\/\/[^/]+\/([^/]+)\/(\d+)$/.exec(file)
  if (url) return [{ target: (url[1] ?? '').toLowerCase(), lun: Number(url[2]) }]
  if (!file.startsWith('json:')) return []
  try {
    return lunsBelow(JSON.parse(file.slice('json:'.length)))
  } catch {
    return [] // not a name that QEMU writes
  }
}

function lunsBelow(value: unknown): readonly Lun[] {
  if (typeof value !== 'object' || value === null) return []
  const one = value as Readonly<Record<string, unknown>>
  const [target, lun] = [one['target'], one['lun']]
  const here =
    one['driver'] === 'iscsi' && typeof target === 'string' ? [{ target: target.toLowerCase(), lun: Number(lun ?? 0) }] : []
  return [...here, ...Object.values(one).flatMap(lunsBelow)]
}
