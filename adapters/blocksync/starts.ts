import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { capability, type Shown, type Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import { argumentsOf, shown, type Word } from '../../src/kit/quote.ts'
import { readStatus, type Status, type SyncState, stateOf } from './answers.ts'
import { commands, detached, requestOf, USUAL } from './commands.ts'
import { File, Kept, Point, SetNumber, Source, SyncName } from './params.ts'
import { type Mover, STARTS } from './wire.ts'

const on = capability<Mover>()

interface Spec<P extends { readonly sync: string }> {
  readonly summary: string
  readonly examples: readonly string[]
  readonly params: z.ZodType<P>
  says(target: string, params: Shown<NoInfer<P>>): string
  words(say: ReturnType<typeof commands>, params: Shown<NoInfer<P>>): readonly Word[]
  claims(params: NoInfer<P>): readonly ReturnType<typeof exclusive>[]
}

/** Whether the work folder is taken, by this very request, and which process took it. */
export interface Trace {
  readonly there: boolean
  readonly ours: boolean
  readonly start?: string
}

export interface Started {
  readonly sync: string
  readonly state: SyncState
}

/** What all starts have in common: the name is looked at, the mover is started on its own, and its work folder is the trace. */
const start = <P extends { readonly sync: string }>(spec: Spec<P>) =>
  on<P, Started, Trace>({
    summary: spec.summary,
    examples: spec.examples,
    params: spec.params,
    says: (target, params) => spec.says(target, params),
    sends: params => [`${shown(spec.words(commands(USUAL), params))} --detach`],
    effect: {
      risk: 'routine',
      takes: STARTS,
      claims: params => [exclusive('sync', params.sync, 'start'), ...spec.claims(params)],
      inDoubt: {
        ask: 'device',
        look: async (mover, { params, signal, intent }) => {
          const status = await mover.status(params.sync, signal)
          const { request } = status
          return {
            there: status.state !== 'none',
            ours: request?.intent === intent || isOurs(status, spec.words(mover.say, params)),
            ...(request === undefined ? {} : { start: request.start }),
          }
        },
        judge: (before, now, { sync }) => judge(before, now, sync),
      },
    },
    perform: async (mover, call) => {
      const { sync } = call.params
      const words = spec.words(mover.say, call.params)
      const before = await mover.status(sync, call.signal)
      if (before.state !== 'none' && !isOurs(before, words))
        throw new Refused(`sync ${sync} is the name of another request: clean it up when it has ended, or say another name`)
      const stands = stateOf(before)
      // The same request that lives or is done is what was asked for.
      if (['running', 'paused', 'done'].includes(stands)) return { sync, state: stands }
      const begun = await mover.change(detached(words, call.intent), readStatus, call)
      if (!isOurs(begun, words)) throw new Uncertain(`it said yes, and ${sync} is at work on something else`)
      return { sync, state: stateOf(begun) }
    },
  })

const isOurs = ({ request }: Status, words: readonly Word[]): boolean =>
  request !== undefined && requestOf(request.words) === requestOf(argumentsOf(words))

/** Only a process that was not there before, on this very request, proves that it was started. */
function judge(before: Trace, now: Trace, sync: string): Verdict<Started> {
  if (!now.there) return before.there ? { done: 'unknown', why: `the work of sync ${sync} has gone meanwhile` } : { done: false }
  if (!now.ours) return { done: 'unknown', why: `sync ${sync} is at work on another request` }
  return before.there && before.start === now.start ? { done: false } : { done: true }
}

export const push = start({
  summary: 'Push one disk: one more generation of it in the store.',
  examples: [
    'push disk web01-2000 from /dev/vg0/web01-snap to dr as sync web01-1',
    'push disk web01-2000 from nbd://10.0.0.7:10809/web01 with changes /srv/web01.txt at point snap-7 to dr as sync web01-1',
    'push disk web01-2000 from "nbd+unix:///web01?socket=/run/web01.sock" to dr as sync web01-1',
  ],
  params: z.object({ disk: Kept, source: Source, changes: File.optional(), point: Point.optional(), sync: SyncName }),
  says: (host, { disk, source, changes, point, sync }) =>
    [
      `push disk ${disk} from ${spoken(source)}`,
      ...(changes === undefined ? [] : [`with changes ${spoken(changes)}`]),
      ...(point === undefined ? [] : [`at point ${spoken(point)}`]),
      `to ${host} as sync ${sync}`,
    ].join(' '),
  words: (say, { sync, disk, source, changes, point }) => say.push(sync, disk, source, changes, point),
  claims: ({ disk }) => [exclusive('disk', disk)],
})

export const pushOrder = start({
  summary: 'Push all disks of a machine as an order says, and make that one recovery point.',
  examples: [
    'push order /srv/orders/web01.json as sync web01-1 on dr',
    `push order /srv/orders/web01.json digest ${'3fa9c1e0'.repeat(8)} as sync web01-1 on dr`,
  ],
  params: z.object({
    order: File,
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
    sync: SyncName,
  }),
  says: (host, { order, digest, sync }) =>
    `push order ${spoken(order)}${digest === undefined ? '' : ` digest ${digest}`} as sync ${sync} on ${host}`,
  words: (say, { sync, order, digest }) => say.pushOrder(sync, order, digest),
  claims: () => [],
})

const OfMachine = z.object({ machine: Kept, set: SetNumber.optional(), sync: SyncName })
const ofSet = ({ machine, set }: { readonly machine: string; readonly set?: number | string | undefined }): string =>
  set === undefined ? machine : `set ${set} of ${machine}`

export const pull = start({
  summary: 'Make images of all disks of a machine, as they were at one moment. The newest, if no set is said.',
  examples: ['pull web01 as sync back-1 on dr', 'pull set 3 of web01 as sync back-1 on dr'],
  params: OfMachine,
  says: (host, params) => `pull ${ofSet(params)} as sync ${params.sync} on ${host}`,
  words: (say, { sync, machine, set }) => say.pull(sync, machine, set),
  claims: ({ machine }) => [exclusive('images', machine)],
})

export const publish = start({
  summary: 'Make snapshots in EBS of all disks of a machine, as they were at one moment.',
  examples: ['publish web01 to ebs as sync ebs-1 on dr', 'publish set 3 of web01 to ebs as sync ebs-1 on dr'],
  params: OfMachine,
  says: (host, params) => `publish ${ofSet(params)} to ebs as sync ${params.sync} on ${host}`,
  words: (say, { sync, machine, set }) => say.publish(sync, machine, set),
  claims: ({ machine }) => [exclusive('ebs', machine)],
})

export const verify = start({
  summary: 'Read all that the store has of a disk, and say what is bad.',
  examples: ['verify web01-2000 as sync check-1 on dr'],
  params: z.object({ disk: Kept, sync: SyncName }),
  says: (host, { disk, sync }) => `verify ${disk} as sync ${sync} on ${host}`,
  words: (say, { sync, disk }) => say.verify(sync, disk),
  claims: () => [],
})

/** As it can be said again: a word, or between quotes. */
function spoken(text: string): string {
  return /^[A-Za-z0-9_.:/\\][A-Za-z0-9_.:/\\-]{0,254}$/.test(text) && !JOINTS.includes(text.toLowerCase()) ? text : `"${text}"`
}
const JOINTS = ['as', 'at', 'because', 'did', 'from', 'happened', 'not', 'of', 'on', 'over', 'soak', 'to', 'with']
