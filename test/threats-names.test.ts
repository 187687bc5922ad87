import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Target } from '../src/domain/ids.ts'
import { ruleFor } from '../src/domain/policy.ts'
import { languageOf } from '../src/spoken.ts'
import { policyOf } from './fakes/given.ts'
import { everyAdapter, hear, moved, PEOPLE, scene } from './threats-spoken.ts'

/** Names that are none, and names that look like another one: whatever is meant by them, it is never more than one says. */

describe('a name that is none', () => {
  const NONE = [
    '',
    ' ',
    '*',
    '**',
    '../',
    '../powerpath-1',
    '.',
    'all',
    'everything',
    '\u0000',
    'powerpath-1\u0000',
    'x'.repeat(4_096),
  ]
  const ALIKE = [
    'p\u043ewerpath-1',
    'powerpath\u20102',
    '\uff50owerpath-1',
    'powerpath-1\u0301',
    'powerpath-\u0661',
    'p\u202eowerpath-1',
    'powerpath-*',
    'powerpath-',
    'powerpath-11',
    'powerpath_1',
    'power path-1',
    'constructor',
    '__proto__',
    'undefined',
    'null',
  ]

  test('in the place of a target, a run, a step or a handle is refused, or is a name that nothing has: never a wider one', async () => {
    const { world, ears, language } = await scene()
    const before = await moved(world)
    const slots = [
      ...['show paths on X', 'migrate harddisk5 to harddisk8 on X', 'throttle session 1 on X to 9', 'what can I do on X'],
      ...[
        'approve X',
        'cancel X',
        'give up X',
        'approve R1 X',
        'retry R2 X',
        'skip R2 X because "y"',
        'tell R2 X happened because "y"',
      ],
      ...['report X', 'break glass for X because "y"', 'close review of X because "y"', 'unlink X because "y"'],
    ]
    let n = 0
    for (const slot of slots)
      for (const name of [...NONE, ...ALIKE]) {
        const text = slot.replace('X', name)
        const heard = language.parse(text)
        // With nothing in it, a step that may be left out is left out.
        if (['', '.'].includes(name.trim()) && /^(approve|retry) R\d/.test(text)) continue
        if ('command' in heard) {
          const { command } = heard
          if (command.kind === 'act') expect(command.wish.target, JSON.stringify(text)).toBe('powerpath-1')
          if ('run' in command) expect(command.run).toBe(/^\S+ (?:\S+ )*?(R\d)/.exec(text)?.[1])
        }
        await hear(text, 'lee', ears, n++)
        expect([await moved(world), world.sent], JSON.stringify(text)).toEqual([before, []])
      }
  })

  test('is within no rule but one for everything, and within none where the targets are known', () => {
    const policy = policyOf(PEOPLE, { target: 'powerpath-1' })
    const known = { ...policyOf(PEOPLE, {}), labels: new Map([['powerpath-1', {}]]) }
    for (const name of [...NONE, ...ALIKE]) {
      const action = { capability: 'powerpath.sync', target: name as Target, params: {}, risk: 'routine' } as const
      expect([ruleFor(policy, action), ruleFor(known, action)], JSON.stringify(name)).toEqual([undefined, undefined])
    }
  })
})

describe('among targets with similar names', () => {
  const similar = new Map(
    ['sql01', 'sql1', 'sq101', 'SQL-01', 'db1', 'DB1'].map(it => [it as Target, { kind: 'powerpath', settings: {}, root: it }]),
  )

  test('one is meant to the letter, whatever its case, or none: the others are named and nothing is picked', async () => {
    const { parse } = languageOf({ targets: similar }, await everyAdapter())
    const fold = (name: string) =>
      [...similar.keys()].filter(it => it === name || (it.toLowerCase() === name.toLowerCase() && !similar.has(name as Target)))
    const letters = 'sqlSQLdb01DB-1oOIi|_'
    let refused = 0
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom(...similar.keys(), 'sql-01', 'SQL01', 'sq1O1', 'sqlO1', 'sqI01', 'Db1', 'dB1', 'sql011', 'sql'),
          fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 6 }).map(it => it.join('')),
        ),
        name => {
          for (const text of [`show paths on ${name}`, `migrate harddisk5 to harddisk8 on ${name}`]) {
            const heard = parse(text)
            const [only, ...more] = fold(name)
            if ('command' in heard) {
              const { command } = heard
              const target =
                command.kind === 'act'
                  ? command.wish.target
                  : command.kind === 'run'
                    ? (command.params['target'] ?? command.params['host'])
                    : undefined
              expect([target, more], text).toEqual([only, []])
            } else {
              refused++
              expect(only === undefined || more.length > 0, text).toBe(true)
              if (heard.refusal.no === 'unknown target')
                expect([...heard.refusal.known].sort()).toEqual([...similar.keys()].sort())
            }
          }
        },
      ),
      { numRuns: 600 },
    )
    expect(refused).toBeGreaterThan(100)
  })
})
