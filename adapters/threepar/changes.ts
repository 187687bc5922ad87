import type { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability } from '../../src/kit/device.ts'
import { Misread, Uncertain } from '../../src/kit/errors.ts'
import { shown } from '../../src/kit/quote.ts'
import { cli, type Verb } from './commands.ts'
import { guardStart, guardStop, guardSwitchover, guardSync, type Seen, seenOf, switchoverReadyOf } from './guards.ts'
import { OneGroup } from './params.ts'
import { judgeMove, outcomeOf, type Standing, standing } from './settle.ts'
import { atWork } from './tasks.ts'
import { type StoreServ, SWITCHOVER } from './wire.ts'

const on = capability<StoreServ>()
type Of = Call<z.infer<typeof OneGroup>>

export const start = on({
  ...change('start', 'disruptive', async (_, seen) => guardStart(seen)),
  summary:
    'Start a remote copy group: its volumes are copied to the partner and kept equal from then on. What the partner had is overwritten.',
  examples: ['start remote copy group rcg_sql01 on array01'],
  says: (target, { group }) => `start remote copy group ${group} on ${target}`,
})

export const stop = on({
  ...change('stop', 'disruptive', async (_, seen) => guardStop(seen)),
  summary: 'Stop a remote copy group. Until it is started again nothing protects its volumes: set an alarm.',
  examples: ['stop remote copy group rcg_sql01 on array01'],
  says: (target, { group }) => `stop remote copy group ${group} on ${target}`,
})

export const sync = on({
  ...change('sync', 'routine', async (_, seen) => guardSync(seen)),
  summary: 'Sync a remote copy group now, without waiting for its period. It begins and is not waited for.',
  examples: ['sync remote copy group rcg_files01 on array01'],
  says: (target, { group }) => `sync remote copy group ${group} on ${target}`,
})

export const switchover = on({
  ...change('switchover', 'disruptive', async (array, seen, { signal }) =>
    guardSwitchover(seen, switchoverReadyOf(seen, await array.tasks(signal), await array.hostPaths(signal))),
  ),
  summary:
    'Switch a Peer Persistence group over: the partner becomes its primary, and the paths of the hosts turn round. Hosts go on.',
  examples: ['switch over remote copy group rcg_sql01 on array01'],
  says: (target, { group }) => `switch over remote copy group ${group} on ${target}`,
})

/** What all changes of a group have in common: the guard, the command, and the state that proves it. */
function change<R extends 'routine' | 'disruptive'>(
  verb: Verb,
  risk: R,
  guard: (array: StoreServ, seen: Seen, call: Of) => Promise<void>,
) {
  // A switchover is work for a task, and while it is at work the state says nothing.
  const look = async (array: StoreServ, { params: { group }, signal }: Of): Promise<Standing> =>
    standing(await array.find(group, signal), verb === 'switchover' ? atWork(await array.tasks(signal), group).length : undefined)
  return {
    params: OneGroup,
    sends: ({ group }: { readonly group: string }) => [shown(cli.change(verb, group))],
    effect: {
      risk,
      // It answers when its tasks are through.
      ...(verb === 'switchover' ? { takes: SWITCHOVER } : {}),
      claims: ({ group }: z.infer<typeof OneGroup>) => [exclusive('remote-copy-group', group, 'state')],
      inDoubt: {
        ask: 'device' as const,
        look,
        judge: (before: Standing, now: Standing, { group }: z.infer<typeof OneGroup>) => judgeMove(verb, group, before, now),
      },
    },
    perform: async (array: StoreServ, call: Of) => {
      const { group } = call.params
      const before = await look(array, call)
      const seen = seenOf(group, await array.remoteCopy(call.signal))
      sameVolumes(group, before, standing(seen.group))
      await guard(array, seen, call)
      const sent = await array.send(verb, group, call)
      return outcomeOf(verb, group, before, await afterwards(() => look(array, call)), sent)
    },
  }
}

/** No line ends a listing: a volume that is in one of two answers only was cut off, or has just been taken in or out. */
function sameVolumes(group: string, one: Standing, two: Standing): void {
  const [some, others] = [one, two].map(({ volumes }) => volumes.map(({ volume }) => volume).join(', '))
  if (some !== others)
    throw new Misread(`two answers disagree on the volumes of ${group}: ${some || 'none'}, and ${others || 'none'}`, '')
}

/** Once something was sent, a look that fails must never read as "nothing was sent". */
async function afterwards<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Uncertain(`it was sent and answered, and what came of it could not be read: ${why}`, { cause })
  }
}
