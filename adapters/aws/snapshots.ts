import { exclusive, shared } from '../../src/kit/claims.ts'
import { Misread, Refused } from '../../src/kit/errors.ts'
import { snapshotIn, yesIn } from './answers.ts'
import { about, INTENT, isKept, moved, on, SETTLED, type Trace, tagsFor, token } from './change.ts'
import { OneSnapshot, OneVolume } from './params.ts'
import { findSnapshot, snapshotOf, snapshotsBy, volumeOf } from './view.ts'
import { request, shown } from './wire.ts'

export const snapshotVolume = on({
  summary:
    'Take a snapshot of a volume. It shows the moment of the request, whenever it is completed; stop or freeze the guest before.',
  examples: ['snapshot volume vol-0abc on aws01'],
  params: OneVolume,
  says: (target, { volume }) => `snapshot volume ${volume} on ${target}`,
  sends: ({ volume }) => [shown(request('CreateSnapshot', { VolumeId: volume }))],
  effect: {
    risk: 'routine',
    takes: SETTLED,
    claims: ({ volume }) => [shared('volume', volume)],
    inDoubt: {
      ask: 'device',
      // CreateSnapshot takes no token. The tag is set by the same request, and no other intent has it.
      look: async (region, call): Promise<Trace> => {
        const [mine] = await snapshotsBy(region, `tag:${INTENT}`, [token(call)], call.signal)
        return mine ? { stands: 'there', made: mine.SnapshotId } : { stands: 'absent' }
      },
      judge: (before, now) => {
        const verdict = moved(['absent'], ['there'])<Made>(before, now)
        return verdict.done === true && now.made !== undefined ? { done: true, result: { snapshot: now.made } } : verdict
      },
    },
  },
  perform: async (region, call): Promise<Made> => {
    const { volume } = call.params
    const disk = await volumeOf(region, volume, call.signal)
    if (!['available', 'in-use'].includes(disk.State))
      throw new Refused(`${volume} is ${disk.State}, and this wants available or in-use`)
    const asked = request('CreateSnapshot', {
      VolumeId: volume,
      Description: `${volume}, ${call.intent}`,
      ...tagsFor(region, call, undefined, ['snapshot']),
    })
    const made = await region.change(
      asked,
      answer => {
        const one = snapshotIn(answer)
        about(one.VolumeId, volume)
        if (one.State === undefined) throw new Misread('the answer of create-snapshot has no state', JSON.stringify(one))
        return one
      },
      call,
    )
    return { snapshot: made.SnapshotId, volume, state: made.State!, gib: made.VolumeSize }
  },
})

/** After a doubt only the id is known; whoever goes on watches the snapshot anyway. */
export interface Made {
  readonly snapshot: string
  readonly volume?: string
  readonly state?: string
  readonly gib?: number
}

export const deleteSnapshot = on({
  summary: 'Delete a snapshot that no image uses. Never when it is to be kept.',
  examples: ['delete snapshot snap-0abc on aws01'],
  params: OneSnapshot,
  says: (target, { snapshot }) => `delete snapshot ${snapshot} on ${target}`,
  sends: ({ snapshot }) => [shown(request('DeleteSnapshot', { SnapshotId: snapshot }))],
  effect: {
    risk: 'destructive',
    takes: SETTLED,
    claims: ({ snapshot }) => [exclusive('snapshot', snapshot)],
    inDoubt: {
      ask: 'device',
      look: async (region, { params, signal }): Promise<Trace> => ({
        stands: (await findSnapshot(region, params.snapshot, signal)) ? 'there' : 'absent',
      }),
      judge: moved(['there'], ['absent']),
    },
  },
  perform: async (region, call) => {
    const { snapshot } = call.params
    const one = await snapshotOf(region, snapshot, call.signal)
    if (isKept(one)) throw new Refused(`${snapshot} has the tag signalbox:keep`)
    await region.change(request('DeleteSnapshot', { SnapshotId: snapshot }), yesIn('delete-snapshot'), call)
    return { snapshot, state: 'deleted', gib: one.VolumeSize }
  },
})
