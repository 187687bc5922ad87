import { z } from 'zod'
import aws from '../../adapters/aws/index.ts'
import blocksync from '../../adapters/blocksync/index.ts'
import { hours, minutes, type StepId, seconds } from '../domain/ids.ts'
import type { Measure, Step } from '../domain/plan.ts'
import { approval, confirmation, expect, from, plan, runbook, stepsFor, wait } from './build.ts'
import { tidied } from './tidied.ts'

const at = { cloud: stepsFor(aws), store: stepsFor(blocksync) }

const Params = z.object({
  machine: z.string(),
  store: z.string(),
  cloud: z.string(),
  type: z.string().default('m5.large'),
  look: z.number().min(100).default(seconds(15)),
  stall: z.number().min(1000).default(minutes(10)),
  keep: z.number().min(0).default(0), // how long a test instance stays before it is cleaned up
})
type Params = z.infer<typeof Params>

/** Until a copy of the machine runs and answers its status checks: blocks into EBS snapshots, an image of them, an instance of that. */
function copyRuns({ machine, store, cloud, type, look, stall }: Params, where: 'isolated' | 'production'): readonly Step[] {
  const sync = `ebs-${machine}`
  const name = `${machine}-${where === 'isolated' ? 'test' : 'dr'}`
  return [
    at.store.act('publish', blocksync.act.publish(store, { machine, sync })),
    at.store.watch(
      'published',
      `write the newest point of ${machine} into EBS`,
      blocksync.act.sync(store, { sync }),
      expect('state', { is: 'done' }),
      {
        unless: expect('state', { oneOf: ['failed', 'cancelled', 'dead', 'none'] }),
        every: look,
        stall,
        within: hours(48),
      },
    ),
    at.cloud.act(
      'register',
      aws.act.registerImage(cloud, { name, snapshot: from('published', 'root'), others: from('published', 'others') }),
    ),
    at.cloud.watch(
      'image',
      'wait for the image',
      aws.act.image(cloud, { image: from('register', 'image') }),
      expect('state', { is: 'available' }),
      {
        unless: expect('state', { oneOf: ['failed', 'error', 'invalid', 'deregistered'] }),
        every: look,
        within: hours(2),
      },
    ),
    at.cloud.act('launch', aws.act.launch(cloud, { type, image: from('register', 'image'), name, where })),
    at.cloud.watch(
      'answers',
      'wait for both status checks',
      aws.act.instance(cloud, { instance: from('launch', 'instance') }),
      expect('ok', { is: true }),
      {
        unless: expect('state', { oneOf: ['terminated', 'shutting-down', 'stopped'] }),
        every: look,
        within: hours(1),
      },
    ),
  ]
}

const newest = ({ machine, store }: Params) =>
  at.store.check('point', `find the newest recovery point of ${machine}`, blocksync.act.recoveryPoints(store, { machine }), [
    expect('points', { atLeast: 1 }),
  ])

const measures = (from: StepId): readonly Measure[] => [
  { label: 'Recovery point', kind: 'age', of: { from: 'point' as StepId, field: 'taken' } },
  { label: 'Recovery time', kind: 'took', from, to: 'answers' as StepId },
]

/** Proves that a copy of the machine would come up, beside it and out of its sight, and leaves nothing running. */
export const testFailover = runbook({
  name: 'test-failover',
  params: Params,
  plan: params => {
    const { machine, store, cloud, keep } = params
    return {
      ...plan(
        `test failover of ${machine} from ${store} to ${cloud}`,
        [
          newest(params),
          ...copyRuns(params, 'isolated'),
          keep > 0 ? wait('keep', 'keep it for whoever wants to look', keep) : undefined,
          { ...at.cloud.act('discard', aws.act.discardTest(cloud, { instance: from('launch', 'instance') })), always: true },
          { ...at.cloud.act('deregister', aws.act.discardTestImage(cloud, { image: from('register', 'image') })), always: true },
          ...tidied(store, `ebs-${machine}`),
        ],
        'stop',
      ),
      measures: measures('point' as StepId),
    }
  },
})

/**
 * A copy of the machine takes over. Two things nobody can take back are asked about before: that the original does not run any more, or
 * both would answer; and from its first boot on, what changes on the original cannot be applied to the copy.
 */
export const failOver = runbook({
  name: 'fail-over',
  params: Params,
  plan: params => {
    const { machine, store, cloud } = params
    const point = blocksync.act.recoveryPoints(store, { machine })
    return {
      ...plan(`fail over ${machine} from ${store} to ${cloud}`, [
        newest(params),
        [
          approval(
            'fail-over',
            'approve the failover',
            `Fail over: let a copy of ${machine} take its place? What was written since its newest recovery point is lost.`,
            { within: hours(4) },
            [
              at.store.fact('it has a recovery point', point, expect('points', { atLeast: 1 })),
              at.store.fact('the newest is set', point, expect('newest')),
            ],
          ),
          confirmation(
            'original-is-off',
            'confirm that the original does not run',
            `Is ${machine} off, or cut off from its network, so that the two never answer side by side?`,
          ),
        ],
        ...copyRuns(params, 'production'),
        confirmation(
          'works',
          'confirm that it works',
          `Does the application of ${machine} work on its copy, and do names and addresses lead there?`,
        ),
        ...tidied(store, `ebs-${machine}`),
      ]),
      notes: [
        `From the first boot of the copy on, changes of the original cannot be applied to it: going back is a copy in the other direction.`,
      ],
      measures: measures('fail-over' as StepId),
    }
  },
})
