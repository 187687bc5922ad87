import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { explain } from '../src/domain/refusal.ts'
import { complete } from '../src/language/complete.ts'
import { grammar, kinds } from '../src/language/grammar.generated.ts'
import type { Inventory } from '../src/language/inventory.ts'
import { words } from '../src/language/lexer.ts'
import { parse } from '../src/language/parse.ts'
import type { Shape } from '../src/language/shapes.ts'

const inventory: Inventory = {
  targets: new Map(kinds.map(kind => [`${kind}-1`, { kind }])),
  runs: new Map([['R7', ['setup', 'cutover']]]),
}

/** Free words of every shape; a shape that an adapter brings along takes whichever of them it likes. */
const SAMPLES = [
  ...[
    'R7',
    'r12',
    'setup',
    'cutover-2',
    '3fa9c1d2e0',
    'abcdef',
    '"quiet now"',
    "'x'",
    '1',
    '42',
    '9',
    '1.5',
    '40%',
    '7.8%',
    '36%',
    '10TB',
    '512KiB',
    '50Mb/s',
    '100MB/s',
  ],
  ...[
    '2h',
    '90min',
    '1h30m',
    'TB',
    'KiB',
    'Mb/s',
    'GB/s',
    's',
    'min',
    'hours',
    '02:00',
    'sat',
    'Sunday',
    '50:06:04:82:d5:2e:69:79',
    '60000970000192601275533030333238',
  ],
  ...[
    '0720',
    '01A3F',
    'harddisk14',
    '\\\\.\\PHYSICALDRIVE2',
    '/dev/emcpowera1',
    'hdiskpower3',
    'c5t4d1',
    'port5\\path0\\tgt4\\lun1',
    '/vol/vol1',
    'emc-1',
  ],
  ...[
    '#C0OPS',
    '#storage-ops',
    '#123456789012345678',
    'vmax-*',
    '*',
    'Europe/Berlin',
    'UTC',
    '7:30',
    'K7QX-92MF',
    'slack:U0000ANN1',
  ],
]
const samplesOf = (shape: Shape): readonly string[] =>
  SAMPLES.filter(it => words(it).length === 1 && words(it).every(word => shape.test(word)))

type Choose = <T>(from: readonly T[]) => T
/** One random sentence of the grammar; below a depth that no sentence needs it takes the first alternative, which ends. */
function sentence(symbol: unknown, choose: Choose, depth = 0): readonly string[] {
  if (typeof symbol === 'string') {
    if (symbol === 'target') return ['$target']
    const rules = grammar.ParserRules.filter(rule => rule.name === symbol)
    const rule = depth > 20 ? rules[0] : choose(rules)
    return (rule?.symbols ?? []).flatMap((it: unknown) => sentence(it, choose, depth + 1))
  }
  if (typeof symbol === 'object' && symbol !== null && 'literal' in symbol) return [String(symbol.literal)]
  const samples = samplesOf(symbol as Shape)
  if (samples.length === 0) throw new Error('No sample has the shape of an adapter; add one.')
  return [choose(samples)]
}

/** A sentence with a target of each kind in each of its places. */
const named = ([first = '', ...rest]: readonly string[]): readonly string[] =>
  rest.reduce<readonly string[]>((sofar, part) => sofar.flatMap(said => kinds.map(kind => `${said}${kind}-1${part}`)), [first])

const sentences = fc
  .infiniteStream(fc.nat(1_000_003))
  .map(numbers => sentence('command', from => from[(numbers.next().value ?? 0) % from.length]!).join(' '))

describe('ten thousand sentences', () => {
  test('each sentence of the grammar has exactly one reading for each kind of target', () => {
    fc.assert(
      fc.property(sentences, text => {
        const results = named(text.split('$target')).map(said => parse(said, inventory))
        const refused = results.flatMap(it => ('refusal' in it ? [it.refusal] : []))
        expect(refused.filter(it => it.no !== 'bad value' && it.no !== 'wrong kind')).toEqual([])
        expect(results.length - refused.filter(it => it.no === 'wrong kind').length).toBeGreaterThan(0)
      }),
      { numRuns: 12_000 },
    )
  })

  test('completion offers the next word of every sentence that can be foreseen', () => {
    fc.assert(
      fc.property(sentences, fc.nat(20), (text, at) => {
        const said = text.replaceAll('$target', `${kinds[0]}-1`).split(' ')
        const next = said[at % said.length] ?? ''
        const keyword = grammar.ParserRules.some(rule =>
          rule.symbols.some((it: unknown) => typeof it === 'object' && it !== null && 'literal' in it && it.literal === next),
        )
        // Of a unit one spelling is offered, and `hours` is a keyword elsewhere.
        fc.pre(keyword && !SAMPLES.includes(next) && !text.includes('"') && !text.includes("'") && !text.startsWith('help '))
        const before = said.slice(0, at % said.length).join(' ')
        const offered = complete(`${before}${before === '' ? '' : ' '}${next.slice(0, 1)}`, inventory).map(it => it.toLowerCase())
        expect(offered).toContain(next)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('whatever is said, there is an answer', () => {
  const pieces = fc.constantFrom(
    ...SAMPLES,
    'show',
    'paths',
    'on',
    'of',
    'approve',
    'because',
    'migrate',
    'to',
    'soak',
    'with',
    'subscribe',
    'here',
    'everything',
    'quiet',
    'from',
    '#',
    '"',
    "'",
    '“',
    '`',
    '$(x)',
    '-',
    '\\',
    '%',
    '\u00a0',
  )
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 2_100 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.array(pieces, { maxLength: 300 }).map(it => it.join(' ')),
    fc
      .tuple(sentences, fc.nat(200), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([it, at, noise]) => it.slice(0, at) + noise + it.slice(at)),
  )

  test('nothing that is typed throws, and every refusal can be worded', () => {
    fc.assert(
      fc.property(anything, text => {
        const result = parse(text, inventory)
        if ('refusal' in result) expect(explain(result.refusal).join('').length).toBeGreaterThan(0)
        complete(text, inventory)
      }),
      { numRuns: 4_000 },
    )
  })

  test('an offer is always understood, or at least further than what was said', () => {
    fc.assert(
      fc.property(anything, text => {
        const result = parse(text, inventory)
        if (!('refusal' in result) || result.refusal.no !== 'not understood' || result.refusal.nearest === undefined) return
        const offer = parse(result.refusal.nearest, inventory)
        const left = (it: string, at: number): number => words(it.slice(at)).length
        if ('refusal' in offer && offer.refusal.no === 'not understood')
          expect(left(offer.refusal.text, offer.refusal.at)).toBeLessThan(left(result.refusal.text, result.refusal.at))
      }),
      { numRuns: 2_000 },
    )
  })

  // A bound far above the 15 ms that it takes, so that a slow machine does not fail: it is there to notice a blow-up.
  test.each(['a ', "'", '"', '1h ', '. ', '`', 'show ', 'help ', 'because "x" ', 'soak 1h ', '$(x) ', '\\', '“’'])(
    '2,000 characters of %j are answered at once',
    piece => {
      const inside = [
        '',
        'show paths on ',
        'migrate a to b on powerpath-1 soak ',
        'tell R7 setup did not happen because ',
        'aprove R7 ',
      ]
      for (const begin of inside) {
        const started = performance.now()
        parse((begin + piece.repeat(2_000)).slice(0, 2_000), inventory)
        expect(performance.now() - started).toBeLessThan(500)
      }
    },
  )
})
