import { describe, expect, test } from 'vitest'
import { COMMANDS, RUNBOOKS } from '../src/language/commands-help.ts'
import { grammar } from '../src/language/grammar.generated.ts'
import { help, overview } from '../src/language/help.ts'
import { adapterReference, coreReference, type Documented } from '../src/language/reference.ts'

const pdu: Documented = {
  name: 'pdu',
  summary: 'A switched power strip',
  capabilities: {
    outlets: { summary: 'Which outlets are on', examples: ['show outlets on rack4'], effect: 'read' },
    set: {
      summary: 'Turn an outlet on or off',
      examples: ['turn outlet 3 off on rack4'],
      effect: { risk: 'disruptive', inDoubt: { ask: 'nobody' } },
    },
    cycle: {
      summary: 'Power-cycle an outlet',
      examples: ['cycle outlet 3 on rack4'],
      effect: { risk: 'disruptive', inDoubt: { ask: 'person' } },
    },
  },
  cannot: [{ what: 'say whether a cycle took place', why: 'it keeps no log' }],
}

describe('help', () => {
  test('the overview has one line for each runbook, command and device', () => {
    const lines = overview([pdu])
    expect(lines).toContain(
      '  `migrate harddisk5 to harddisk14 on sql01` - Move one disk to another under a running host, with an approved cutover',
    )
    expect(lines).toContain('  `help pdu` - A switched power strip')
    expect(lines.length).toBe(3 + RUNBOOKS.length + COMMANDS.length + 1)
  })

  test('every command that the grammar has is explained', () => {
    const firsts = (rule: string): readonly string[] =>
      grammar.ParserRules.filter(it => it.name === rule).flatMap(({ symbols: [symbol] }) => {
        if (typeof symbol === 'string') return firsts(symbol)
        return [String(symbol.literal)]
      })
    const explained = [...COMMANDS, ...RUNBOOKS].flatMap(it => it.examples.map(example => example.split(' ')[0] ?? ''))
    expect([...firsts('commands'), ...firsts('runbooks')].filter(it => !explained.includes(it))).toEqual([])
  })

  test('a device is explained by its capabilities, a word by the sentences that have it', () => {
    expect(help('pdu', [pdu])).toEqual([
      'pdu: A switched power strip',
      'Which outlets are on:',
      '  `show outlets on rack4`',
      'Turn an outlet on or off:',
      '  `turn outlet 3 off on rack4`',
      'Power-cycle an outlet:',
      '  `cycle outlet 3 on rack4`',
    ])
    expect(help('cycle', [pdu])).toEqual(['Power-cycle an outlet:', '  `cycle outlet 3 on rack4`'])
    expect(help('Roll back', [pdu])[1]).toBe('  `roll back R7`')
    expect(help('cutover', []).join('\n')).toContain('approve R7 cutover')
  })

  test('an unknown topic is answered with the nearest', () => {
    expect(help('migrat', [])).toEqual(['I have no help on migrat.', 'Did you mean `help migrate`?'])
    expect(help('xyzzy', [])).toEqual(['I have no help on xyzzy.', 'Say `help` to see what can be said.'])
  })
})

describe('the reference', () => {
  test('it has every word, command and runbook with all its examples', () => {
    const text = coreReference()
    for (const { topic, examples } of [...COMMANDS, ...RUNBOOKS]) {
      expect(text).toContain(`### ${topic}\n`)
      for (const example of examples) expect(text).toContain(`- \`${example}\``)
    }
    expect(text).toContain('| `<size>` | TB is 10^12 bytes and TiB 2^40; the spelling matters | `10TB`, `512KiB`, `1.5 TiB` |')
  })

  test('it says of each capability what it risks and how doubt is settled, and of the device what it cannot', () => {
    const text = adapterReference(pdu)
    expect(text).toContain('### pdu.outlets\n\nWhich outlets are on. It only reads.\n\n- `show outlets on rack4`')
    expect(text).toContain('Turn an outlet on or off. Risk: disruptive. When the answer is lost it is sent again')
    expect(text).toContain('Power-cycle an outlet. Risk: disruptive. When the answer is lost a person is asked')
    expect(text).toContain('- say whether a cycle took place: it keeps no log')
  })
})
