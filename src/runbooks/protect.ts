import { z } from 'zod'
import blocksync from '../../adapters/blocksync/index.ts'
import vsphere from '../../adapters/vsphere/index.ts'
import { hours, minutes, type StepId, seconds } from '../domain/ids.ts'
import { expect, from, plan, runbook, stepsFor } from './build.ts'
import { tidied } from './tidied.ts'

const at = { vcenter: stepsFor(vsphere), store: stepsFor(blocksync) }

/** The snapshot lives for as long as its blocks are read, and its name tells whose it is. */
const SNAPSHOT = 'signalbox-protect'

/**
 * One more recovery point of a virtual machine: a snapshot, what has changed since the last point, these blocks into the store, and the
 * snapshot is gone again, whatever happened. The order and the guards are those of the device research on vSphere, A; where the last
 * point was is read from the store, so that a point counts only once its blocks are there.
 */
export default runbook({
  name: 'protect',
  params: z.object({
    machine: z.string(),
    vcenter: z.string(),
    store: z.string(),
    quiesce: z.boolean().default(true),
    look: z.number().min(100).default(seconds(10)),
    stall: z.number().min(1000).default(minutes(10)),
  }),
  plan: ({ machine, vcenter, store, quiesce, look, stall }) => {
    const sync = `protect-${machine}`
    const one = { machine, snapshot: SNAPSHOT }
    return {
      ...plan(
        `protect ${machine} on ${vcenter} to ${store}`,
        [
          at.vcenter.check(
            'ready',
            'check that its changes are tracked, and that nothing stands in the way of a snapshot',
            vsphere.act.protection(vcenter, { machine }),
            [expect('ready', { is: true })],
          ),
          at.store.check('last', 'find its last recovery point', blocksync.act.recoveryPoints(store, { machine }), []),
          at.vcenter.act('snapshot', vsphere.act.createSnapshot(vcenter, { ...one, quiesce })),
          at.vcenter.check(
            'changes',
            'list what has changed since',
            vsphere.act.listChanges(vcenter, { ...one, since: from('last', 'since') }),
            [],
            { timeout: minutes(10) },
          ),
          at.store.act(
            'push',
            blocksync.act.pushOrder(store, { order: from('changes', 'order'), digest: from('changes', 'digest'), sync }),
          ),
          at.store.watch(
            'pushed',
            `push what has changed to ${store}`,
            blocksync.act.sync(store, { sync }),
            expect('state', { is: 'done' }),
            {
              unless: expect('state', { oneOf: ['failed', 'cancelled', 'dead', 'none'] }),
              every: look,
              stall,
              within: hours(48),
            },
          ),
          { ...at.vcenter.act('drop', vsphere.act.dropSnapshot(vcenter, one)), always: true },
          ...tidied(store, sync),
          at.vcenter.check(
            'clean',
            'check that no snapshot is left, and nothing is to be consolidated',
            vsphere.act.machine(vcenter, { machine }),
            [expect('snapshots', { atMost: 0 }), expect('consolidationNeeded', { is: false })],
          ),
        ],
        'stop',
      ),
      measures: [
        { label: 'Recovery point', kind: 'age', of: from('pushed', 'taken'), at: 'pushed' as StepId },
        { label: 'Changed and sent', kind: 'took', from: 'snapshot' as StepId, to: 'pushed' as StepId },
      ],
    }
  },
})
