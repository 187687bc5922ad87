import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Misread } from '../../src/kit/errors.ts'
import { HOSTILE } from '../../src/kit/spoilt.ts'
import threepar from './index.ts'

/** Outputs of real arrays, each with its source. */
const real = Object.fromEntries(
  readFileSync(new URL('samples.txt', import.meta.url), 'utf8')
    .split(/^=== /m)
    .slice(1)
    .map(part => [part.slice(0, part.indexOf(':')), part.slice(part.indexOf('\n') + 1)]),
) as Record<string, string>
const sample = (name: string): string => real[name] ?? expect.unreachable(`there is no sample ${name}`)

/** As the opensvc documentation shows an answer with -nohdtot. */
const bare = (): string =>
  sample('COMMAS')
    .split('\n')
    .filter(line => /^(?:RCG| ,LXC)/.test(line))
    .join('\n')

const EVERY: readonly (readonly [reading: string, text: string])[] = [
  ['remoteCopy', sample('PRIMERA')],
  ['groups', sample('FAILED_OVER')],
  ['groups', sample('COMMAS')],
  ['groups', bare()],
  ['groups', sample('SHORTENED')],
  ['links', sample('LINKS_COMMAS')],
  ['links', sample('LINKS_VLAN')],
  ['targets', sample('TARGET_COMMAS')],
  ['system', sample('SYSTEM')],
  ['system', sample('SYSTEM_MP')],
  ['version', sample('VERSION')],
  ['version', sample('VERSION_MP')],
  ['hostPaths', sample('PATHS')],
  ['rcipPorts', sample('RCIP')],
  ['nodes', sample('NODES')],
  ['powerSupplies', sample('SUPPLIES')],
  ['webApi', sample('WSAPI')],
  ['tasks', sample('TASKS')],
]

describe('half an answer is no answer', () => {
  test.each(EVERY)('%s: wherever it is cut, but at the end of a row, it is an error or the same (%#)', (name, text) => {
    const { read } = threepar.readings[name]!
    const full = JSON.stringify(read(text))
    for (let at = 0; at < text.length; at++) {
      const part = text.slice(0, at)
      const atTheEndOfARow = text.slice(at).trimStart() === '' || /^\s*\n/.test(text.slice(at)) || /\n\s*$/.test(part)
      const got = outcome(() => JSON.stringify(read(part)))
      if (!atTheEndOfARow)
        expect(got === full || got instanceof Misread, `cut before ${JSON.stringify(text.slice(at, at + 12))}: ${got}`).toBe(true)
    }
  })

  test.each(EVERY)('%s: hostile text is an error or the same (%#)', (name, text) => {
    const { read } = threepar.readings[name]!
    const full = JSON.stringify(read(text))
    for (const [how, spoil] of HOSTILE.filter(([how]) => !how.startsWith('cut'))) {
      const got = outcome(() => JSON.stringify(read(spoil(text))))
      expect(got === full || got instanceof Misread, `${how}: ${got}`).toBe(true)
    }
  })
})

function outcome(read: () => string): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}
