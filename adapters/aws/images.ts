import { z } from 'zod'
import { exclusive, shared } from '../../src/kit/claims.ts'
import type { Call } from '../../src/kit/device.ts'
import { Misread, Refused } from '../../src/kit/errors.ts'
import { cancelledIn, type ImageAnswer, imageIdIn, imagesIn, taskIn, yesIn } from './answers.ts'
import { about, INTENT, isKept, moved, on, SETTLED, type Trace, tagsFor, token } from './change.ts'
import { ImageName, OneImage, OneTask, SnapshotId, Source } from './params.ts'
import { findImage, imageOf, snapshotOf, tagOf, taskOf } from './view.ts'
import { type Region, request, shown } from './wire.ts'

const Registering = z.object({
  name: ImageName,
  snapshot: SnapshotId, // of the root disk
  second: SnapshotId.optional(), // as /dev/sdf; one field for each, so that a plan can hand them on
  third: SnapshotId.optional(), // as /dev/sdg
  fourth: SnapshotId.optional(), // as /dev/sdh
  others: z.array(SnapshotId).max(3).optional(), // the same three as a list, for a plan that is handed one
  boot: z.enum(['uefi', 'legacy-bios', 'uefi-preferred']).optional(), // nothing said: legacy BIOS for x86_64, UEFI for arm64
  architecture: z.enum(['x86_64', 'arm64']).optional(),
})

const ROOT = '/dev/sda1'
const DATA = [
  ['second', '/dev/sdf'],
  ['third', '/dev/sdg'],
  ['fourth', '/dev/sdh'],
] as const

const listed = (others: readonly string[] | string | undefined): readonly string[] =>
  typeof others === 'string' ? [others] : (others ?? [])

/** An image with that name: of ours there is one at most, because EC2 takes a name once in an account and a region. */
async function imageNamed(region: Region, name: string, signal: AbortSignal): Promise<ImageAnswer | undefined> {
  const asked = request('DescribeImages', { Owners: ['self'], Filters: [{ Name: 'name', Values: [name] }] })
  const { Images } = await region.ask(asked, imagesIn, signal)
  return Images.find(one => one.Name === name && one.State !== 'deregistered')
}

export const registerImage = on({
  summary: 'Make an image of snapshots: of the root disk, and of up to three more. ENA and HVM, with the root at /dev/sda1.',
  examples: [
    'register image web01-dr from snap-0abc on aws01',
    'register image web01-dr from snap-0abc and snap-0def on aws01',
    'register uefi image web01-dr from snap-0abc for arm64 on aws01',
  ],
  params: Registering,
  says: (target, { name, snapshot, second, third, fourth, others, boot, architecture }) =>
    `register ${boot === undefined ? '' : `${boot} `}image ${name} from ${[snapshot, second, third, fourth, ...listed(others)].filter(one => one !== undefined).join(' and ')}${architecture === undefined ? '' : ` for ${architecture}`} on ${target}`,
  sends: ({ name, snapshot, second, third, fourth, others }) => [
    `RegisterImage ${name} with ${[snapshot, second, third, fourth, ...listed(others)].filter(one => one !== undefined).join(', ')}`,
  ],
  effect: {
    risk: 'routine',
    takes: SETTLED,
    claims: ({ name, snapshot, second, third, fourth, others = [] }) => [
      exclusive('image', name),
      ...[snapshot, second, third, fourth, ...others].flatMap(one => (one === undefined ? [] : [shared('snapshot', one)])),
    ],
    inDoubt: {
      ask: 'device',
      // RegisterImage takes no token, but a name only once; whose image it is, its tag tells.
      look: async (region, call): Promise<Trace> => {
        const one = await imageNamed(region, call.params.name, call.signal)
        if (!one) return { stands: 'absent' }
        return { stands: tagOf(one, INTENT) === token(call) ? 'there' : 'of others', made: one.ImageId }
      },
      judge: (before, now) => {
        const verdict = moved(['absent'], ['there'])<Made>(before, now)
        return verdict.done === true && now.made !== undefined ? { done: true, result: { image: now.made } } : verdict
      },
    },
  },
  perform: async (region, call): Promise<Made> => {
    const { name, snapshot, boot, architecture = 'x86_64' } = call.params
    const { others } = call.params
    if (others && DATA.some(([field]) => call.params[field] !== undefined))
      throw new Refused('say the other snapshots one by one or as a list, and not both')
    const data = DATA.map(([field, device], n) => [others ? others[n] : call.params[field], device] as const)
    const disks = [[snapshot, ROOT] as const, ...data]
    const given = disks.flatMap(([id, device]) => (id === undefined ? [] : [{ id, device }]))
    const taken = await imageNamed(region, name, call.signal)
    if (taken) throw new Refused(`there is an image ${name} already, ${taken.ImageId}: take another name`)
    for (const { id } of given) {
      const { State } = await snapshotOf(region, id, call.signal)
      if (State !== 'completed') throw new Refused(`${id} is ${State ?? 'of no known state'}, and this wants completed`)
    }
    const asked = request('RegisterImage', {
      Name: name,
      Description: `${snapshot}, ${call.intent}`,
      Architecture: architecture,
      RootDeviceName: ROOT,
      VirtualizationType: 'hvm',
      EnaSupport: true,
      ...(boot === undefined ? {} : { BootMode: boot }),
      BlockDeviceMappings: given.map(({ id, device }) => ({
        DeviceName: device,
        Ebs: { SnapshotId: id, DeleteOnTermination: true },
      })),
      ...tagsFor(region, call, undefined, ['image']),
    })
    const { ImageId } = await region.change(asked, imageIdIn, call)
    return { image: ImageId, name, snapshot, disks: given.length }
  },
})

export interface Made {
  readonly image: string
  readonly name?: string
  readonly snapshot?: string
  readonly disks?: number
}

type OneOf = { readonly image: string }
/** What both ways to deregister an image have in common. */
const DEREGISTERING = {
  takes: SETTLED,
  claims: ({ image }: OneOf) => [exclusive('image', image)],
  inDoubt: {
    ask: 'device' as const,
    look: async (region: Region, { params, signal }: Call<OneOf>): Promise<Trace> => ({
      stands: (await findImage(region, params.image, signal)) ? 'there' : 'absent',
    }),
    judge: moved(['there'], ['absent']),
  },
}

export const deregisterImage = on({
  summary: 'Deregister an image. Its snapshots stay, and so do instances that were launched from it.',
  examples: ['deregister image ami-0abc on aws01'],
  params: OneImage,
  says: (target, { image }) => `deregister image ${image} on ${target}`,
  sends: ({ image }) => [shown(request('DeregisterImage', { ImageId: image }))],
  effect: {
    risk: 'destructive',
    ...DEREGISTERING,
  },
  perform: async (region, call) => {
    const { image } = call.params
    const one = await imageOf(region, image, call.signal)
    if (isKept(one)) throw new Refused(`${image} has the tag signalbox:keep`)
    await region.change(request('DeregisterImage', { ImageId: image }), yesIn('deregister-image'), call)
    return { image, state: 'deregistered', snapshots: one.BlockDeviceMappings.filter(it => it.Ebs?.SnapshotId).length }
  },
})

export const discardTestImage = on({
  summary: 'Deregister an image that was made here for a test: its name ends in -test. No other one.',
  examples: ['discard test image ami-0abc on aws01'],
  params: OneImage,
  says: (target, { image }) => `discard test image ${image} on ${target}`,
  sends: ({ image }) => [shown(request('DeregisterImage', { ImageId: image }))],
  effect: {
    risk: 'routine',
    ...DEREGISTERING,
  },
  perform: async (region, call) => {
    const { image } = call.params
    const one = await imageOf(region, image, call.signal)
    if (tagOf(one, INTENT) === undefined || !one.Name?.endsWith('-test'))
      throw new Refused(`${image} was not made here for a test: \`deregister image ${image}\` is another sentence, and asks more`)
    if (isKept(one)) throw new Refused(`${image} has the tag signalbox:keep`)
    await region.change(request('DeregisterImage', { ImageId: image }), yesIn('deregister-image'), call)
    return { image, state: 'deregistered' }
  },
})

export const importImage = on({
  summary:
    'Import a disk image from S3 as an image of EC2. It takes an hour or so; an EBS snapshot that is written directly is faster.',
  examples: ['import image from s3://b/k.raw as web01 on aws01', 'import vmdk image from s3://b/web01 as web01 on aws01'],
  params: z.object({ source: Source, name: ImageName, format: z.enum(['raw', 'vmdk', 'vhd', 'vhdx', 'ova']).optional() }),
  says: (target, { source, name, format }) =>
    `import ${format === undefined ? '' : `${format} `}image from ${source} as ${name} on ${target}`,
  sends: ({ source, name, format }) => [
    `ImportImage ${source}${format === undefined ? '' : ` (${format})`}, described as ${name}`,
  ],
  effect: {
    risk: 'routine',
    claims: ({ name }) => [exclusive('import', name)],
    inDoubt: { ask: 'nobody' }, // EC2 remembers the token, and answers with the same task
  },
  perform: async (region, call) => {
    const { source, name } = call.params
    const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(source) ?? []
    const format = call.params.format ?? formatOf(key)
    if (format === undefined)
      throw new Refused(`the name ${key} does not tell its format: say "import raw image from ..." (or vmdk, vhd, vhdx, ova)`)
    const asked = request('ImportImage', {
      ClientToken: token(call),
      Description: name,
      DiskContainers: [{ Description: name, Format: format, UserBucket: { S3Bucket: bucket, S3Key: key } }],
      ...tagsFor(region, call, name, ['import-image-task']),
    })
    const task = await region.change(asked, taskIn, call)
    return { task: task.ImportTaskId, state: task.Status, name }
  },
})

function formatOf(key: string): string | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(key)?.[1]?.toLowerCase() ?? ''
  if (['raw', 'img', 'bin'].includes(ending)) return 'raw'
  return ['vmdk', 'vhd', 'vhdx', 'ova'].includes(ending) ? ending : undefined
}

export const cancelImport = on({
  summary: 'Cancel an import that is under way.',
  examples: ['cancel import import-ami-0abc on aws01'],
  params: OneTask,
  says: (target, { task }) => `cancel import ${task} on ${target}`,
  sends: ({ task }) => [shown(request('CancelImportTask', { ImportTaskId: task }))],
  effect: {
    risk: 'disruptive',
    takes: SETTLED,
    claims: ({ task }) => [exclusive('task', task)],
    inDoubt: {
      ask: 'device',
      look: async (region, { params, signal }): Promise<Trace> => ({
        stands: (await taskOf(region, params.task, signal)).Status,
      }),
      // A task that failed by itself is deleted as well: either way there is no import any more.
      judge: moved(['active'], ['deleting', 'deleted']),
    },
  },
  perform: async (region, call) => {
    const { task } = call.params
    const { Status } = await taskOf(region, task, call.signal)
    if (Status !== 'active') throw new Refused(`${task} is ${Status}, and only an active import can be cancelled`)
    const asked = request('CancelImportTask', { ImportTaskId: task })
    const state = await region.change(
      asked,
      answer => {
        const one = cancelledIn(answer)
        about(one.ImportTaskId, task)
        if (one.State === undefined) throw new Misread('the answer of cancel-import-task has no state', JSON.stringify(one))
        return one.State
      },
      call,
    )
    return { task, state }
  },
})
