import { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability, type Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import { serialOf } from './find.ts'
import { OneDisk } from './params.ts'
import { afterwards } from './settle.ts'
import { type Health, healthOf } from './table-health.ts'
import { type LinuxHost, TAKES } from './wire.ts'

const on = capability<LinuxHost>()

export const setReadOnly = on({
  ...setting(true),
  summary:
    'Set a disk read only, so that the kernel lets nobody write to it. It lasts until the disk is detached or the host starts anew.',
  examples: ['set disk vol-0aaaa1111 read only on helper01'],
  says: (target, { disk }) => `set disk ${disk} read only on ${target}`,
})

export const setReadWrite = on({
  ...setting(false),
  summary: 'Let a disk be written again.',
  examples: ['set disk vol-0aaaa1111 read write on helper01'],
  says: (target, { disk }) => `set disk ${disk} read write on ${target}`,
})

export const repair = on({
  summary:
    'Repair the partition table of a disk: the backup of a GPT goes to where the disk ends. Where nothing is wrong, nothing is sent.',
  examples: ['repair partition table of disk vol-0bbbb2222 on helper01'],
  params: OneDisk,
  says: (target, { disk }) => `repair partition table of disk ${disk} on ${target}`,
  sends: ({ disk }) => [`sgdisk -e ${disk}`],
  effect: {
    risk: 'disruptive',
    takes: TAKES,
    claims: ({ disk }) => [exclusive('disk', serialOf(disk))],
    inDoubt: {
      ask: 'device',
      look: (host, { params, signal }) => healthOf(host, params.disk, signal),
      judge: judgeRepair,
    },
  },
  perform: async (host, call) => {
    const { disk } = call.params
    const before = await healthOf(host, disk, call.signal)
    if (before.problems === 0) return { ...before, repaired: false }
    if (before.table !== 'gpt')
      throw new Refused(`${disk} has a table of the kind ${before.table}, and only a GPT has a backup to repair`)
    if (before.beyond > 0)
      throw new Refused(
        `${before.beyond} partitions of ${disk} reach beyond its end: their data is not on it, and no repair brings it back`,
      )
    // That it is not mounted is seen by the command itself, in one breath with the write.
    const sent = await host.repair({ path: before.path, mark: before.mark }, call)
    const after = await afterwards(() => healthOf(host, disk, call.signal))
    if (after.problems === 0) return { ...after, repaired: true }
    if (sent.no !== undefined || (!sent.saidYes && after.problems === before.problems)) throw new Refused(sent.said)
    throw new Uncertain(`sgdisk answered "${sent.said}", and finds ${after.problems} problems now: ${after.first ?? ''}`)
  },
})

/** From something wrong to nothing wrong is this repair: the disk is claimed, and its host is asked by nobody else. */
function judgeRepair(before: Health, now: Health): Verdict<Health & { readonly repaired: boolean }> {
  if (now.problems === 0) return { done: true, result: { ...now, repaired: before.problems > 0 } }
  if (now.problems === before.problems && now.first === before.first) return { done: false }
  return { done: 'unknown', why: `the partition table had ${before.problems} problems, and has ${now.problems} now` }
}

function setting(readOnly: boolean) {
  type P = { readonly disk: string }
  return {
    params: OneDisk,
    sends: ({ disk }: P) => [`blockdev ${readOnly ? '--setro' : '--setrw'} ${disk}`],
    effect: {
      risk: 'routine' as const,
      takes: TAKES,
      claims: ({ disk }: P) => [exclusive('disk', serialOf(disk))],
      inDoubt: { ask: 'nobody' as const }, // setting a state: twice is as good as once
    },
    perform: async (host: LinuxHost, call: Call<P>) => {
      const { disk } = call.params
      const { found, mounts } = await host.device(disk, call.signal)
      if (mounts.length > 0) throw new Refused(`${disk} is mounted at ${mounts.join(', ')}`)
      const sent = await host.set(found, readOnly, call)
      const after = await afterwards(() => host.device(disk, call.signal))
      if (after.readOnly === readOnly) return { disk, path: after.found.path, readOnly: after.readOnly }
      if (!sent.saidYes) throw new Refused(sent.said)
      throw new Uncertain(`it was answered with a yes, and ${disk} is ${after.readOnly ? 'read only' : 'not read only'}`)
    },
  }
}
