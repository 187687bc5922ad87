import { z } from 'zod'
import { capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { bytesOf, gibOf, InstanceName, Size, sized } from './params.ts'
import { hasInstanceStore, instanceView } from './reads.ts'
import { findVolume, instanceOf } from './view.ts'
import type { Region } from './wire.ts'

/**
 * What must hold before the root volume of an instance is copied to a smaller one (devices/aws-s3-ec2-ebs.md, "EBS root shrink").
 * What is in the disk EC2 cannot tell: that the file system was made smaller, and that the last partition ends below the new size,
 * is for the guest, or for a helper that reads the disk, to say.
 */
export const shrinkReady = capability<Region>()({
  summary: 'Check whether the root volume of an instance can be copied to a smaller one, as far as EC2 can tell.',
  examples: ['check shrink of i-0abc to 40GB on aws01', 'check shrink of web01 to 40GiB on aws01'],
  params: z.object({ instance: InstanceName, size: Size }),
  says: (target, { instance, size }) => `check shrink of ${instance} to ${sized(size)} on ${target}`,
  sends: ({ instance }) => [`DescribeInstances ${instance}`, 'DescribeVolumes of its root', 'DescribeInstanceTypes'],
  effect: 'read',
  perform: async (region, { params, signal }) => {
    const answer = await instanceOf(region, params.instance, signal)
    const one = instanceView(answer)
    const target = gibOf(params.size)
    const volume = one.rootVolume === undefined ? undefined : await findVolume(region, one.rootVolume, signal)
    if (one.rootVolume !== undefined && !volume)
      throw new Refused(`there is no volume ${one.rootVolume}, the root of ${one.instance}`)
    const instanceStore = await hasInstanceStore(region, one.type, signal)
    const marketplace = answer.ProductCodes.some(it => it.ProductCodeType === 'marketplace')
    const why = [
      ...(one.rootType === 'ebs' && volume ? [] : ['its root is not an EBS volume']),
      ...(['running', 'stopped'].includes(one.state) ? [] : [`it is ${one.state}`]),
      ...(volume && volume.Size <= target ? [`its root is ${volume.Size} GiB, which is not more than ${target} GiB`] : []),
      ...(volume && volume.State !== 'in-use' ? [`its root volume is ${volume.State}`] : []),
      ...(volume?.MultiAttachEnabled === true ? ['its root volume can be attached more than once'] : []),
      ...(marketplace ? ['its image is from the marketplace: such a root is not taken by another instance'] : []),
      ...(one.autoScaling === undefined ? [] : [`it is of the Auto Scaling group ${one.autoScaling}, which replaces what stops`]),
    ]
    const risks = [
      ...(instanceStore === true ? ['its type has instance store: what lies there is lost when it stops'] : []),
      ...(instanceStore === undefined ? ['whether its type has instance store is not known'] : []),
      ...(one.publicIp !== undefined && one.elasticIp === undefined ? ['its public address changes when it stops'] : []),
    ]
    return {
      instance: one.instance,
      state: one.state,
      zone: one.zone,
      ready: why.length === 0,
      why: why.join('; '),
      risks: risks.join('; '),
      targetGib: target,
      targetBytes: bytesOf(target),
      ...(one.rootDevice === undefined ? {} : { device: one.rootDevice }),
      ...(volume === undefined ? {} : { volume: volume.VolumeId, gib: volume.Size, encrypted: volume.Encrypted === true }),
      ...(one.deleteOnTermination === undefined ? {} : { deleteOnTermination: one.deleteOnTermination }),
      ...(instanceStore === undefined ? {} : { instanceStore }),
    }
  },
  shows: one => [
    one.ready ? `${one.instance} can be shrunk to ${one.targetGib} GiB, as far as EC2 can tell` : `not ready: ${one.why}`,
    ...(one.risks === '' ? [] : [one.risks]),
    'the file system in it must have been made smaller than that, which EC2 cannot see',
  ],
})
