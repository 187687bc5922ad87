import { Misread, Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { refIn } from './session.ts'
import type { Ref } from './soap.ts'
import { booleanIn, instantIn, needed, textIn } from './values.ts'
import { child, children, type Element } from './xml.ts'

export interface Snapshot {
  readonly name: string // several may have the same one
  readonly ref: Ref
  readonly created: Millis
  readonly quiesced: boolean
  readonly depth: number // 0 for a root
  readonly current: boolean // the machine goes on from it
}

const DEEPEST = 64

/** The value of `snapshot`, flat, parents before their children. A machine without snapshots has no such value. */
export function snapshotsIn(value: Element | undefined): readonly Snapshot[] {
  if (value === undefined) return []
  const current = child(value, 'currentSnapshot')?.text
  const below = (node: Element, list: string, depth: number): readonly Snapshot[] =>
    children(node, list).flatMap(one => {
      if (depth > DEEPEST) throw new Misread('the tree of snapshots is too deep', '')
      const ref = refIn(child(one, 'snapshot'), 'snapshot')
      const snapshot = {
        name: needed(textIn(child(one, 'name')), 'the name of a snapshot'),
        ref,
        created: needed(instantIn(child(one, 'createTime'), 'when a snapshot was made'), 'when a snapshot was made'),
        quiesced: booleanIn(child(one, 'quiesced'), 'whether a snapshot is quiesced') ?? false,
        depth,
        current: ref.id === current,
      }
      return [snapshot, ...below(one, 'childSnapshotList', depth + 1)]
    })
  return below(value, 'rootSnapshotList', 0)
}

export const snapshotsNamed = (all: readonly Snapshot[], name: string): readonly Snapshot[] =>
  all.filter(one => one.name === name)

export function snapshotNamed(all: readonly Snapshot[], name: string): Snapshot {
  const [one, ...more] = snapshotsNamed(all, name)
  if (!one) throw new Refused(`there is no snapshot ${name}; there are ${all.map(it => it.name).join(', ') || 'none'}`)
  if (more.length > 0) throw new Refused(`${more.length + 1} snapshots have the name ${name}: rename them, so that one is meant`)
  return one
}
