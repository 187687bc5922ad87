import type { Instance, Kept, Volume } from './machine.ts'

const volume = (id: string, gib: number, zone: string, more: Partial<Volume> = {}): Volume => ({
  id,
  state: more.attachment ? 'in-use' : 'available',
  gib,
  zone,
  type: 'gp3',
  iops: 3_000,
  throughput: 125,
  encrypted: false,
  blocks: {},
  tags: {},
  ...more,
})
const instance = (id: string, name: string, state: string, root: string, more: Partial<Instance> = {}): Instance => ({
  id,
  state,
  type: 'm5.large',
  zone: 'eu-west-1a',
  image: 'ami-0a01',
  subnet: 'subnet-0b02',
  rootDevice: '/dev/sda1',
  rootType: 'ebs',
  ...(state === 'running' ? { publicIp: '203.0.113.10' } : {}),
  checks: state === 'running' ? 'ok' : 'not-applicable',
  deletes: { [root]: true },
  tags: { Name: name },
  ...more,
})
const attached = (instance: string, device = '/dev/sda1') => ({ instance, device, state: 'attached' })
const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/0a01'

/** What a region holds at first: a domain controller whose 100 GiB root is to become 40, a helper, and spare parts. */
export const inventory = (): Omit<Kept, 'made' | 'tokens'> => ({
  instances: {
    'i-0a01': instance('i-0a01', 'dc01', 'running', 'vol-0a01'),
    'i-0b02': instance('i-0b02', 'helper01', 'running', 'vol-0b02', { publicIp: '203.0.113.11', elastic: true }),
    'i-0c03': instance('i-0c03', 'web01', 'stopped', 'vol-0c03'),
  },
  volumes: {
    'vol-0a01': volume('vol-0a01', 100, 'eu-west-1a', { attachment: attached('i-0a01'), encrypted: true, key: KEY }),
    'vol-0b02': volume('vol-0b02', 8, 'eu-west-1a', { attachment: attached('i-0b02') }),
    'vol-0c03': volume('vol-0c03', 30, 'eu-west-1a', { attachment: attached('i-0c03') }),
    'vol-0d04': volume('vol-0d04', 40, 'eu-west-1a'),
    'vol-0e05': volume('vol-0e05', 40, 'eu-west-1b'),
  },
  snapshots: {
    'snap-0a01': {
      id: 'snap-0a01',
      state: 'completed',
      progress: 100,
      gib: 30,
      volume: 'vol-0c03',
      description: 'web01 before the update',
      tags: {},
      blocks: {},
      written: {},
      open: false,
    },
  },
  images: {
    'ami-0a01': {
      id: 'ami-0a01',
      name: 'web01-golden',
      state: 'available',
      architecture: 'x86_64',
      disks: [{ device: '/dev/sda1', snapshot: 'snap-0a01' }],
      tags: {},
    },
  },
  tasks: {},
})

/** Two subnets: one has no way out, the other a route to the internet. */
export const NETWORK = {
  subnets: [
    { subnetId: 'subnet-0a01', vpcId: 'vpc-0a01', mapPublicIpOnLaunch: false, availabilityZone: 'eu-west-1a' },
    { subnetId: 'subnet-0b02', vpcId: 'vpc-0a01', mapPublicIpOnLaunch: true, availabilityZone: 'eu-west-1a' },
  ],
  tables: [
    {
      routeTableId: 'rtb-0a01',
      vpcId: 'vpc-0a01',
      associationSet: [{ main: true }],
      routeSet: [
        { destinationCidrBlock: '10.0.0.0/16', gatewayId: 'local', state: 'active' },
        { destinationCidrBlock: '0.0.0.0/0', gatewayId: 'igw-0a01', state: 'active' },
      ],
    },
    {
      routeTableId: 'rtb-0b02',
      vpcId: 'vpc-0a01',
      associationSet: [{ main: false, subnetId: 'subnet-0a01' }],
      routeSet: [{ destinationCidrBlock: '10.0.0.0/16', gatewayId: 'local', state: 'active' }],
    },
  ],
} as const
