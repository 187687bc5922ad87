import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { change } from './change.ts'
import type { Machine } from './machines.ts'
import { Name, OneMachine, OneSnapshot, spoken } from './params.ts'
import { snapshotNamed, snapshotsNamed } from './snapshots.ts'

const MINUTE: Millis = 60_000
const presence = ({ snapshots }: Machine, { snapshot }: { readonly snapshot: string }): string =>
  ['absent', 'there'][snapshotsNamed(snapshots, snapshot).length] ?? 'several'

export const createSnapshot = change({
  summary:
    'Create a snapshot of the disks, without the memory. A quiesced one asks VMware Tools to bring the guest to rest first.',
  examples: ['create snapshot signalbox of web01 on vc01', 'create quiesced snapshot signalbox of web01 on vc01'],
  params: z.object({ machine: Name, snapshot: Name, quiesce: z.boolean() }),
  risk: 'routine',
  takes: 30 * MINUTE,
  method: 'CreateSnapshot_Task',
  says: (vc, { machine, snapshot, quiesce }) =>
    `create ${quiesce === true ? 'quiesced ' : ''}snapshot ${spoken(snapshot)} of ${spoken(machine)} on ${vc}`,
  args: ({ snapshot, quiesce }) => [
    ['name', snapshot],
    ['memory', false],
    ['quiesce', quiesce],
  ],
  claims: ({ machine }) => [exclusive('machine', machine, 'snapshots')],
  guard: (now, { snapshot, quiesce }) => {
    if (snapshotsNamed(now.snapshots, snapshot).length > 0)
      throw new Refused(`${now.name} has a snapshot ${snapshot} already: remove it, or take another name`)
    if (quiesce && now.power === 'poweredOn' && now.tools !== 'guestToolsRunning')
      throw new Refused(`VMware Tools do not run in ${now.name}: only a snapshot that is not quiesced is possible`)
    if (now.consolidation === true) throw new Refused(`the disks of ${now.name} have to be consolidated first`)
  },
  stands: presence,
  from: ['absent'],
  to: ['there'],
  result: ({ snapshots }, { machine, snapshot }) => {
    const one = snapshotNamed(snapshots, snapshot)
    return { machine, snapshot, ref: one.ref.id, created: one.created, quiesced: one.quiesced }
  },
})

export const removeSnapshot = change({
  summary: 'Remove a snapshot; its children are kept, and what was written since stays. There is no way back to that moment.',
  examples: ['remove snapshot signalbox of web01 on vc01'],
  params: OneSnapshot,
  risk: 'destructive',
  takes: 240 * MINUTE,
  method: 'RemoveSnapshot_Task',
  says: (vc, { machine, snapshot }) => `remove snapshot ${spoken(snapshot)} of ${spoken(machine)} on ${vc}`,
  args: () => [['removeChildren', false]],
  on: ({ snapshots }, { snapshot }) => snapshotNamed(snapshots, snapshot).ref,
  claims: ({ machine }) => [exclusive('machine', machine, 'snapshots')],
  guard: ({ snapshots }, { snapshot }) => void snapshotNamed(snapshots, snapshot),
  stands: presence,
  about: ({ snapshots }, { snapshot }) => snapshotsNamed(snapshots, snapshot)[0]?.ref.id ?? '',
  from: ['there'],
  to: ['absent'],
  result: (now, params) => left(now, params),
})

/** By agreement: a snapshot with such a name is a means of a copy and nobody's way back. */
const OURS = /^signalbox-/

export const dropSnapshot = change({
  summary:
    'Remove a snapshot that a copy was made from, once it has been read. No other than one whose name begins with signalbox-.',
  examples: ['drop snapshot signalbox-protect of web01 on vc01'],
  params: z.object({ machine: Name, snapshot: Name.regex(OURS, 'the name of such a snapshot begins with signalbox-') }),
  risk: 'routine',
  takes: 240 * MINUTE,
  method: 'RemoveSnapshot_Task',
  says: (vc, { machine, snapshot }) => `drop snapshot ${spoken(snapshot)} of ${spoken(machine)} on ${vc}`,
  args: () => [['removeChildren', false]],
  on: ({ snapshots }, { snapshot }) => snapshotNamed(snapshots, snapshot).ref,
  claims: ({ machine }) => [exclusive('machine', machine, 'snapshots')],
  already: (now, params) => (presence(now, params) === 'absent' ? left(now, params) : undefined),
  guard: ({ snapshots }, { snapshot }) => void snapshotNamed(snapshots, snapshot),
  stands: presence,
  about: ({ snapshots }, { snapshot }) => snapshotsNamed(snapshots, snapshot)[0]?.ref.id ?? '',
  from: ['there'],
  to: ['absent'],
  result: (now, params) => left(now, params),
})

const left = (
  { snapshots, consolidation }: Machine,
  { machine, snapshot }: { readonly machine: string; readonly snapshot: string },
) => ({
  machine,
  snapshot,
  snapshots: snapshots.length,
  ...(consolidation === undefined ? {} : { consolidationNeeded: consolidation }),
})

export const consolidate = change({
  summary: 'Consolidate the disks of a machine whose removed snapshots have left files behind.',
  examples: ['consolidate disks of web01 on vc01'],
  params: OneMachine,
  risk: 'disruptive',
  takes: 240 * MINUTE,
  method: 'ConsolidateVMDisks_Task',
  says: (vc, { machine }) => `consolidate disks of ${spoken(machine)} on ${vc}`,
  args: () => [],
  claims: ({ machine }) => [exclusive('machine', machine, 'snapshots')],
  guard: ({ name, consolidation }) => {
    if (consolidation !== true)
      throw new Refused(
        consolidation === false ? `${name} needs no consolidation` : `vCenter does not say whether ${name} needs it`,
      )
  },
  stands: ({ consolidation }) => (consolidation === undefined ? 'unknown' : consolidation ? 'needed' : 'not needed'),
  from: ['needed'],
  to: ['not needed'],
  result: (_, { machine }) => ({ machine, consolidationNeeded: false }),
})
