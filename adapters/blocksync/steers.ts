import { z } from 'zod'
import { exclusive, shared } from '../../src/kit/claims.ts'
import { type Call, capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { shown, type Word } from '../../src/kit/quote.ts'
import { readStatus, readWish, type SyncState, stateOf } from './answers.ts'
import { commands, USUAL } from './commands.ts'
import { OneSync, SyncName } from './params.ts'
import { type Mover, STARTS } from './wire.ts'

const on = capability<Mover>()
const usual = commands(USUAL)
type Of = Call<z.infer<typeof OneSync>>

/** Shared, so that people can steer a sync while the run that began it goes on. */
const claims = ({ sync }: { readonly sync: string }) => [shared('sync', sync, 'pace')]
const nobody = { ask: 'nobody' } as const // setting a state: twice is as good as once

const MOVING: readonly SyncState[] = ['running', 'paused']

/** Throws Refused unless it stands where this makes sense. */
async function standing(mover: Mover, sync: string, signal: AbortSignal, where: readonly SyncState[]): Promise<void> {
  const state = stateOf(await mover.status(sync, signal))
  if (where.includes(state)) return
  throw new Refused(
    state === 'none' ? `there is no sync ${sync}` : `sync ${sync} is ${state}, and this wants ${where.join(' or ')}`,
  )
}

export const pause = steer('pause', 'Let a sync stand still.', MOVING, sync => usual.pause(sync), 'paused')
export const cancel = steer(
  'cancel',
  'End a sync. What is done is kept: a resume goes on from there.',
  [...MOVING, 'cancelled'],
  sync => usual.cancel(sync),
  'cancelled',
)

function steer(
  verb: 'pause' | 'cancel',
  summary: string,
  where: readonly SyncState[],
  preview: (sync: string) => readonly Word[],
  asked: 'paused' | 'cancelled',
) {
  return on({
    summary,
    examples: [`${verb} sync web01-1 on dr`],
    params: OneSync,
    says: (host, { sync }) => `${verb} sync ${sync} on ${host}`,
    sends: ({ sync }) => [shown(preview(sync))],
    effect: { risk: verb === 'cancel' ? 'disruptive' : 'routine', claims, inDoubt: nobody },
    perform: async (mover, call) => {
      const { sync } = call.params
      await standing(mover, sync, call.signal, where)
      await mover.change(mover.say[verb](sync), readWish, call)
      return { sync, asked }
    },
  })
}

export const limit = on({
  summary: 'Limit how fast a sync may go, or lift the limit.',
  examples: ['limit sync web01-1 on dr to 20MB/s', 'limit sync web01-1 on dr to full'],
  params: z.object({ sync: SyncName, rate: z.number().int().min(0).max(99_999_999_999) }),
  says: (host, { sync, rate }) => `limit sync ${sync} on ${host} to ${rate === 0 ? 'full' : `${rate}B/s`}`,
  sends: ({ sync, rate }) => [shown(usual.limit(sync, rate))],
  effect: { risk: 'routine', claims: params => claims(params), inDoubt: nobody },
  perform: async (mover, call) => {
    const { sync, rate } = call.params
    await standing(mover, sync, call.signal, [...MOVING, 'dead', 'failed', 'cancelled'])
    await mover.change(mover.say.limit(sync, rate), readWish, call)
    return { sync, rate }
  },
})

export const resume = on({
  summary: 'Go on with a sync that is paused, or start one again that died, failed or was cancelled.',
  examples: ['resume sync web01-1 on dr'],
  params: OneSync,
  says: (host, { sync }) => `resume sync ${sync} on ${host}`,
  sends: ({ sync }) => [shown(usual.resume(sync))],
  effect: { risk: 'routine', takes: STARTS, claims, inDoubt: nobody },
  perform: async (mover, call) => {
    const { sync } = call.params
    await standing(mover, sync, call.signal, [...MOVING, 'dead', 'failed', 'cancelled', 'done'])
    const begun = await mover.change(mover.say.resume(sync), readStatus, call)
    return { sync, state: stateOf(begun) }
  },
})

export const cleanup = on({
  summary: 'Remove the work of a sync that has ended. What it moved stays.',
  examples: ['clean up sync web01-1 on dr'],
  params: OneSync,
  says: (host, { sync }) => `clean up sync ${sync} on ${host}`,
  sends: ({ sync }) => [shown(usual.forget(sync))],
  effect: {
    risk: 'routine',
    claims: ({ sync }) => [exclusive('sync', sync)],
    inDoubt: {
      ask: 'device',
      look: async (mover, { params, signal }: Of) => ({ state: stateOf(await mover.status(params.sync, signal)) }),
      judge: (before, now, { sync }) =>
        before.state !== 'none' && now.state === 'none'
          ? { done: true, result: { sync, state: 'none' as SyncState } }
          : before.state === now.state
            ? { done: false }
            : { done: 'unknown', why: `sync ${sync} was ${before.state}, and is ${now.state} now` },
    },
  },
  perform: async (mover, call) => {
    const { sync } = call.params
    await standing(mover, sync, call.signal, ['done', 'failed', 'cancelled', 'dead'])
    const after = await mover.change(mover.say.forget(sync), readStatus, call)
    return { sync, state: stateOf(after) }
  },
})

/** For whoever tidies up after a run, however far that came: what is not there or not at work is left as it is. */
export const halt = on({
  summary: 'End a sync if it still goes on.',
  examples: ['halt sync protect-web01 on dr'],
  params: OneSync,
  says: (host, { sync }) => `halt sync ${sync} on ${host}`,
  sends: ({ sync }) => [shown(usual.cancel(sync))],
  effect: { risk: 'routine', claims, inDoubt: nobody },
  perform: async (mover, call) => {
    const { sync } = call.params
    const state = stateOf(await mover.status(sync, call.signal))
    if (MOVING.includes(state)) await mover.change(mover.say.cancel(sync), readWish, call)
    return { sync, was: state }
  },
})

export const tidy = on({
  summary: 'Remove the work of a sync that has ended, if there is any. What it moved stays.',
  examples: ['tidy sync protect-web01 on dr'],
  params: OneSync,
  says: (host, { sync }) => `tidy sync ${sync} on ${host}`,
  sends: ({ sync }) => [shown(usual.forget(sync))],
  effect: { risk: 'routine', claims: ({ sync }) => [exclusive('sync', sync)], inDoubt: nobody },
  perform: async (mover, call) => {
    const { sync } = call.params
    const state = stateOf(await mover.status(sync, call.signal))
    if (MOVING.includes(state)) throw new Refused(`sync ${sync} is ${state}: halt it first`)
    if (state !== 'none') await mover.change(mover.say.forget(sync), readStatus, call)
    return { sync, was: state }
  },
})
