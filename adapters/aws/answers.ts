import { z } from 'zod'
import { Misread } from '../../src/kit/errors.ts'
import { clean } from '../../src/kit/text.ts'

/**
 * What EC2's answers look like, as the SDK and `aws --output json` show them (EC2 API Reference 2016-11-15). Fields that nothing here
 * needs are dropped; a missing one that something here needs is a Misread. States are plain text: new ones are added now and then.
 */
const text = z.string()
const said = z.string().min(1)
const gib = z.number().int().min(0)
const Tags = z.array(z.object({ Key: text, Value: text.default('') })).default([])
const Page = { NextToken: text.optional() }

const Attachment = z.object({
  VolumeId: said.optional(),
  InstanceId: said.optional(),
  Device: said.optional(),
  State: said,
  DeleteOnTermination: z.boolean().optional(),
})
const Instance = z.object({
  InstanceId: said,
  ImageId: said.optional(),
  InstanceType: said,
  State: z.object({ Name: said }),
  Placement: z.object({ AvailabilityZone: said }),
  RootDeviceName: said.optional(),
  RootDeviceType: said.optional(),
  VirtualizationType: said.optional(),
  PlatformDetails: said.optional(),
  Platform: said.optional(),
  PublicIpAddress: said.optional(),
  PrivateIpAddress: said.optional(),
  SubnetId: said.optional(),
  Architecture: said.optional(),
  BlockDeviceMappings: z
    .array(
      z.object({
        DeviceName: said,
        Ebs: z.object({ VolumeId: said, Status: said.optional(), DeleteOnTermination: z.boolean().optional() }).optional(),
      }),
    )
    .default([]),
  NetworkInterfaces: z
    .array(z.object({ Association: z.object({ PublicIp: said.optional(), IpOwnerId: said.optional() }).optional() }))
    .default([]),
  ProductCodes: z.array(z.object({ ProductCodeType: text.optional() })).default([]),
  Tags,
})
const Volume = z.object({
  VolumeId: said,
  State: said,
  Size: gib,
  AvailabilityZone: said,
  VolumeType: said.optional(),
  Iops: gib.optional(),
  Throughput: gib.optional(),
  SnapshotId: text.optional(), // '' when it was made from nothing
  Encrypted: z.boolean().optional(),
  KmsKeyId: said.optional(),
  MultiAttachEnabled: z.boolean().optional(),
  Attachments: z.array(Attachment).default([]),
  Tags,
})
const Snapshot = z.object({
  SnapshotId: said,
  State: said.optional(),
  StateMessage: text.optional(),
  Progress: text.optional(), // "100%", "2", or ''
  VolumeId: said.optional(),
  VolumeSize: gib,
  StartTime: z.union([z.date(), text]).optional(),
  Description: text.optional(),
  Encrypted: z.boolean().optional(),
  Tags,
})
const Image = z.object({
  ImageId: said,
  Name: said.optional(),
  State: said,
  StateReason: z.object({ Message: text.optional() }).optional(),
  Architecture: said.optional(),
  RootDeviceName: said.optional(),
  RootDeviceType: said.optional(),
  BootMode: said.optional(),
  BlockDeviceMappings: z
    .array(z.object({ DeviceName: said.optional(), Ebs: z.object({ SnapshotId: said.optional() }).optional() }))
    .default([]),
  Tags,
})
const Task = z.object({
  ImportTaskId: said,
  ImageId: said.optional(),
  Status: said,
  StatusMessage: text.optional(), // free text: pending, validated, converting, updating, booting, preparing ami ...
  Progress: text.optional(),
})
const Status = z.object({
  InstanceId: said,
  InstanceStatus: z.object({ Status: said }),
  SystemStatus: z.object({ Status: said }),
})
const Moved = z.object({ InstanceId: said, CurrentState: z.object({ Name: said }) })
const Subnet = z.object({ SubnetId: said, VpcId: said, MapPublicIpOnLaunch: z.boolean(), AvailabilityZone: said })
const RouteTable = z.object({
  RouteTableId: said,
  Associations: z.array(z.object({ Main: z.boolean().optional(), SubnetId: said.optional() })).default([]),
  Routes: z
    .array(
      z.object({
        DestinationCidrBlock: said.optional(),
        DestinationIpv6CidrBlock: said.optional(),
        GatewayId: said.optional(),
        State: said.optional(),
      }),
    )
    .default([]),
})

export type InstanceAnswer = z.infer<typeof Instance>
export type VolumeAnswer = z.infer<typeof Volume>
export type SnapshotAnswer = z.infer<typeof Snapshot>
export type ImageAnswer = z.infer<typeof Image>
export type TaskAnswer = z.infer<typeof Task>
export type RouteTableAnswer = z.infer<typeof RouteTable>

const taken =
  <T>(what: string, shape: z.ZodType<T>) =>
  (value: unknown): T => {
    const read = shape.safeParse(plain(value))
    if (read.success) return read.data
    const at = read.error.issues[0]?.path.join('.') ?? ''
    throw new Misread(
      `this is not the answer of ${what}${at === '' ? '' : ` (at ${at})`}`,
      JSON.stringify(value ?? null).slice(0, 4_000),
    )
  }

/** No text with control characters gets in: XML can spell them as entities. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return clean(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

export const instancesIn = taken(
  'describe-instances',
  z.object({ Reservations: z.array(z.object({ Instances: z.array(Instance) })), ...Page }),
)
export const volumesIn = taken('describe-volumes', z.object({ Volumes: z.array(Volume), ...Page }))
export const snapshotsIn = taken('describe-snapshots', z.object({ Snapshots: z.array(Snapshot), ...Page }))
export const imagesIn = taken('describe-images', z.object({ Images: z.array(Image), ...Page }))
export const tasksIn = taken('describe-import-image-tasks', z.object({ ImportImageTasks: z.array(Task), ...Page }))
export const statusesIn = taken('describe-instance-status', z.object({ InstanceStatuses: z.array(Status) }))
export const subnetsIn = taken('describe-subnets', z.object({ Subnets: z.array(Subnet) }))
export const routeTablesIn = taken('describe-route-tables', z.object({ RouteTables: z.array(RouteTable) }))
export const typesIn = taken(
  'describe-instance-types',
  z.object({ InstanceTypes: z.array(z.object({ InstanceType: said, InstanceStorageSupported: z.boolean().optional() })) }),
)

export const stoppingIn = taken('stop-instances', z.object({ StoppingInstances: z.array(Moved).length(1) }))
export const startingIn = taken('start-instances', z.object({ StartingInstances: z.array(Moved).length(1) }))
export const terminatingIn = taken('terminate-instances', z.object({ TerminatingInstances: z.array(Moved).length(1) }))
export const launchedIn = taken('run-instances', z.object({ Instances: z.array(Instance).length(1) }))
export const volumeIn = taken('create-volume', Volume)
export const snapshotIn = taken('create-snapshot', Snapshot)
export const attachmentIn = taken('attach-volume', Attachment)
export const imageIdIn = taken('register-image', z.object({ ImageId: said }))
export const taskIn = taken('import-image', Task)
export const cancelledIn = taken('cancel-import-task', z.object({ ImportTaskId: said.optional(), State: text.optional() }))
/** Answers that carry nothing but a yes, and not even that in every action. */
export const yesIn = (action: string) => {
  const read = taken(action, z.object({ Return: z.boolean().optional() }))
  return (value: unknown): true => {
    if (read(value).Return === false) throw new Misread(`${action} was answered with "false"`, JSON.stringify(value))
    return true
  }
}

/** The same for an answer that somebody pasted, as the aws command line prints it. */
export const pasted =
  <T>(reading: (value: unknown) => T) =>
  (answer: string): T => {
    try {
      return reading(JSON.parse(answer))
    } catch (error) {
      if (error instanceof Misread) throw error
      throw new Misread('this is not the JSON of the aws command line, or not all of it', answer.slice(0, 4_000))
    }
  }
