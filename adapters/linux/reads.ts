import { capability } from '../../src/kit/device.ts'
import { shown } from '../../src/kit/quote.ts'
import { copyOf } from './outcome.ts'
import { Nothing, OneCopy, OneDisk, Pair } from './params.ts'
import { readinessOf } from './ready.ts'
import { healthOf } from './table-health.ts'
import { type LinuxHost, USUAL } from './wire.ts'
import { words } from './words.ts'

const on = capability<LinuxHost>()
const say = words(USUAL)
const looks = (disk: string): readonly string[] => [shown(say.disks()), `blockdev, blkid and cmp of ${disk}`, `sgdisk -p ${disk}`]

export const disks = on({
  summary: 'Show the disks of a host: what they are called, how large they are, and what uses them.',
  examples: ['show disks on helper01'],
  params: Nothing,
  says: target => `show disks on ${target}`,
  sends: () => [shown(say.disks())],
  effect: 'read',
  perform: async (host, { signal }) => {
    const disks = await host.disks(signal)
    return { disks, count: disks.length, withSerial: disks.filter(one => one.serial !== undefined).length }
  },
  shows: found =>
    found.disks.length === 0
      ? ['no disk']
      : found.disks.map(
          one =>
            `${one.serial ?? one.wwn ?? 'no serial number'}: ${one.bytes} bytes, now ${one.path}${one.readOnly ? ', read only' : ''}${use(one)}`,
        ),
})

export const disk = on({
  summary: 'Show one disk by its volume id or serial number: size, partitions, what uses it.',
  examples: ['show disk vol-0abc1234def567890 on helper01', 'show disk /dev/disk/by-id/nvme-disk1 on helper01'],
  params: OneDisk,
  says: (target, { disk }) => `show disk ${disk} on ${target}`,
  sends: ({ disk }) => looks(disk),
  effect: 'read',
  perform: async (host, { params, signal }) => {
    const { found, layout, users, ...one } = await host.disk(params.disk, signal)
    return {
      ...one,
      path: found.path,
      table: one.table ?? 'none',
      mounted: one.mounts.length > 0,
      inUse: one.mounts.length + users.length > 0,
      users,
      sectors: one.bytes / one.sector,
      partitions: layout?.partitions ?? [],
      ...(layout?.lastUsed === undefined ? {} : { lastUsedSector: layout.lastUsed }),
    }
  },
  shows: one => [
    `${one.disk} is ${one.path}: ${one.bytes} bytes, sectors of ${one.sector}${one.readOnly ? ', read only' : ''}${one.empty ? ', empty' : ''}${use(one)}`,
    `partition table: ${one.table}${one.lastUsedSector === undefined ? '' : `, last used sector ${one.lastUsedSector} of ${one.sectors}`}${one.holds === undefined ? '' : `, holds ${one.holds}`}`,
    ...one.partitions.map(part => `partition ${part.number}: sectors ${part.first} to ${part.last}`),
  ],
})

export const copyReady = on({
  summary: 'Check what must hold before a disk is copied to another: both idle, the source read only, room on the target.',
  examples: ['check copy from vol-0aaaa1111 to vol-0bbbb2222 on helper01'],
  params: Pair,
  says: (target, pair) => `check copy from ${pair.source} to ${pair.target} on ${target}`,
  sends: pair => [...looks(pair.source), ...looks(pair.target)],
  effect: 'read',
  perform: async (host, { params, signal }) => {
    const [source, target] = await Promise.all([host.disk(params.source, signal), host.disk(params.target, signal)])
    return readinessOf(source, target)
  },
})

export const table = on({
  summary: 'Check the partition table of a disk. Only GPT keeps a backup that can be wrong.',
  examples: ['check disk vol-0bbbb2222 on helper01'],
  params: OneDisk,
  says: (target, { disk }) => `check disk ${disk} on ${target}`,
  sends: ({ disk }) => [...looks(disk), `sgdisk -v ${disk}`],
  effect: 'read',
  perform: (host, { params, signal }) => healthOf(host, params.disk, signal),
  shows: one => [
    `${one.disk}: ${one.table}, ${one.problems === 0 ? 'no problem' : `${one.problems} problems: ${one.first ?? ''}`}`,
  ],
})

export const copyState = on({
  summary: 'Show a copy: how far it is, how it ended, and whether it was verified.',
  examples: ['show copy shrink1 on helper01'],
  params: OneCopy,
  says: (target, { copy }) => `show copy ${copy} on ${target}`,
  sends: ({ copy }) => [`the files of copy ${copy} below ${USUAL.folder}/copies`],
  effect: 'read',
  perform: async (host, { params, signal }) => copyOf(await host.files(params.copy, signal)),
  shows: one => [
    `copy ${one.copy}: ${one.state}${one.copied === undefined ? '' : `, ${one.copied} of ${one.total} bytes`}${one.why === undefined ? '' : `: ${one.why}`}`,
    ...(one.verification === 'none' ? [] : [`verification: ${one.verification}`]),
  ],
  progress: one => {
    const [done, total, note] =
      one.verification === 'none' ? [one.copied, one.total, one.state] : [one.verified, one.toVerify, one.verification]
    return {
      ...(done !== undefined && total !== undefined && total > 0 ? { done: Math.min(1, done / total), copied: done, total } : {}),
      note,
    }
  },
})

const use = (one: { readonly mounts: readonly string[]; readonly users: readonly string[] }): string =>
  `${one.mounts.length === 0 ? '' : `, mounted at ${one.mounts.join(' ')}`}${one.users.length === 0 ? '' : `, under ${one.users.join(' ')}`}`
