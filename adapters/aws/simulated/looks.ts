import { NETWORK } from './inventory.ts'
import type { Machine } from './machine.ts'
import { No, type Query, type Xml } from './query.ts'
import { imageXml, instanceXml, snapshotXml, stateXml, taskXml, volumeXml } from './views.ts'

/** Everything that only looks. */
export function looking(query: Query, machine: Machine): Xml | undefined {
  const named = <T extends { readonly id: string; readonly tags?: Readonly<Record<string, string>> }>(
    things: Readonly<Record<string, T>>,
    ids: readonly string[],
    code: string,
    field: (one: T, filter: string) => string | undefined = () => undefined,
  ): readonly T[] => {
    const asked = ids.map(id => {
      const one = things[id]
      if (!one || machine.hidden(id)) throw new No(code, `The ID '${id}' does not exist`)
      return one
    })
    const all = ids.length > 0 ? asked : Object.values(things).filter(one => !machine.hidden(one.id))
    return all.filter(one => fits(query, name => (name.startsWith('tag:') ? one.tags?.[name.slice(4)] : field(one, name))))
  }
  switch (query.action) {
    case 'DescribeInstances': {
      const found = named(machine.instances, query.all('InstanceId'), 'InvalidInstanceID.NotFound')
      return { reservationSet: found.map(one => ({ reservationId: 'r-0a01', instancesSet: [instanceXml(machine, one)] })) }
    }
    case 'DescribeInstanceStatus':
      return {
        instanceStatusSet: named(machine.instances, query.all('InstanceId'), 'InvalidInstanceID.NotFound').map(one => ({
          instanceId: one.id,
          instanceState: stateXml(one.state),
          systemStatus: { status: one.checks === 'impaired' ? 'ok' : one.checks },
          instanceStatus: { status: one.checks },
        })),
      }
    case 'DescribeInstanceTypes':
      return {
        instanceTypeSet: query
          .all('InstanceType')
          .map(type => ({ instanceType: type, instanceStorageSupported: /d\.|^i\d/.test(type) })),
      }
    case 'DescribeVolumes':
      return { volumeSet: named(machine.volumes, query.all('VolumeId'), 'InvalidVolume.NotFound').map(volumeXml) }
    case 'DescribeSnapshots': {
      const of = (one: (typeof machine.snapshots)[string], filter: string) => (filter === 'volume-id' ? one.volume : undefined)
      return { snapshotSet: named(machine.snapshots, query.all('SnapshotId'), 'InvalidSnapshot.NotFound', of).map(snapshotXml) }
    }
    case 'DescribeImages': {
      const of = (one: (typeof machine.images)[string], filter: string) => (filter === 'name' ? one.name : undefined)
      return { imagesSet: named(machine.images, query.all('ImageId'), 'InvalidAMIID.NotFound', of).map(imageXml) }
    }
    case 'DescribeImportImageTasks':
      return {
        importImageTaskSet: named(machine.tasks, query.all('ImportTaskId'), 'InvalidConversionTaskId.NotFound').map(taskXml),
      }
    case 'DescribeSubnets':
      return { subnetSet: NETWORK.subnets.filter(one => query.all('SubnetId').includes(one.subnetId)) as Xml }
    case 'DescribeRouteTables':
      return { routeTableSet: NETWORK.tables as Xml }
    default:
      return undefined
  }
}

/** EC2 takes `*` in the values of a filter. */
function fits(query: Query, field: (filter: string) => string | undefined): boolean {
  return Array.from({ length: query.count('Filter') }, (_, at) => `Filter.${at + 1}`).every(filter => {
    const value = field(query.get(`${filter}.Name`) ?? '')
    return query
      .all(`${filter}.Value`)
      .some(
        wanted =>
          value !== undefined && new RegExp(`^${wanted.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(value),
      )
  })
}
