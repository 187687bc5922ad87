import { z } from 'zod'
import type { Digest, Person } from '../domain/ids.ts'
import { HOUSE_TARGET, type Rulebook } from '../domain/rulebook.ts'
import { exclusive } from '../kit/claims.ts'
import { adapter, type Call, capability, type Device } from '../kit/device.ts'
import { Refused } from '../kit/errors.ts'
import type { Store } from '../ports/store.ts'
import { scheduling } from './scheduling.ts'

/** The name of the house among its targets, and of its kind. */
export const OWN = HOUSE_TARGET

/** What the house has to do with itself: it is a device like any other, so that rules, gates and the log hold for it too. */
export interface OwnParts {
  readonly store: Pick<Store, 'keep'>
  /** The rules of the site file where they are not the ones that hold. */
  offered(): Promise<{ readonly digest: Digest; readonly rulebook: Rulebook } | undefined>
}

const by = z.string().transform(it => it as Person)
const scope = z.string().min(1).max(128)
const because = z.string().min(1)
const change = capability<Device>()

/** Everything it does is a line in the ledger that carries the intent's id: the same one twice is one line. */
export const ownAdapter = ({ store, offered }: OwnParts) =>
  adapter({
    name: OWN,
    summary: 'What Signalbox keeps about itself: freezes, schedules, and the rules that hold',
    settings: z.strictObject({}),
    connect: (): Device => ({ close: () => Promise.resolve() }),
    capabilities: {
      freeze: change({
        summary: 'let nothing be changed on some targets',
        examples: ['freeze production until mon 08:00 because "quarter end"'],
        params: z.object({ scope, until: z.number(), because, by }),
        says: (_, { scope, until, because }) =>
          `freeze ${scope} until ${typeof until === 'number' ? new Date(until).toISOString().slice(0, 16).replace('T', ' ') : until} UTC: ${because}`,
        sends: () => [],
        effect: {
          risk: 'routine',
          claims: ({ scope }) => [exclusive('freeze', scope.toLowerCase())],
          inDoubt: { ask: 'nobody' },
        },
        async perform(_, { params: { scope, until, because, by }, intent: key, go }: Call<Frozen>) {
          go()
          await store.keep(({ keys }) => (keys.has(key) ? [] : [{ type: 'freeze.begun', scope, until, by, because, key }]))
          return { until }
        },
      }),
      thaw: change({
        summary: 'end a freeze before its time',
        examples: ['thaw production because "the books are closed"'],
        params: z.object({ scope, because, by }),
        says: (_, { scope, because }) => `thaw ${scope}: ${because}`,
        sends: () => [],
        effect: {
          risk: 'disruptive',
          claims: ({ scope }) => [exclusive('freeze', scope.toLowerCase())],
          inDoubt: { ask: 'nobody' },
        },
        async perform(_, { params: { scope, because, by }, intent: key, go }: Call<Thawed>) {
          go()
          const ledger = await store.keep(({ keys, freezes }) =>
            keys.has(key) || !freezes.has(scope.toLowerCase()) ? [] : [{ type: 'freeze.ended', scope, by, because, key }],
          )
          if (!ledger.keys.has(key)) throw new Refused(`nothing called ${scope} is frozen; \`show windows\` says what is`)
        },
      }),
      ...scheduling(store),
      'accept-policy': change({
        summary: 'let the changed rules of the site file hold',
        examples: ['accept policy'],
        params: z.object({ digest: z.string().transform(it => it as Digest), by }),
        says: (_, { digest }) => `let the changed policy hold (${String(digest).slice(0, 10)})`,
        sends: () => [],
        effect: { risk: 'disruptive', claims: () => [exclusive('policy')], inDoubt: { ask: 'nobody' } },
        async perform(_, { params: { digest, by }, intent: key, go }: Call<{ readonly digest: Digest; readonly by: Person }>) {
          const change = await offered()
          if (change?.digest !== digest)
            throw new Refused(
              'the site file does not say any more what was approved; say `accept policy` again to see what it says now',
            )
          go()
          const { rulebook } = change
          await store.keep(({ keys }) => (keys.has(key) ? [] : [{ type: 'policy.accepted', digest, rulebook, by, key }]))
        },
      }),
    },
    readings: {},
    cannot: [],
  })

interface Thawed {
  readonly scope: string
  readonly because: string
  readonly by: Person
}
interface Frozen extends Thawed {
  readonly until: number
}
