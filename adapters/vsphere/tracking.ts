import { exclusive } from '../../src/kit/claims.ts'
import { Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { change } from './change.ts'
import type { Machine } from './machines.ts'
import { OneMachine, spoken } from './params.ts'

const TAKES: Millis = 5 * 60_000
const stands = ({ tracking }: Machine): string => (tracking === undefined ? 'unknown' : tracking ? 'on' : 'off')
const result = (now: Machine) => ({
  machine: now.name,
  tracking: now.tracking === true,
  tracked: now.disks.filter(one => one.changeId).length,
})

/** Tracking itself begins later: see the README on the stun cycle. */
export const enableTracking = change({
  summary: 'Turn change tracking on. It begins once a snapshot has been created and removed, or the machine was powered on.',
  examples: ['enable change tracking of web01 on vc01'],
  params: OneMachine,
  risk: 'routine',
  takes: TAKES,
  method: 'ReconfigVM_Task',
  says: (vc, { machine }) => `enable change tracking of ${spoken(machine)} on ${vc}`,
  args: () => [['spec', [['changeTrackingEnabled', true]]]],
  claims: ({ machine }) => [exclusive('machine', machine, 'tracking')],
  guard: now => {
    if (now.trackable === false) throw new Refused(`${now.name} cannot track changes: its hardware is older than version 7`)
    // Tracking that begins above a snapshot has no beginning that a copy could start from (devices/vsphere-esxi.md A4).
    if (now.tracking !== true && now.snapshots.length > 0)
      throw new Refused(`${now.name} has ${now.snapshots.length} snapshots: remove them first, or their disks are never tracked`)
  },
  stands,
  from: ['off'],
  to: ['on'],
  repeatable: true,
  result,
})

export const disableTracking = change({
  summary: 'Turn change tracking off. The next copy of every disk is a whole one.',
  examples: ['disable change tracking of web01 on vc01'],
  params: OneMachine,
  risk: 'disruptive',
  takes: TAKES,
  method: 'ReconfigVM_Task',
  says: (vc, { machine }) => `disable change tracking of ${spoken(machine)} on ${vc}`,
  args: () => [['spec', [['changeTrackingEnabled', false]]]],
  claims: ({ machine }) => [exclusive('machine', machine, 'tracking')],
  guard: () => {},
  stands,
  from: ['on'],
  to: ['off'],
  repeatable: true,
  result,
})
