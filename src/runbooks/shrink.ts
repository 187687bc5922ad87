import { z } from 'zod'
import aws from '../../adapters/aws/index.ts'
import linux from '../../adapters/linux/index.ts'
import { hours, minutes, type StepId, seconds } from '../domain/ids.ts'
import type { Action, Reference, Watch } from '../domain/plan.ts'
import { approval, confirmation, expect, from, plan, runbook, stepsFor } from './build.ts'

const at = { cloud: stepsFor(aws), helper: stepsFor(linux) }
const on = aws.act

/**
 * Puts the boot disk of an instance onto a smaller volume, through a helper in the same zone that copies one to the other. The steps and
 * each guard are those of the device research on EBS, "EBS root shrink". Volumes are told apart by their ids and never by a device name,
 * the source is set read only before anything is written, and the old volume stays until two people let it go.
 */
export default runbook({
  name: 'shrink',
  params: z.object({
    instance: z.string(),
    size: z.number(),
    cloud: z.string(),
    helper: z.string(), // a Linux target
    helperInstance: z.string().optional(), // the same machine, where the cloud calls it by another name
    look: z.number().min(100).default(seconds(15)),
    stall: z.number().min(1000).default(minutes(10)),
  }),
  plan: ({ instance, size, cloud, helper, helperInstance = helper, look, stall }) => {
    const ready = on.shrinkReady(cloud, { instance, size })
    const [id, source, target] = [from('ready', 'instance'), from('ready', 'volume'), from('create', 'volume')]
    const copy = `shrink-${instance}`
    const isFree = (step: string, volume: Reference): Watch => free(step, cloud, volume, look)
    const isThere = (step: string, volume: Reference): Watch =>
      at.cloud.watch(step, 'wait until it is attached', on.volume(cloud, { volume }), expect('attachment', { is: 'attached' }), {
        unless: expect('state', { oneOf: ['error', 'deleting', 'deleted'] }),
        every: look,
        within: minutes(30),
      })
    const instanceIs = (step: string, state: string): Watch =>
      at.cloud.watch(
        step,
        `wait until ${instance} is ${state}`,
        on.instance(cloud, { instance: id }),
        expect('state', { is: state }),
        {
          unless: expect('state', { oneOf: ['terminated', 'shutting-down'] }),
          every: look,
          within: minutes(60),
        },
      )
    const toHelper = (volume: Reference, device: string): Action =>
      on.attachVolume(cloud, { volume, instance: helperInstance, device })
    const copied = (step: string, what: string, field: 'state' | 'verification', done: string): Watch =>
      at.helper.watch(step, what, linux.act.copyState(helper, { copy }), expect(field, { is: done }), {
        unless: expect(field, { oneOf: ['failed', 'stopped', 'different', 'absent'] }),
        every: look,
        stall,
        within: hours(48),
      })
    return {
      ...plan(`shrink boot disk of ${instance} to ${Math.ceil(size / 2 ** 30)} GiB on ${cloud}`, [
        at.cloud.check('ready', 'check that its root can be copied to a smaller volume', ready, [expect('ready', { is: true })]),
        confirmation(
          'smaller-inside',
          'confirm that the file system was made smaller',
          `Was the last partition of ${instance} made smaller than the new size, inside the guest, and is there a fresh backup?`,
          {},
          [
            at.cloud.fact('EC2 has nothing against it', ready, expect('ready', { is: true })),
            at.cloud.fact('its root is', ready, expect('volume')),
          ],
        ),
        at.cloud.act('stop', on.stopInstance(cloud, { instance: id }), { undo: [on.startInstance(cloud, { instance: id })] }),
        instanceIs('stopped', 'stopped'),
        at.cloud.act('snapshot', on.snapshotVolume(cloud, { volume: source })),
        at.cloud.watch(
          'snapshot-done',
          'wait for the snapshot',
          on.snapshot(cloud, { snapshot: from('snapshot', 'snapshot') }),
          expect('state', { is: 'completed' }),
          {
            unless: expect('state', { oneOf: ['error', 'recoverable', 'recovering'] }),
            every: look,
            within: hours(24),
          },
        ),
        at.cloud.act('create', on.createVolume(cloud, { size, zone: from('ready', 'zone'), like: source }), {
          undo: [on.deleteVolume(cloud, { volume: target, lastCopy: true })],
        }),
        isFree('created', target),
        at.cloud.act('detach', on.detachVolume(cloud, { volume: source, instance: id }), {
          undo: [on.attachVolume(cloud, { volume: source, instance: id, device: from('ready', 'device') })],
          tries: 20,
          every: look,
        }),
        isFree('detached', source),
        at.cloud.act('source-to-helper', toHelper(source, '/dev/sdf'), {
          undo: [on.detachVolume(cloud, { volume: source, instance: helperInstance })],
        }),
        isThere('source-there', source),
        at.cloud.act('target-to-helper', toHelper(target, '/dev/sdg'), {
          undo: [on.detachVolume(cloud, { volume: target, instance: helperInstance })],
        }),
        isThere('target-there', target),
        at.helper.act('read-only', linux.act.setReadOnly(helper, { disk: source })),
        at.helper.check(
          'fits',
          'check that everything on it fits, and that source and target are not mixed up',
          linux.act.copyReady(helper, { source, target }),
          [expect('ready', { is: true })],
        ),
        at.helper.act('copy', linux.act.copy(helper, { source, target, copy }), {
          undo: [linux.act.endCopy(helper, { copy }), linux.act.cleanUp(helper, { copy })],
        }),
        copied('copied', 'copy the disk', 'state', 'copied'),
        at.helper.act('verify', linux.act.verify(helper, { copy })),
        copied('verified', 'compare both disks', 'verification', 'equal'),
        at.helper.act('repair', linux.act.repair(helper, { disk: target })),
        at.helper.check('table', 'check the partition table of the new volume', linux.act.table(helper, { disk: target }), [
          expect('problems', { atMost: 0 }),
        ]),
        at.cloud.act('source-from-helper', on.detachVolume(cloud, { volume: source, instance: helperInstance }), {
          undo: [toHelper(source, '/dev/sdf')],
        }),
        at.cloud.act('target-from-helper', on.detachVolume(cloud, { volume: target, instance: helperInstance }), {
          undo: [toHelper(target, '/dev/sdg')],
        }),
        isFree('both-free', target),
        at.cloud.act('new-root', on.attachVolume(cloud, { volume: target, instance: id, device: from('ready', 'device') }), {
          undo: [on.detachVolume(cloud, { volume: target, instance: id })],
        }),
        isThere('root-there', target),
        at.cloud.act(
          'terminates',
          on.setDeleteOnTermination(cloud, { instance: id, deletes: from('ready', 'deleteOnTermination') }),
        ),
        at.cloud.act('start', on.startInstance(cloud, { instance: id }), { undo: [on.stopInstance(cloud, { instance: id })] }),
        at.cloud.watch(
          'answers',
          'wait for both status checks',
          on.instance(cloud, { instance: id }),
          expect('ok', { is: true }),
          {
            unless: expect('state', { oneOf: ['terminated', 'shutting-down', 'stopped'] }),
            every: look,
            within: hours(1),
          },
        ),
        approval(
          'delete-approval',
          'approve that the old volume goes, by two',
          `Delete the old boot volume? Its snapshot stays. Has ${instance} been tested on the new one?`,
          { quorum: 2, within: hours(24 * 7) },
          [at.cloud.fact('the instance answers', on.instance(cloud, { instance: id }), expect('ok', { is: true }))],
        ),
        at.cloud.act('delete-old', on.deleteVolume(cloud, { volume: source, lastCopy: false }), { final: true }),
        at.helper.act('forget-copy', linux.act.cleanUp(helper, { copy })),
      ]),
      measures: [{ label: 'Out of service', kind: 'took', from: 'stop' as StepId, to: 'answers' as StepId }],
    }
  },
})

const free = (step: string, cloud: string, volume: Reference, look: number): Watch =>
  at.cloud.watch(step, 'wait until it is free', on.volume(cloud, { volume }), expect('state', { is: 'available' }), {
    unless: expect('state', { oneOf: ['error', 'deleting', 'deleted'] }),
    every: look,
    within: minutes(30),
  })
