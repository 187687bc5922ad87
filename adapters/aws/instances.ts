import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { Misread, Refused } from '../../src/kit/errors.ts'
import { startingIn, stoppingIn, terminatingIn, yesIn } from './answers.ts'
import { about, instanceClaim, moved, on, SETTLED, TEST, type Trace } from './change.ts'
import { InstanceId, InstanceName, OneInstance, Tagged, TagKey, TagValue } from './params.ts'
import { instanceOf, rootOf } from './view.ts'
import { type Request, request, shown } from './wire.ts'

const MOVES = {
  stop: {
    from: ['running'],
    to: ['stopping', 'stopped'],
    request: (id: string): Request => request('StopInstances', { InstanceIds: [id] }),
    read: (answer: unknown) => stoppingIn(answer).StoppingInstances[0]!,
  },
  start: {
    from: ['stopped'],
    to: ['pending', 'running'],
    request: (id: string): Request => request('StartInstances', { InstanceIds: [id] }),
    read: (answer: unknown) => startingIn(answer).StartingInstances[0]!,
  },
  terminate: {
    from: ['pending', 'running', 'stopping', 'stopped'],
    to: ['shutting-down', 'terminated'],
    request: (id: string): Request => request('TerminateInstances', { InstanceIds: [id] }),
    read: (answer: unknown) => terminatingIn(answer).TerminatingInstances[0]!,
  },
} as const

export const stopInstance = move(
  'stop',
  'disruptive',
  'Stop an instance. What lies on its instance store is lost, and its public address unless that is an Elastic IP.',
)
export const startInstance = move('start', 'routine', 'Start an instance that is stopped.')
export const terminateInstance = move(
  'terminate',
  'destructive',
  'Terminate an instance. Volumes that say delete on termination go with it.',
)

/** What all changes of an instance's state have in common. */
function move(verb: keyof typeof MOVES, risk: 'routine' | 'disruptive' | 'destructive', summary: string) {
  const { from, to, request: ask, read } = MOVES[verb]
  return on({
    summary,
    examples: [`${verb} instance i-0abc on aws01`, ...(verb === 'terminate' ? [] : [`${verb} instance web01 on aws01`])],
    // What cannot be undone is done to an id: a name may be another instance's by then.
    params: verb === 'terminate' ? z.object({ instance: InstanceId }) : OneInstance,
    says: (target, { instance }) => `${verb} instance ${instance} on ${target}`,
    sends: ({ instance }) => [shown(ask(instance))],
    effect: {
      risk,
      takes: SETTLED,
      claims: ({ instance }) => [instanceClaim(instance)],
      inDoubt: {
        ask: 'device',
        // The id is kept: the name may be another instance's by then.
        look: async (region, { params, signal }): Promise<Trace> => {
          const one = await instanceOf(region, params.instance, signal)
          return { stands: one.State.Name, made: one.InstanceId }
        },
        judge: (before, now) =>
          before.made === now.made
            ? moved(from, to)(before, now)
            : { done: 'unknown', why: `it was ${before.made}, and ${now.made} has the name now` },
      },
    },
    perform: async (region, call) => {
      const { InstanceId: id, State, Tags } = await instanceOf(region, call.params.instance, call.signal)
      if (!(from as readonly string[]).includes(State.Name))
        throw new Refused(`${id} is ${State.Name}, and this wants ${from.join(' or ')}`)
      const group = Tags.find(one => one.Key === 'aws:autoscaling:groupName')?.Value
      if (verb === 'stop' && group !== undefined)
        throw new Refused(`${id} is of the Auto Scaling group ${group}, which terminates what is stopped: detach it first`)
      const state = (answer: unknown): string => {
        const now = read(answer)
        about(now.InstanceId, id)
        if ((to as readonly string[]).includes(now.CurrentState.Name)) return now.CurrentState.Name
        throw new Misread(`EC2 said yes, and ${id} is ${now.CurrentState.Name}`, JSON.stringify(now))
      }
      return { instance: id, state: await region.change(ask(id), state, call) }
    },
  })
}

/** An instance that was launched from here in the isolated subnet, which nobody depends on: `launch` marks it so. */
export const discardTest = on({
  summary: 'Terminate an instance that was launched from here as a test, in the isolated subnet. No other one.',
  examples: ['discard test instance i-0abc on aws01'],
  params: z.object({ instance: InstanceId }),
  says: (target, { instance }) => `discard test instance ${instance} on ${target}`,
  sends: ({ instance }) => [shown(MOVES.terminate.request(instance))],
  effect: {
    risk: 'routine',
    takes: SETTLED,
    claims: ({ instance }) => [instanceClaim(instance)],
    inDoubt: {
      ask: 'device',
      look: async (region, { params, signal }): Promise<Trace> => {
        const one = await instanceOf(region, params.instance, signal)
        return { stands: one.State.Name, made: one.InstanceId }
      },
      judge: moved(MOVES.terminate.from, MOVES.terminate.to),
    },
  },
  perform: async (region, call) => {
    const { InstanceId: id, State, Tags } = await instanceOf(region, call.params.instance, call.signal)
    if (Tags.find(one => one.Key === TEST)?.Value !== 'yes')
      throw new Refused(`${id} was not launched as a test: \`terminate instance ${id}\` is another sentence, and asks more`)
    if (!(MOVES.terminate.from as readonly string[]).includes(State.Name))
      throw new Refused(`${id} is ${State.Name}, and this wants ${MOVES.terminate.from.join(' or ')}`)
    const state = (answer: unknown): string => {
      const now = MOVES.terminate.read(answer)
      about(now.InstanceId, id)
      if ((MOVES.terminate.to as readonly string[]).includes(now.CurrentState.Name)) return now.CurrentState.Name
      throw new Misread(`EC2 said yes, and ${id} is ${now.CurrentState.Name}`, JSON.stringify(now))
    }
    return { instance: id, state: await region.change(MOVES.terminate.request(id), state, call) }
  },
})

export const setDeleteOnTermination = on({
  summary: 'Say whether the root volume of an instance is deleted when it is terminated.',
  examples: ['set delete-on-termination of i-0abc to no on aws01', 'set delete-on-termination of web01 to yes on aws01'],
  params: z.object({ instance: InstanceName, deletes: z.boolean() }),
  says: (target, { instance, deletes }) =>
    `set delete-on-termination of ${instance} to ${deletes === true ? 'yes' : deletes === false ? 'no' : deletes} on ${target}`,
  sends: ({ instance, deletes }) => [`ModifyInstanceAttribute ${instance} (its root device) DeleteOnTermination=${deletes}`],
  effect: {
    risk: 'disruptive',
    claims: ({ instance }) => [instanceClaim(instance)],
    inDoubt: { ask: 'nobody' }, // setting a state: twice is as good as once
  },
  perform: async (region, call) => {
    const { instance, deletes } = call.params
    const one = await instanceOf(region, instance, call.signal)
    const volume = rootOf(one)?.VolumeId
    if (one.RootDeviceName === undefined || volume === undefined)
      throw new Refused(`${one.InstanceId} has no EBS volume as its root device`)
    const asked = request('ModifyInstanceAttribute', {
      InstanceId: one.InstanceId,
      BlockDeviceMappings: [{ DeviceName: one.RootDeviceName, Ebs: { DeleteOnTermination: deletes } }],
    })
    await region.change(asked, yesIn('modify-instance-attribute'), call)
    return { instance: one.InstanceId, volume, deleteOnTermination: deletes }
  },
})

export const tag = on({
  summary: 'Put a tag on an instance, a volume, a snapshot or an image; signalbox:keep keeps it from being deleted from here.',
  examples: ['tag vol-0abc with signalbox:keep yes on aws01', 'tag i-0abc with Name "web01 (test)" on aws01'],
  params: z.object({ resource: Tagged, key: TagKey, value: TagValue }),
  says: (target, { resource, key, value }) =>
    `tag ${resource} with ${key} ${/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/.test(value) && !JOINT.test(value) ? value : `"${value}"`} on ${target}`,
  sends: ({ resource, key, value }) => [
    shown(request('CreateTags', { Resources: [resource], Tags: [{ Key: key, Value: value }] })),
  ],
  effect: {
    risk: 'routine',
    claims: ({ resource, key }) => [exclusive(KINDS[resource.slice(0, resource.indexOf('-'))] ?? 'other', resource, 'tag', key)],
    inDoubt: { ask: 'nobody' },
  },
  perform: async (region, call) => {
    const { resource, key, value } = call.params
    const asked = request('CreateTags', { Resources: [resource], Tags: [{ Key: key, Value: value }] })
    await region.change(asked, yesIn('create-tags'), call)
    return { resource, key, value }
  },
})

const KINDS: Readonly<Record<string, string>> = { i: 'instance', vol: 'volume', snap: 'snapshot', ami: 'image' }
/** Words that a sentence needs for itself are quoted. */
const JOINT = /^(as|at|because|did|from|happened|not|of|on|over|soak|to|with)$/i
