import { describe, expect, test } from 'vitest'
import { complete } from '../src/language/complete.ts'
import type { Inventory } from '../src/language/inventory.ts'

const site: Inventory = {
  targets: new Map([
    ['sql02', { kind: 'powerpath' }],
    ['sql01', { kind: 'powerpath' }],
    ['VMAX-275', { kind: 'vmax' }],
  ]),
  runs: new Map([
    ['R12', ['sync']],
    ['R7', ['setup', 'cutover']],
  ]),
}

describe('a half-typed sentence is completed from the grammar and the inventory', () => {
  test.each([
    ['ap', ['approve']],
    ['show paths ', ['of', 'on']],
    ['show paths on ', ['sql01', 'sql02']],
    ['show paths on SQL', ['sql01', 'sql02']],
    ['migrate a to b on ', ['sql01', 'sql02']],
    ['migrate a to b on sql01 ', ['because', 'in', 'soak', 'with']],
    ['migrate a to b on sql01 soak 2 ', ['d', 'h', 'min', 's', 'w']],
    ['migrate a to b on sql01 soak 2h ', ['because', 'in', 'with']],
    ['show paths on sql01 ', ['because', 'in']],
    ['what can ', ['I']],
    ['what can I do on v', ['VMAX-275']],
    ['approve ', ['R7', 'R12']],
    ['approve r', ['R7', 'R12']],
    ['approve R7 ', ['as', 'because', 'cutover', 'setup']],
    ['approve R7 c', ['cutover']],
    ['approve R12 ', ['as', 'because', 'sync']],
    ['approve R99 ', ['as', 'because']],
    ['tell R7 setup ', ['did', 'happened']],
    ['subscribe ', ['here']],
    ['subscribe #C0OPS to ', ['drills', 'everything', 'failovers', 'migrations', 'protections', 'shrinks']],
    ['stop watching ', ['R7', 'R12']],
    ['what ', ['can', 'waits']],
    ['show\u00a0sess', ['session', 'sessions']],
  ])('%s', (text, words) => expect(complete(text, site)).toEqual(words))

  test.each(['xyzzy ', 'approve R7 because "it', 'show paths of ', 'show\u0000', 'x'.repeat(2_001)])(
    'nothing is offered where nothing is known: %j',
    text => expect(complete(text, site)).toEqual([]),
  )

  test('at the beginning every first word is offered, once', () => {
    const first = complete('', site)
    expect(first).toEqual(expect.arrayContaining(['approve', 'migrate', 'show', 'throttle']))
    expect(new Set(first).size).toBe(first.length)
  })

  test('without live runs there are none to offer', () => {
    expect(complete('approve ', { targets: site.targets })).toEqual([])
  })
})
