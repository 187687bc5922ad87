import { describe, expect, test } from 'vitest'
import { COMMANDS, RUNBOOKS } from '../src/language/commands-help.ts'
import { distance } from '../src/language/distance.ts'
import { grammar } from '../src/language/grammar.generated.ts'
import type { Inventory } from '../src/language/inventory.ts'
import { parse } from '../src/language/parse.ts'

const site: Inventory = {
  targets: new Map([
    ['sql01', { kind: 'powerpath' }],
    ['exchange-db2', { kind: 'powerpath' }],
    ['vm01', { kind: 'qemu' }],
    ['VMAX-275', { kind: 'vmax' }],
  ]),
  runs: new Map([['R7', ['setup', 'select-target', 'cutover']]]),
}
const offer = (text: string): string | undefined => {
  const result = parse(text, site)
  return 'refusal' in result && 'nearest' in result.refusal ? result.refusal.nearest : undefined
}

const POWERPATH = [
  'show hbas on sql01',
  'show paths of harddisk14 on exchange-db2',
  'show sessions on sql01',
  'show version of powerpath on sql01',
  'set up migration from harddisk5 to harddisk14 on sql01',
  'sync session 1 on exchange-db2',
  'throttle session 1 on sql01 to 4',
  'select target of session 1 on sql01',
  'commit session 1 on sql01',
  'abort session 1 on exchange-db2',
  'clean up session 1 on sql01',
]

/** Every sentence with one slip in one of its keywords or targets: the corpus on which a suggestion must be right. */
function slipped(sentence: string): readonly string[] {
  const keywords = new Set(
    grammar.ParserRules.flatMap(rule =>
      rule.symbols.map((it: unknown) => (typeof it === 'object' && it !== null && 'literal' in it ? String(it.literal) : '')),
    ),
  )
  const bare = sentence.split(' ')
  return bare.flatMap((word, at) => {
    const known = keywords.has(word.toLowerCase()) || site.targets.has(word)
    return known ? slipsOf(word).map(it => bare.with(at, it).join(' ')) : []
  })
}

function slipsOf(word: string): readonly string[] {
  const places = [...word.slice(0, -1)].map((_, i) => i)
  return [
    ...[...word].map((_, i) => word.slice(0, i) + word.slice(i + 1)),
    ...[...word].map((letter, i) => word.slice(0, i) + letter + word.slice(i)),
    ...[...word].map((_, i) => `${word.slice(0, i)}x${word.slice(i + 1)}`),
    ...places.map(i => word.slice(0, i) + (word[i + 1] ?? '') + (word[i] ?? '') + word.slice(i + 2)),
  ].filter(it => it !== word && it.length > 0)
}

describe('"did you mean"', () => {
  test('of all single slips in keywords and targets nine of ten are mended right at the first offer', () => {
    const corpus = [...COMMANDS, ...RUNBOOKS].flatMap(it => it.examples).concat(POWERPATH)
    const refused = corpus
      .flatMap(meant => slipped(meant).map(typed => ({ meant, typed })))
      .filter(({ typed }) => 'refusal' in parse(typed, site))
    const right = refused.filter(({ meant, typed }) => offer(typed)?.toLowerCase() === meant.toLowerCase())
    expect(refused.length).toBeGreaterThan(2_000)
    expect(right.length / refused.length).toBeGreaterThan(0.9)
  })

  test.each([
    ['rollback R7', 'roll back R7'],
    ['giveup R7', 'give up R7'],
    ['cleanup session 1 on sql01', 'clean up session 1 on sql01'],
    ['ap prove R7', 'approve R7'],
    ['show paths sql01', 'show paths on sql01'],
    ['show the paths on sql01', 'show paths on sql01'],
    ['please show runs', 'show runs'],
    ['shwo pahts on sql01', 'show paths on sql01'],
    ['show pahts on sqll01', 'show paths on sql01'],
    ['approve R7 becuase "quiet"', 'approve R7 because "quiet"'],
    ['approve R7 cutover because it is late', 'approve R7 cutover because "it is late"'],
    ['skip R7 setup because "by hand', 'skip R7 setup because "by hand"'],
    ['estimate 4tb over 50mbps', 'estimate 4TB over 50Mbps'],
    ['throtle session 1 on sql01 to 4', 'throttle session 1 on sql01 to 4'],
    ['what can i', 'what can i do'],
    ['subscribe here migrations on vmax-*', 'subscribe here to migrations on vmax-*'],
    ['subscribe here to migration on vmax-*', 'subscribe here to migrations on vmax-*'],
    ['stopwatching R7', 'stop watching R7'],
    ['un subscribe here', 'unsubscribe here'],
  ])('%s: did you mean %s', (typed, meant) => expect(offer(typed)).toBe(meant))

  test.each([
    ['session 1 on sql01', 'several verbs would fit, and one of them is abort'],
    ['approve R7 not', 'leaving the word out would turn the sentence round'],
    ['estimate 4TB over 50mb/s', 'Mb/s and MB/s are eight times apart'],
    ['migrate a to b on sql01 soak 4 parsecs', 'nothing is near'],
    ['show paths of $(reboot) on sql01', 'a value that is not allowed is not dropped'],
    ['xyzzy', 'nothing is near'],
    ['quiet hours here', 'the only sentence with these words means the opposite'],
  ])('%s: no offer, because %s', typed => {
    expect(parse(typed, site)).toHaveProperty('refusal')
    expect(offer(typed)).toBeUndefined()
  })

  test('a target is offered only if it is of the right kind', () => {
    expect(offer('show paths on vmax-27')).toBeUndefined()
    expect(offer('what can I do on vmax-27')).toBe('what can I do on VMAX-275')
  })
})

describe('the distance between two words', () => {
  test.each([
    ['paths', 'paths', 0],
    ['paths', 'PATHS', 0],
    ['paths', 'path', 1],
    ['paths', 'pahts', 1],
    ['paths', 'pxths', 1],
    ['ca', 'abc', 3],
    ['', 'abc', 3],
  ])('%s, %s: %d', (a, b, far) => expect(distance(a, b)).toBe(far))

  test('what is too far is not measured', () => {
    expect(distance('paths', 'sessions', 2)).toBe(Number.POSITIVE_INFINITY)
    expect(distance('a'.repeat(2_000), 'b'.repeat(2_000))).toBe(Number.POSITIVE_INFINITY)
  })
})
