import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { imagesIn, instancesIn, pasted, snapshotsIn, statusesIn, tasksIn, volumesIn } from './answers.ts'
import * as images from './images.ts'
import * as instances from './instances.ts'
import { launch } from './launch.ts'
import { GroupId, SubnetId, TagKey, TagValue } from './params.ts'
import * as reads from './reads.ts'
import { shrinkReady } from './shrink.ts'
import * as snapshots from './snapshots.ts'
import * as volumes from './volumes.ts'
import { regionAt } from './wire.ts'

const Place = z.strictObject({ subnet: SubnetId, securityGroups: z.array(GroupId).min(1) })

/** How the site file describes EC2 in one region of one account. */
export const Settings = z.strictObject({
  region: z.string().regex(/^[a-z]{2}(?:-[a-z0-9]+)+$/, 'a region is eu-west-1'),
  endpoint: z.url().optional(), // of a private cloud; of AWS the region says it
  profile: z.string().min(1).optional(), // of ~/.aws/config; without it and credentials, the standard chain
  credentials: z
    .strictObject({
      accessKeyId: z.string().min(1),
      secretAccessKey: z.string().min(4),
      sessionToken: z.string().min(4).optional(),
    })
    .optional(),
  tags: z.record(TagKey, TagValue).optional(), // on everything that is made
  isolated: Place.optional(), // where copies are tried out
  production: Place.optional(),
})

const { hasInstanceStore: _, instanceView: __, shareIn: ___, ...looks } = reads

export default adapter({
  name: 'aws',
  summary: 'Amazon EC2 and EBS: instances, volumes, snapshots, images and imports.',
  settings: Settings,
  connect: settings => regionAt(settings),
  capabilities: { ...looks, shrinkReady, ...instances, ...volumes, ...snapshots, ...images, launch },
  readings: {
    instances: { summary: 'aws ec2 describe-instances --output json', read: pasted(instancesIn) },
    statuses: { summary: 'aws ec2 describe-instance-status --output json', read: pasted(statusesIn) },
    volumes: { summary: 'aws ec2 describe-volumes --output json', read: pasted(volumesIn) },
    snapshots: { summary: 'aws ec2 describe-snapshots --output json', read: pasted(snapshotsIn) },
    images: { summary: 'aws ec2 describe-images --output json', read: pasted(imagesIn) },
    imports: { summary: 'aws ec2 describe-import-image-tasks --output json', read: pasted(tasksIn) },
  },
  cannot: [
    {
      what: 'see how much of a disk is in use, or where its last partition ends',
      why: 'EC2 knows blocks only: the guest must shrink its file system, and say so',
    },
    {
      what: 'tell at once whether something that was just made is there',
      why: 'EC2 is eventually consistent, so a look is repeated for some seconds, and a doubt is settled after two minutes',
    },
    {
      what: 'tell which name the guest gives a device',
      why: 'the kernel calls /dev/sdf xvdf or nvme1n1: in the guest match the serial, which is the volume id',
    },
    {
      what: 'see whether a security group or a firewall elsewhere lets a copy reach production',
      why: 'only the routes of its subnet to an internet gateway are looked at',
    },
    { what: 'undo a termination or a deletion', why: 'EC2 keeps nothing of it but what a snapshot has' },
  ],
})
