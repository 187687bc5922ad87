import { describe, expect, test } from 'vitest'
import type { Inventory } from '../src/language/inventory.ts'
import { words } from '../src/language/lexer.ts'
import { settle } from '../src/language/read.ts'
import { bad, target } from '../src/language/values.ts'

const site: Inventory = {
  targets: new Map([
    ['sql01', { kind: 'powerpath' }],
    ['vmax-275', { kind: 'vmax' }],
    ['esx01', { kind: 'vsphere' }],
  ]),
}
/** What a sentence yields that several adapters have, such as `show paths on X`. */
const reading = (capability: string, on: string, params: Readonly<Record<string, unknown>> = {}): unknown => ({
  kind: 'act',
  wish: { capability, target: words(on).map(target)[0], params },
})

describe('the kind of the target says whose sentence it is', () => {
  const paths = (on: string): readonly unknown[] => [reading('powerpath.paths', on), reading('vmax.paths', on)]

  test('the same sentence is another action on another kind of target', () => {
    expect(settle(paths('SQL01'), site)).toEqual({
      command: { kind: 'act', wish: { capability: 'powerpath.paths', target: 'sql01', params: {} } },
    })
    expect(settle(paths('vmax-275'), site)).toMatchObject({ command: { wish: { capability: 'vmax.paths', target: 'vmax-275' } } })
  })

  test('a target of a third kind is refused with the kinds that would do', () => {
    expect(settle(paths('esx01'), site)).toEqual({
      refusal: { no: 'wrong kind', target: 'esx01', kind: 'vsphere', wants: ['powerpath', 'vmax'] },
    })
  })

  test('an unknown target is answered with those of the kinds that would do', () => {
    expect(settle(paths('sql1'), site)).toMatchObject({
      refusal: { no: 'unknown target', target: 'sql1', known: ['sql01', 'vmax-275'] },
    })
  })

  test('a value that is bad for another kind of target does no harm', () => {
    const readings = [
      reading('powerpath.throttle', 'sql01', { level: 4 }),
      reading('vmax.throttle', 'sql01', { level: bad('The level', 'no') }),
    ]
    expect(settle(readings, site)).toMatchObject({ command: { wish: { params: { level: 4 } } } })
    expect(settle(readings.slice(0, 1).concat(reading('vmax.x', 'vmax-275')), site)).toEqual({
      refusal: { no: 'ambiguous', readings: ['powerpath.throttle of sql01', 'vmax.x of vmax-275'] },
    })
  })

  test('two readings that are left are a refusal, even when they are the same', () => {
    const twice = [reading('powerpath.paths', 'sql01'), reading('powerpath.paths', 'sql01')]
    expect(settle(twice, site)).toMatchObject({ refusal: { no: 'ambiguous' } })
  })
})
