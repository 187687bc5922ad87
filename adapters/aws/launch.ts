import { z } from 'zod'
import { shared } from '../../src/kit/claims.ts'
import { Refused } from '../../src/kit/errors.ts'
import { launchedIn, type RouteTableAnswer, routeTablesIn, subnetsIn } from './answers.ts'
import { on, TEST, tagsFor, token } from './change.ts'
import { GroupId, ImageId, InstanceName, InstanceType, SubnetId } from './params.ts'
import { Denied } from './trouble.ts'
import { imageOf } from './view.ts'
import { type Place, type Region, request } from './wire.ts'

const Launching = z.object({
  type: InstanceType,
  image: ImageId,
  name: InstanceName,
  where: z.enum(['isolated', 'production']).optional(), // a place of the settings; else a subnet and its groups are said
  subnet: SubnetId.optional(),
  group: GroupId.optional(),
})
type Launching = z.infer<typeof Launching>

export const launch = on({
  summary: 'Launch an instance from an image, in the isolated or the production subnet of the settings, or in one that is said.',
  examples: [
    'launch m5.large from ami-0abc as web01-test in isolated subnet on aws01',
    'launch m5.large from ami-0abc as web01 in production subnet on aws01',
    'launch m5.large from ami-0abc as web01 in subnet subnet-0abc with sg-0abc on aws01',
  ],
  params: Launching,
  says: (target, { type, image, name, where, subnet, group }) =>
    `launch ${type} from ${image} as ${name} in ${where === undefined ? `subnet ${subnet}` : `${where} subnet`}${group === undefined ? '' : ` with ${group}`} on ${target}`,
  sends: ({ type, image, name, where, subnet }) => [
    `RunInstances ${type} from ${image} as ${name} in ${where === undefined ? subnet : `the ${where} subnet of the settings`}`,
  ],
  effect: {
    risk: 'disruptive', // a copy that sees production answers in its place
    claims: ({ image }) => [shared('image', image)],
    inDoubt: { ask: 'nobody' }, // EC2 remembers the token, and answers with the same instance
  },
  perform: async (region, call) => {
    const { type, image, name, where } = call.params
    const place = placeOf(region, call.params)
    const { State } = await imageOf(region, image, call.signal)
    if (State !== 'available') throw new Refused(`${image} is ${State}, and this wants available`)
    const isolation = where === 'isolated' ? await isolationOf(region, place.subnet, call.signal) : undefined
    const asked = request('RunInstances', {
      ClientToken: token(call),
      ImageId: image,
      InstanceType: type as never, // the SDK lists those of its day, and takes any
      MinCount: 1,
      MaxCount: 1,
      ...(where === 'isolated'
        ? {
            // No public address, whatever the subnet would give.
            NetworkInterfaces: [
              { DeviceIndex: 0, SubnetId: place.subnet, Groups: [...place.securityGroups], AssociatePublicIpAddress: false },
            ],
          }
        : {
            SubnetId: place.subnet,
            ...(place.securityGroups.length === 0 ? {} : { SecurityGroupIds: [...place.securityGroups] }),
          }),
      ...tagsFor(region, call, name, ['instance', 'volume'], where === 'isolated' ? { [TEST]: 'yes' } : {}),
    })
    const made = (await region.change(asked, launchedIn, call)).Instances[0]!
    return {
      instance: made.InstanceId,
      name,
      state: made.State.Name,
      zone: made.Placement.AvailabilityZone,
      subnet: place.subnet,
      ...(isolation === undefined ? {} : { isolation }),
    }
  },
})

function placeOf({ settings }: Region, { where, subnet, group }: Launching): Place {
  if (where !== undefined) {
    const place = settings[where]
    if (!place) throw new Refused(`the site file names no ${where} subnet for this target`)
    return group === undefined ? place : { ...place, securityGroups: [group] }
  }
  if (subnet === undefined) throw new Refused('say where: in isolated subnet, in production subnet, or in subnet subnet-...')
  return { subnet, securityGroups: group === undefined ? [] : [group] }
}

/** Refuses a subnet with a way out. What we may not look at is said in the result, and nothing is guessed. */
async function isolationOf(region: Region, subnet: string, signal: AbortSignal): Promise<'seen' | 'not seen'> {
  try {
    const subnets = await region.ask(request('DescribeSubnets', { SubnetIds: [subnet] }), subnetsIn, signal)
    const one = subnets.Subnets.find(it => it.SubnetId === subnet)
    if (!one) throw new Refused(`there is no subnet ${subnet}`)
    const asked = request('DescribeRouteTables', { Filters: [{ Name: 'vpc-id', Values: [one.VpcId] }] })
    const { RouteTables } = await region.ask(asked, routeTablesIn, signal)
    // A subnet that is associated with none has the main one of its network.
    const table =
      RouteTables.find(it => it.Associations.some(each => each.SubnetId === subnet)) ??
      RouteTables.find(it => it.Associations.some(each => each.Main === true))
    const way = table?.Routes.find(isPublic)
    if (way) throw new Refused(`${subnet} is not isolated: ${table?.RouteTableId} has a route to ${way.GatewayId}`)
    return table ? 'seen' : 'not seen'
  } catch (error) {
    if (error instanceof Denied && error.code === 'UnauthorizedOperation') return 'not seen'
    throw error
  }
}

const isPublic = ({ GatewayId, State }: RouteTableAnswer['Routes'][number]): boolean =>
  GatewayId?.startsWith('igw-') === true && State !== 'blackhole'
