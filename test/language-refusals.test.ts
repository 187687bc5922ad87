import { describe, expect, test } from 'vitest'
import { explain, type Refusal } from '../src/domain/refusal.ts'
import type { Inventory } from '../src/language/inventory.ts'
import { parse } from '../src/language/parse.ts'

const site: Inventory = {
  targets: new Map([
    ['sql01', { kind: 'powerpath' }],
    ['sql02', { kind: 'powerpath' }],
    ['VMAX-275', { kind: 'vmax' }],
  ]),
}
const command = (text: string): unknown => {
  const result = parse(text, site)
  return 'command' in result ? result.command : explain(result.refusal)
}
const refusal = (text: string): Refusal => {
  const result = parse(text, site)
  if ('command' in result) throw new Error(`understood: ${JSON.stringify(result.command)}`)
  return result.refusal
}

describe('a refusal says what is wrong and what would have been right', () => {
  test('it points at the word and names what belongs there', () => {
    expect(refusal('migrate harddisk5 ot harddisk14 on sql01')).toMatchObject({
      no: 'not understood',
      at: 18,
      word: 'ot',
      expected: ['to'],
    })
    expect(refusal('throttle session 1 on sql01 to fast')).toMatchObject({ word: 'fast', expected: ['<level>'] })
    expect(refusal('show paths of "x" on sql01')).toMatchObject({ word: '"x"', expected: ['<disk>'] })
    expect(refusal('what can I do on')).toMatchObject({ at: 16, word: '', expected: ['<target>'] })
  })

  test('a unit that nobody knows is answered with those that everybody knows', () => {
    expect(refusal('migrate a to b on sql01 soak 4 parsecs')).toMatchObject({
      word: 'parsecs',
      expected: ['s', 'min', 'h', 'd', 'w'],
    })
    expect(refusal('migrate a to b on sql01 soak 4parsecs')).toMatchObject({
      word: '4parsecs',
      expected: ['<duration> in s, min, h, d, w'],
    })
    expect(refusal('estimate 4 parsecs over 50Mb/s')).toMatchObject({
      expected: ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'],
    })
    expect(refusal('estimate 4TB over 50MB')).toMatchObject({
      word: '50MB',
      expected: [expect.stringMatching(/^<rate> in kb\/s, Mb\/s/)],
    })
    expect(refusal('estimate 4TB over 50 parsecs')).toMatchObject({ expected: expect.arrayContaining(['Mb/s', 'MB/s']) })
    expect(refusal('estimate 4TB over 50Mb/s at 60 parsecs')).toMatchObject({ expected: ['percent', '%'] })
  })

  test('a word that leads to the next part of a sentence is never taken for a name', () => {
    expect(refusal('approve R7 because')).toMatchObject({ at: 18, word: '', expected: ['<reason>'] })
    expect(refusal('approve R7 as')).toMatchObject({ word: '', expected: ['<digest>'] })
    expect(refusal('migrate to to b on sql01')).toMatchObject({ at: 8, word: 'to', expected: ['<device>', '<node>'] })
  })

  test('a throttle that PowerPath does not have is answered with its table', () => {
    for (const level of ['37%', '10', '60.1%', '0%'])
      expect(refusal(`throttle session 1 on sql01 to ${level}`)).toMatchObject({
        no: 'bad value',
        why: expect.stringContaining('0 = 100%, 1 = 60%, 2 = 36%'),
      })
    expect(refusal('migrate a to b on sql01 with throttle 37%')).toMatchObject({ no: 'bad value' })
  })

  test.each([
    ['estimate 4TB over 50Mb/s at 160%', 'The percentage'],
    ['estimate 99999999PB over 50Mb/s', 'The size'],
    ['estimate 4TB over 0Mb/s', 'The rate'],
    ['migrate a to b on sql01 soak 30m 1h', 'The duration'],
    ['migrate a to b on sql01 soak 1h2h', 'The duration'],
    ['migrate a to b on sql01 soak 999999 d', 'The duration'],
    ['skip R7 setup because " "', 'The reason'],
    ['quiet here from 22:00 to 07:00 in Europe/Berlinn', 'The time zone'],
    ['quiet here from 22:00 to 22:00', 'The quiet hours'],
    ['subscribe here to everything on a*b*c*d*e', 'The pattern'],
  ])('%s is not taken', (text, what) => expect(refusal(text)).toMatchObject({ no: 'bad value', what }))

  test('a sentence about channels says what belongs there, and a # alone or a run is none', () => {
    expect(refusal('subscribe C0OPS to everything')).toMatchObject({ word: 'C0OPS', expected: ['here', '<channel>'] })
    expect(refusal('subscribe # to everything')).toMatchObject({ word: '#' })
    expect(refusal('subscribe #C0OPS #C1OPS to everything')).toMatchObject({ word: '#C1OPS', expected: ['to'] })
    const runs = refusal('subscribe here to migrate')
    expect(runs).toMatchObject({ word: 'migrate' })
    expect('expected' in runs && [...runs.expected].sort()).toEqual([
      'drills',
      'everything',
      'failovers',
      'migrations',
      'protections',
      'shrinks',
    ])
    expect(refusal('quiet here from 22:00')).toMatchObject({ word: '', expected: ['to'] })
    expect(refusal('quiet here from 22:00 to 24:00')).toMatchObject({ word: '24:00', expected: ['<clock>'] })
    expect(refusal('quiet here from 22:00 to 07:00 in')).toMatchObject({ expected: ['<zone>'] })
    expect(refusal('watch everything')).toMatchObject({ word: 'everything', expected: ['<run>'] })
  })

  test('an option that is given twice is refused, in any order', () => {
    expect(refusal('migrate a to b on sql01 soak 2h soak 3h')).toMatchObject({
      word: 'soak',
      expected: ['in', 'with', 'because', '<duration>'],
    })
    expect(refusal('migrate a to b on sql01 with throttle 2 soak 3h with throttle 3')).toMatchObject({ word: 'with' })
  })

  test('a target is known by its site spelling, and must be of the kind the sentence is for', () => {
    expect(refusal('show paths on sql03')).toEqual({
      no: 'unknown target',
      target: 'sql03',
      known: ['sql01', 'sql02'],
      nearest: 'show paths on sql01',
    })
    expect(refusal('show paths on vmax-275')).toEqual({
      no: 'wrong kind',
      target: 'VMAX-275',
      kind: 'vmax',
      wants: ['powerpath'],
    })
    expect(refusal('migrate a to b on vmax-275')).toMatchObject({
      no: 'wrong kind',
      wants: expect.arrayContaining(['powerpath', 'qemu']),
    })
    expect(command('what can I do on vmax-275')).toEqual({ kind: 'what can I do', target: 'VMAX-275' })
  })

  test('of two targets that differ in case alone, none is picked for a third spelling', () => {
    const twins: Inventory = { targets: new Map(['Sql01', 'SQL01'].map(name => [name, { kind: 'powerpath' }])) }
    expect(parse('show hbas on SQL01', twins)).toMatchObject({ command: { wish: { target: 'SQL01' } } })
    expect(parse('show hbas on sql01', twins)).toMatchObject({ refusal: { no: 'unknown target' } })
  })
})

describe('what no sentence may be', () => {
  test.each([
    ['', 'empty'],
    ['   \n', 'empty'],
    ['???', 'not understood'],
    ['x'.repeat(2_001), 'too long'],
    ['approve R7 '.repeat(100_000), 'too long'],
    ['approve R7\napprove R8', 'bad value'],
    ['approve R7\u0007', 'bad value'],
    ['approve R7 because "\u202eevil"', 'bad value'],
    ['approve R7 because "\ud800"', 'bad value'],
    ['show paths on sql01\u0000', 'bad value'],
  ])('%j', (text, no) => expect(refusal(text)).toMatchObject({ no }))

  const SLOTS = [
    'show paths of * on sql01',
    'migrate * to b on sql01',
    'migrate a to * on sql01',
    'show paths on *',
    'show session * on sql01',
    'throttle session 1 on sql01 to *',
    'migrate a to b on sql01 soak *',
    'estimate * over 50Mb/s',
    'estimate 4TB over *',
    'approve *',
    'approve R7 *',
    'approve R7 as *',
    'show *',
    'help *',
    'chart *',
    'watch *',
    'watch R7 *',
    'subscribe * to everything',
    'subscribe here to *',
    'subscribe here to everything on *',
    'unsubscribe *',
    'unsubscribe here from *',
    'quiet here from * to 07:00',
    'quiet here from 22:00 to 07:00 in *',
    'no quiet hours *',
  ]
  const HOSTILE = [
    '$(reboot)',
    '`reboot`',
    ';reboot',
    'a;b',
    'a|b',
    'a&b',
    'a>b',
    '<b',
    '!x',
    '*',
    '?x',
    '~root',
    'a$b',
    "a'b",
    'a"b',
    'a{b',
    '(a)',
    '[a]',
    '#a',
    '-rf',
    '--all',
    '=a',
    '^a',
    'é',
    '名',
    '@here',
    '%00',
    '1e9',
    '0x10',
    '-1',
    'Infinity%',
    'a\u0000',
    '__proto__',
  ]
  test('nothing that a shell or a chat would act on gets into any slot', () => {
    const understood = SLOTS.flatMap(slot => HOSTILE.map(value => slot.replace('*', () => value))).filter(
      text => 'command' in parse(text, site),
    )
    // A word and a number in a help topic or as a name of a disk mean nothing more than they say.
    expect(understood.filter(it => !/0x10|1e9|__proto__/.test(it))).toEqual([
      'subscribe #a to everything',
      'subscribe here to everything on *',
      'unsubscribe #a',
      'no quiet hours #a',
    ])
  })

  test('a reason is only text, whatever it says', () => {
    expect(command('deny R7 because "$(reboot); <!here> | `x`"')).toMatchObject({ because: '$(reboot); <!here> | `x`' })
  })
})
