import { z } from 'zod'
import type { Place } from '../domain/chat.ts'
import type { Person } from '../domain/ids.ts'
import { type Schedule, type Scheduled, saysWhen, type When } from '../domain/schedule.ts'
import { exclusive } from '../kit/claims.ts'
import { type Call, capability, type Device } from '../kit/device.ts'
import { Refused } from '../kit/errors.ts'
import type { Store } from '../ports/store.ts'

const change = capability<Device>()
const by = z.string().transform(it => it as Person)
/** Made by the engine out of a sentence, and checked there; here only its outline. */
const given = <T>() => z.looseObject({}).transform(it => it as unknown as T)

const Made = z.object({
  title: z.string().min(1),
  command: given<Scheduled>(),
  when: given<When>(),
  place: given<Place>(),
  late: z.enum(['run', 'skip', 'ring']),
  busy: z.enum(['skip', 'queue', 'ring']),
  spread: z.number().optional(),
  by,
})
type Made = Omit<Schedule, 'id' | 'since' | 'from' | 'paused'>

const About = z.object({ id: z.string(), title: z.string(), because: z.string().optional(), by })
interface About {
  readonly id: string
  readonly title: string
  readonly because?: string | undefined
  readonly by: Person
}

/** What is done by itself, again and again or once: lines in the ledger, as everything that the house remembers. */
export const scheduling = (store: Pick<Store, 'keep'>) => ({
  schedule: change({
    summary: 'ask for a change by itself, again and again or once',
    examples: ['every sat at 02:00 migrate harddisk5 to harddisk14 on sql01'],
    params: Made,
    says: (_, { when, spread, title }) => {
      const plan = { when: when as When, ...(spread === undefined ? {} : { spread: spread as number }) }
      return `${saysWhen(plan, 0)}: ${title}`
    },
    sends: () => [],
    effect: { risk: 'routine', claims: () => [exclusive('schedules')], inDoubt: { ask: 'nobody' } },
    async perform(_, { params, intent: key, go }: Call<Made>) {
      go()
      const { schedules } = await store.keep(({ keys, schedulesMade }) =>
        keys.has(key) ? [] : [{ ...params, type: 'schedule.made', id: `S${schedulesMade + 1}`, key }],
      )
      // The newest that is like it: after a second sending the first one is there already.
      const made = [...schedules.values()].reverse().find(({ title }) => title === params.title)
      return made ? { schedule: made.id } : {}
    },
  }),
  'pause-schedule': changed(store, 'pause', 'let a schedule take no turns', 'schedule.paused'),
  'resume-schedule': changed(store, 'resume', 'let a schedule take its turns again, from now on', 'schedule.resumed'),
  'end-schedule': changed(store, 'end', 'end a schedule for good; what it began goes on', 'schedule.ended'),
})

const changed = (
  store: Pick<Store, 'keep'>,
  verb: string,
  summary: string,
  type: 'schedule.paused' | 'schedule.resumed' | 'schedule.ended',
) =>
  change({
    summary,
    examples: [`${verb} schedule S3`],
    params: About,
    says: (_, { id, title }) => `${verb} schedule ${id} (${title})`,
    sends: () => [],
    effect: { risk: 'routine', claims: ({ id }) => [exclusive('schedules', id)], inDoubt: { ask: 'nobody' } },
    async perform(_, { params: { id, because, by }, intent: key, go }: Call<About>) {
      go()
      const { keys } = await store.keep(({ keys, schedules }) =>
        keys.has(key) || !schedules.has(id) ? [] : [{ type, id, by, ...(because === undefined ? {} : { because }), key }],
      )
      if (!keys.has(key)) throw new Refused(`there is no schedule ${id} any more; \`show schedules\` says which there are`)
    },
  })
