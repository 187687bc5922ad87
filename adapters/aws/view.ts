import { setTimeout as pause } from 'node:timers/promises'
import { Misread, Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import {
  type ImageAnswer,
  type InstanceAnswer,
  imagesIn,
  instancesIn,
  type SnapshotAnswer,
  snapshotsIn,
  type TaskAnswer,
  tasksIn,
  type VolumeAnswer,
  volumesIn,
} from './answers.ts'
import { Denied } from './trouble.ts'
import { type Region, type Request, request } from './wire.ts'

/**
 * EC2 is eventually consistent: for some seconds after something was made, a look at it may be answered with "not found" (EC2 API
 * Reference, "Eventual consistency"). So a no to a look is asked again for this long before it counts.
 */
const PATIENCE: readonly Millis[] = [200, 400, 800, 1_600]
const NOT_FOUND = /(\.NotFound|NotFoundException)$/
const PAGE = 1_000
const PAGES = 50

async function orNothing<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof Denied && NOT_FOUND.test(error.code)) return undefined
    throw error
  }
}

/** The same after all patience. */
async function patiently<T>(look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T | undefined> {
  for (const time of PATIENCE) {
    const found = await look()
    if (found !== undefined) return found
    await pause(time, undefined, { signal }).catch(() => {})
  }
  return look()
}

/** All pages. EC2 may give an empty page with more to follow, so only a missing token is the end. */
async function paged<P extends { readonly NextToken?: string | undefined }>(
  region: Region,
  asking: (next: { readonly NextToken?: string }) => Request,
  reading: (value: unknown) => P,
  signal: AbortSignal,
): Promise<readonly P[]> {
  const pages: P[] = []
  for (let next: string | undefined; pages.length < PAGES; ) {
    const page = await region.ask(asking(next === undefined ? {} : { NextToken: next }), reading, signal)
    pages.push(page)
    next = page.NextToken
    if (next === undefined || next === '') return pages
  }
  throw new Misread(`there are more than ${PAGES} pages of it`, '')
}

const MaxResults = PAGE
export const allInstances = async (region: Region, signal: AbortSignal): Promise<readonly InstanceAnswer[]> =>
  inPages(await paged(region, next => request('DescribeInstances', { MaxResults, ...next }), instancesIn, signal))
const inPages = (pages: readonly ReturnType<typeof instancesIn>[]): readonly InstanceAnswer[] =>
  pages.flatMap(page => page.Reservations.flatMap(one => one.Instances))

export const allVolumes = async (region: Region, signal: AbortSignal): Promise<readonly VolumeAnswer[]> =>
  (await paged(region, next => request('DescribeVolumes', { MaxResults, ...next }), volumesIn, signal)).flatMap(it => it.Volumes)

export const allImages = async (region: Region, signal: AbortSignal): Promise<readonly ImageAnswer[]> =>
  (await paged(region, next => request('DescribeImages', { Owners: ['self'], MaxResults, ...next }), imagesIn, signal)).flatMap(
    it => it.Images,
  )

/** Our own snapshots that a filter of EC2's finds. What was made a moment ago may not be listed yet. */
export const snapshotsBy = async (
  region: Region,
  filter: string,
  values: readonly string[],
  signal: AbortSignal,
): Promise<readonly SnapshotAnswer[]> => {
  const Filters = [{ Name: filter, Values: [...values] }]
  const asking = (next: object) => request('DescribeSnapshots', { OwnerIds: ['self'], Filters, MaxResults, ...next })
  return (await paged(region, asking, snapshotsIn, signal)).flatMap(it => it.Snapshots)
}

/** Whatever looks like an id is one: an instance may be named like the id of another. */
export const isInstanceId = (name: string): boolean => /^i-[0-9a-f]+$/.test(name)
const GONE = ['shutting-down', 'terminated']

/** By its id, or by its Name tag when exactly one instance that is not terminated has it. */
export async function instanceOf(region: Region, name: string, signal: AbortSignal): Promise<InstanceAnswer> {
  if (!isInstanceId(name)) return named(region, name, signal)
  const asked = request('DescribeInstances', { InstanceIds: [name] })
  const look = (): Promise<InstanceAnswer | undefined> =>
    orNothing(async () => inPages([await region.ask(asked, instancesIn, signal)])[0])
  const found = await patiently(look, signal)
  if (found) return same(found, found.InstanceId, name)
  throw missing(`instance ${name}`, region)
}

async function named(region: Region, name: string, signal: AbortSignal): Promise<InstanceAnswer> {
  const Filters = [{ Name: 'tag:Name', Values: [name] }]
  const pages = await paged(region, next => request('DescribeInstances', { Filters, MaxResults, ...next }), instancesIn, signal)
  // EC2 takes * and ? in the value of a filter as wildcards, so what it found is compared again.
  const all = inPages(pages).filter(one => nameOf(one) === name && !GONE.includes(one.State.Name))
  if (all.length > 1)
    throw new Refused(`${all.length} instances are named ${name}: say which, ${all.map(one => one.InstanceId).join(' or ')}`)
  if (all[0]) return all[0]
  throw new Refused(`no instance is named ${name} in ${region.settings.region}`)
}

const missing = (what: string, { settings }: Region): Refused => new Refused(`there is no ${what} in ${settings.region}`)

/** As it is now: what was made a moment ago may be missing, what is being deleted is not. */
export async function findVolume(region: Region, id: string, signal: AbortSignal): Promise<VolumeAnswer | undefined> {
  const asked = request('DescribeVolumes', { VolumeIds: [id] })
  const found = await orNothing(async () => (await region.ask(asked, volumesIn, signal)).Volumes[0])
  return found && same(found, found.VolumeId, id)
}
export async function volumeOf(region: Region, id: string, signal: AbortSignal): Promise<VolumeAnswer> {
  const found = await patiently(() => findVolume(region, id, signal), signal)
  if (found) return found
  throw missing(`volume ${id}`, region)
}

export async function findSnapshot(region: Region, id: string, signal: AbortSignal): Promise<SnapshotAnswer | undefined> {
  const asked = request('DescribeSnapshots', { SnapshotIds: [id] })
  const found = await orNothing(async () => (await region.ask(asked, snapshotsIn, signal)).Snapshots[0])
  return found && same(found, found.SnapshotId, id)
}
export async function snapshotOf(region: Region, id: string, signal: AbortSignal): Promise<SnapshotAnswer> {
  const found = await patiently(() => findSnapshot(region, id, signal), signal)
  if (found) return found
  throw missing(`snapshot ${id}`, region)
}

/** A deregistered image may still be shown for a while, with that state. */
export async function findImage(region: Region, id: string, signal: AbortSignal): Promise<ImageAnswer | undefined> {
  const asked = request('DescribeImages', { ImageIds: [id] })
  const found = await orNothing(async () => (await region.ask(asked, imagesIn, signal)).Images[0])
  return found && found.State !== 'deregistered' ? same(found, found.ImageId, id) : undefined
}
export async function imageOf(region: Region, id: string, signal: AbortSignal): Promise<ImageAnswer> {
  const found = await patiently(() => findImage(region, id, signal), signal)
  if (found) return found
  throw missing(`image ${id}`, region)
}

export async function taskOf(region: Region, id: string, signal: AbortSignal): Promise<TaskAnswer> {
  const asked = request('DescribeImportImageTasks', { ImportTaskIds: [id] })
  const look = (): Promise<TaskAnswer | undefined> =>
    orNothing(async () => (await region.ask(asked, tasksIn, signal)).ImportImageTasks[0])
  const found = await patiently(look, signal)
  if (found) return same(found, found.ImportTaskId, id)
  throw missing(`import task ${id}`, region)
}

/** The answer is about what was asked for, or it is nobody's. */
function same<T>(one: T, id: string, asked: string): T {
  if (id === asked) return one
  throw new Misread(`the answer is about ${id}, and ${asked} was asked for`, JSON.stringify(one).slice(0, 2_000))
}

export const nameOf = ({ Tags }: { readonly Tags: InstanceAnswer['Tags'] }): string | undefined => tagOf({ Tags }, 'Name')
export const tagOf = ({ Tags }: { readonly Tags: InstanceAnswer['Tags'] }, key: string): string | undefined =>
  Tags.find(one => one.Key === key)?.Value

/** The volume of an instance's root device; undefined for an instance-store root. */
export const rootOf = (one: InstanceAnswer): InstanceAnswer['BlockDeviceMappings'][number]['Ebs'] =>
  one.BlockDeviceMappings.find(it => it.DeviceName === one.RootDeviceName)?.Ebs
