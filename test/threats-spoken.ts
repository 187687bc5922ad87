import type { Handle, Target } from '../src/domain/ids.ts'
import type { Ears } from '../src/engine/ears.ts'
import { answer, receive } from '../src/engine/hear.ts'
import type { Adapter } from '../src/kit/device.ts'
import { kinds } from '../src/language/grammar.generated.ts'
import { ownAdapter } from '../src/own/adapter.ts'
import { planner } from '../src/planning.ts'
import { loadAdapters } from '../src/registry.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { languageOf } from '../src/spoken.ts'
import { type FakeChat, fakeChat, said } from './fakes/chat.ts'
import { act, fact, gate, plan, policyOf } from './fakes/given.ts'
import { trusting } from './fakes/trust.ts'
import { type Threatened, threatened } from './threats-world.ts'

/** A house with every adapter there is and runs at all sorts of points, for whoever says something to it. */

export const PEOPLE = { olga: ['operator'], lee: ['lead', 'operator'], ned: [] }
export const POLICY = policyOf(PEOPLE, { may: 'operator' })
export const TARGETS = new Map(
  [...kinds, 'signalbox'].map(kind => [
    (kind === 'signalbox' ? kind : `${kind}-1`) as Target,
    { kind, settings: {}, root: kind },
  ]),
)
/** Those under adapters/, and the house itself. */
export async function everyAdapter(): Promise<ReadonlyMap<string, Adapter>> {
  const own = ownAdapter({
    store: { keep: () => Promise.reject(new Error('nothing is kept here')) },
    offered: async () => undefined,
  })
  return new Map([...(await loadAdapters()), ['signalbox', own as Adapter]])
}

export interface Scene {
  readonly world: Threatened
  readonly ears: Ears
  readonly chat: FakeChat
  readonly language: ReturnType<typeof languageOf>
}

/** R1 asks for an approval, R2 is held by a failure, R3 is paused, R4 is over and was an emergency. */
export async function scene(): Promise<Scene> {
  const adapters = await everyAdapter()
  const world = threatened()
  world.policy = { ...POLICY, glass: { may: 'lead', within: 1_000_000, rule: { ...gate('x').rule } } }
  const chat = fakeChat()
  const language = languageOf({ targets: TARGETS }, adapters)
  await world.begin(plan(gate('ready', {}, [fact('paths')]), act('cutover', 'destructive')))
  world.lost.add('lab.cutover')
  await world.advance(await world.begin(plan(act('first', 'routine'), act('cutover', 'destructive'))))
  world.lost.clear()
  await world.say(await world.begin(plan(act('cutover', 'destructive'))), 'olga', 'pause R3')
  const over = await world.begin(plan(gate('ready'), act('cutover', 'destructive')))
  await world.say(over, 'lee', 'break glass for R4 because "x"')
  await world.say(over, 'lee', 'give up R4')
  world.sent.length = 0
  const ears: Ears = {
    ...world.engine(),
    ...trusting(() => world.policy),
    policyChange: async () => ({ digest: 'd' as never, lines: ['~ everything'] }),
    find: action => {
      world.sent.push(action.capability)
      throw new Error('no device is asked')
    },
    chats: new Map([['console', chat]]),
    parse: language.parse,
    plan: planner(adapters, RUNBOOKS, {}),
    help: language.help,
    canDo: language.canDo,
    targets: () => [],
    listed: () => ['here'],
    limit: () => 'ok',
    count: () => {},
    complain: (_, error) => {
      throw error
    },
  }
  return { world, ears, chat, language }
}
export const hear = async (text: string, by: string, ears: Ears, n: number): Promise<void> => {
  const one = said(text, `console:${by}` as Handle, `${n}`)
  if (await receive(one, ears)) await answer(one, ears)
}
export const moved = async ({ store }: Threatened) => (await store.list('all', 99)).map(({ id, seq }) => `${id} ${seq}`).join()
