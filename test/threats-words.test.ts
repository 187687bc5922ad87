import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from '../src/domain/command.ts'
import { guard } from '../src/domain/guard.ts'
import type { Person, Target } from '../src/domain/ids.ts'
import type { Risk } from '../src/domain/plan.ts'
import type { Capability } from '../src/kit/device.ts'
import { grammar, kinds } from '../src/language/grammar.generated.ts'
import { words } from '../src/language/lexer.ts'
import type { Shape } from '../src/language/shapes.ts'
import { act, plan, policyOf } from './fakes/given.ts'
import { everyAdapter, hear, moved, PEOPLE, POLICY, scene } from './threats-spoken.ts'

/** Everything that can be said, said by somebody without any role. */

/** One of each: the compiler finds the sentence that is missing when there is a new kind of command. */
const SENTENCES: Readonly<Record<Command['kind'], string>> = {
  act: 'throttle session 1 on powerpath-1 to 9',
  run: 'migrate harddisk5 to harddisk8 on powerpath-1',
  vote: 'approve R1',
  tell: 'tell R2 cutover happened because "x"',
  retry: 'retry R2',
  skip: 'skip R2 cutover because "x"',
  'roll back': 'roll back R2',
  'give up': 'give up R2',
  cancel: 'cancel R1',
  pause: 'pause R1',
  resume: 'resume R3',
  'break glass': 'break glass for R1 because "x"',
  'close review': 'close review of R4 because "x"',
  refresh: 'refresh R1',
  freeze: 'freeze everything for 2h because "x"',
  thaw: 'thaw production because "x"',
  schedule: 'every 15m if busy ring migrate harddisk5 to harddisk8 on powerpath-1',
  'pause schedule': 'pause schedule S1',
  'resume schedule': 'resume schedule S1',
  'end schedule': 'end schedule S1 because "x"',
  'show schedules': 'show schedules',
  'accept policy': 'accept policy',
  'link me': 'link me',
  link: 'link K7QX-92MF',
  unlink: 'unlink slack:U1 because "x"',
  'show links': 'show links',
  'show windows': 'show windows',
  'show reviews': 'show reviews',
  'show policy change': 'show policy change',
  'policy test': 'policy test "show paths on powerpath-1"',
  'who could approve': 'who could approve "migrate harddisk5 to harddisk8 on powerpath-1"',
  report: 'report R1',
  'show run': 'show R1',
  'show runs': 'show runs',
  'show targets': 'show targets',
  'show chats': 'show chats',
  'show subscriptions': 'show subscriptions',
  chart: 'chart R1',
  watch: 'watch R1',
  unwatch: 'unwatch R1',
  subscribe: 'subscribe here to everything',
  unsubscribe: 'unsubscribe here',
  quiet: 'quiet here from 22:00 to 07:00',
  'no quiet': 'no quiet hours here',
  home: 'home',
  'who may approve': 'who may approve R1',
  'what can I do': 'what can I do',
  estimate: 'estimate 4TB over 50Mb/s',
  help: 'help',
}

const SAMPLES = [
  ...['R1', 'R2', 'R3', 'R4', 'ready', 'cutover', '3fa9c1d2e0', '"quiet now"', '1', '42', '9', '1.5', '40%', '10TB', '512KiB'],
  ...['50Mb/s', '2h', '1h30m', 'TB', 'Mb/s', 's', 'min', '02:00', 'sat', '50:06:04:82:d5:2e:69:79', '0720', '01A3F', '/vol/vol1'],
  ...['60000970000192601275533030333238', 'harddisk14', '/dev/emcpowera1', 'hdiskpower3', 'c5t4d1', 'port5\\path0\\tgt4\\lun1'],
  ...['#C0OPS', '*', 'powerpath-*', 'Europe/Berlin', 'UTC', 'K7QX-92MF', 'slack:U0000ANN1', 'GB/s', 'KiB', 'hours'],
]
const samplesOf = (shape: Shape) => SAMPLES.filter(it => words(it).length === 1 && words(it).every(word => shape.test(word)))
type Choose = <T>(from: readonly T[]) => T
function sentence(symbol: unknown, choose: Choose, depth = 0): readonly string[] {
  if (symbol === 'target') return [`${choose(kinds)}-1`]
  if (typeof symbol === 'string') {
    const rules = grammar.ParserRules.filter(rule => rule.name === symbol)
    const rule = depth > 20 ? rules[0] : choose(rules)
    return (rule?.symbols ?? []).flatMap((it: unknown) => sentence(it, choose, depth + 1))
  }
  if (typeof symbol === 'object' && symbol !== null && 'literal' in symbol) return [String(symbol.literal)]
  return [choose(samplesOf(symbol as Shape))]
}
const sentences = fc
  .infiniteStream(fc.nat(1_000_003))
  .map(numbers => sentence('command', from => from[(numbers.next().value ?? 0) % from.length]!).join(' '))

describe('whoever has no role', () => {
  test('moves nothing with any kind of sentence, begins nothing, and no device is asked', async () => {
    const { world, ears, language } = await scene()
    const before = await moved(world)
    expect(before).toMatch(/R4 \d+,R3 \d+,R2 \d+,R1 \d+/)
    for (const [n, [kind, text]] of Object.entries(SENTENCES).entries()) {
      expect(language.parse(text), text).toMatchObject({ command: { kind } })
      await hear(text, 'ned', ears, n)
      expect([await moved(world), world.sent], text).toEqual([before, []])
    }
    expect(await world.store.follows()).toEqual([])
  })

  test('moves nothing with anything that the grammar can say', async () => {
    const { world, ears } = await scene()
    const before = await moved(world)
    let n = 0
    await fc.assert(
      fc.asyncProperty(sentences, async text => {
        await hear(text, 'ned', ears, n++)
        expect([await moved(world), world.sent]).toEqual([before, []])
      }),
      { numRuns: 1_500 },
    )
  })

  test('may ask for no capability of any adapter, also where no sentence leads to it, and neither may anybody without a rule', async () => {
    const adapters = await everyAdapter()
    const all = [...adapters].flatMap(([kind, adapter]) =>
      Object.entries<Capability>(adapter.capabilities).map(([verb, it]) => ({ kind, verb, it })),
    )
    expect(all.length).toBeGreaterThan(20)
    for (const { kind, verb, it } of all) {
      const risk: Risk = it.effect === 'read' ? 'none' : it.effect.risk
      const action = { capability: `${kind}.${verb}`, target: `${kind}-1` as Target, params: {}, risk }
      const asked =
        risk === 'none' ? { plan: plan(), reads: [action] } : { plan: plan({ ...act('it', risk), action }), reads: [] }
      const may = (by: string, policy = POLICY) => !('refusal' in guard(asked.plan, policy, by as Person, asked.reads))
      expect([may('ned'), may('mallory'), may('olga', policyOf(PEOPLE))], action.capability).toEqual([false, false, false])
      expect(may('olga'), action.capability).toBe(true)
    }
  })
})
