import { z } from 'zod'
import { exclusive, shared } from '../../src/kit/claims.ts'
import { type Call, capability } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import { shown } from '../../src/kit/quote.ts'
import { check } from './check.ts'
import { powermig, USUAL, type Verb } from './commands.ts'
import { OneSession, Pair } from './params.ts'
import { guardSetup } from './preflight.ts'
import { guardFree, guardMove, judgeMove, judgeSetup, outcomeOf, pairs, standing } from './settle.ts'
import type { PowerPathHost } from './wire.ts'

const on = capability<PowerPathHost>()
const mig = powermig(USUAL)

export const setup = on({
  summary: 'Set up a host copy from one disk to another. Nothing is copied yet.',
  examples: ['set up migration from harddisk5 to harddisk8 on sql01'],
  params: Pair,
  says: (target, pair) => `set up migration from ${pair.source} to ${pair.target} on ${target}`,
  sends: pair => [shown(mig.setup(pair.source, pair.target))],
  effect: {
    risk: 'routine',
    claims: pair => [exclusive('disk', pair.source), exclusive('disk', pair.target)],
    inDoubt: {
      ask: 'device',
      look: async (host, { params, signal }) => pairs(await host.sessions(signal), params.source, params.target),
      judge: judgeSetup,
    },
  },
  perform: async (host, call) => {
    const { source, target } = call.params
    guardSetup(await check(host, call.params, call.signal))
    guardFree(await host.sessions(call.signal), source, target)
    const sent = await host.setup(source, target, call)
    if (sent.saidYes && sent.session !== undefined) return { session: sent.session }
    // A no with a session behind it is not a no: the list is asked before anybody believes the exit status.
    const { handles } = pairs(await afterwards(() => host.sessions(call.signal)), source, target)
    if (handles.length === 0) throw new Refused(sent.said)
    throw new Uncertain(`setup was answered with "${sent.said}", and session ${handles.join(', ')} is on these disks`)
  },
})

export const throttle = on({
  summary: 'Set how much of the time a copy may take: 0 is all of it, 9 is one percent, 2 is what it starts with.',
  examples: ['throttle session 1 on sql01 to 0'],
  params: OneSession.extend({ level: z.number().int().min(0).max(9) }),
  says: (target, { session, level }) => `throttle session ${session} on ${target} to ${level}`,
  sends: ({ session, level }) => [shown(mig.throttle(session, level))],
  effect: {
    risk: 'routine',
    // Shared, so that people can slow a copy down or speed it up while the run that began it goes on.
    claims: ({ session }) => [shared('session', session, 'throttle')],
    inDoubt: { ask: 'nobody' }, // setting a state: twice is as good as once
  },
  perform: async (host, call) => {
    const { session, level } = call.params
    const { state } = standing(await host.sessions(call.signal), session)
    if (['none', 'committed', 'aborted'].includes(state))
      throw new Refused(
        state === 'none'
          ? `there is no session ${session} in the list`
          : `session ${session} is ${state}: it copies nothing any more`,
      )
    const sent = await host.throttle(session, level, call)
    if (!sent.saidYes) throw new Refused(sent.said)
    return { session, level }
  },
})

export const sync = on({
  ...move('sync', 'routine'),
  summary: 'Start the copy. It ends in sourceSelected, with the target kept equal from then on.',
  examples: ['sync session 1 on sql01'],
  says: (target, { session }) => `sync session ${session} on ${target}`,
})

export const pause = on({
  ...move('pause', 'routine'),
  summary: 'Pause a copy.',
  examples: ['pause session 1 on sql01'],
  says: (target, { session }) => `pause session ${session} on ${target}`,
})

export const resume = on({
  ...move('resume', 'routine'),
  summary: 'Go on with a paused copy.',
  examples: ['resume session 1 on sql01'],
  says: (target, { session }) => `resume session ${session} on ${target}`,
})

export const selectTarget = on({
  ...move('selectTarget', 'disruptive'),
  summary: 'Cut over: the target serves reads and writes, and the source still gets the writes.',
  examples: ['select target of session 1 on sql01'],
  says: (target, { session }) => `select target of session ${session} on ${target}`,
})

export const selectSource = on({
  ...move('selectSource', 'disruptive'),
  summary: 'Go back: the source serves reads and writes again, and the target still gets the writes.',
  examples: ['select source of session 1 on sql01'],
  says: (target, { session }) => `select source of session ${session} on ${target}`,
})

export const commit = on({
  ...move('commit', 'destructive'),
  summary: 'End the mirroring to the source. There is no way back from here but a backup.',
  examples: ['commit session 1 on sql01'],
  says: (target, { session }) => `commit session ${session} on ${target}`,
})

export const abort = on({
  ...move('abort', 'disruptive'),
  summary: 'Give a migration up before the target is selected. The source goes on as before.',
  examples: ['abort session 1 on sql01'],
  says: (target, { session }) => `abort session ${session} on ${target}`,
})

export const cleanup = on({
  ...move('cleanup', 'routine'),
  summary: 'Remove the record of a session that is committed or aborted.',
  examples: ['clean up session 1 on sql01'],
  says: (target, { session }) => `clean up session ${session} on ${target}`,
})

/** What all changes of a session's state have in common: the guard, the command, and the state that proves it. */
function move<R extends 'routine' | 'disruptive' | 'destructive'>(verb: Verb, risk: R) {
  type Of = Call<z.infer<typeof OneSession>>
  const look = async (host: PowerPathHost, { params, signal }: Of) => standing(await host.sessions(signal), params.session)
  return {
    params: OneSession,
    sends: ({ session }: { readonly session: number | string }) => [shown(mig.verb(verb, session))],
    effect: {
      risk,
      claims: ({ session }: z.infer<typeof OneSession>) => [exclusive('session', session, 'state')],
      inDoubt: {
        ask: 'device' as const,
        look,
        judge: (
          before: Awaited<ReturnType<typeof look>>,
          now: Awaited<ReturnType<typeof look>>,
          { session }: z.infer<typeof OneSession>,
        ) => judgeMove(verb, session, before, now),
      },
    },
    perform: async (host: PowerPathHost, call: Of) => {
      const { session } = call.params
      const before = await look(host, call)
      guardMove(verb, session, before)
      const sent = await host.send(verb, session, call)
      return outcomeOf(verb, session, before, await afterwards(() => look(host, call)), sent)
    },
  }
}

/** Once something was sent, a look that fails must never read as "nothing was sent". */
async function afterwards<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (cause) {
    throw new Uncertain(
      `it was sent and answered, and what came of it could not be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}
