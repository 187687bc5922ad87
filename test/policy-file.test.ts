import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { isMap, parseDocument, type YAMLMap } from 'yaml'
import { hours, minutes, type Person, type Target } from '../src/domain/ids.ts'
import { RISKS } from '../src/domain/plan.ts'
import { diffOf, rulebookDigest } from '../src/domain/policy-diff.ts'
import { policyTest } from '../src/engine/policy-test.ts'
import type { Adapter } from '../src/kit/device.ts'
import { planner } from '../src/planning.ts'
import { loadAdapters } from '../src/registry.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { objection } from '../src/site/pattern.ts'
import { GOOD_FOR, STANDS } from '../src/site/rules.ts'
import { BadSite, parseSite, type Site } from '../src/site/site.ts'
import { languageOf } from '../src/spoken.ts'
import { allowed, allowsMore, asStrict, windowed } from './fakes/policies.ts'

let adapters: ReadonlyMap<string, Adapter>
beforeAll(async () => {
  adapters = await loadAdapters()
})

const SECRETS = {
  SEAL: '0123456789abcdef0123456789abcdef',
  BOT: 'xoxb-1-secret',
  APP: 'xapp-1-secret',
  DISCORD: 'discord-secret',
  SQL01_PASSWORD: 'secret-of-sql01',
  WEB01_PASSWORD: 'secret-of-web01',
}

/** Everything that a site file can say about who may do what. */
const FULL = `name: full
zone: Europe/Berlin
links: { expire: 60d, cool down: 48h }
seal: { env: SEAL }
anchor: "slack:C0OPS"
roles:
  storage: { includes: [operator], groups: ["slack:S0STORAGE"] }
  storage-lead: { includes: [storage], groups: ["slack:S0LEADS", "discord:1100000000000000003"] }
  app-owner: { includes: [viewer] }
people:
  ann: { name: Ann, roles: [storage], handles: ["console:ann"] }
  bob: { name: Bob, roles: [storage-lead], handles: ["console:bob"] }
  cho: { name: Cho, roles: [storage-lead], handles: ["console:cho"] }
  fay: { name: Fay, roles: [storage-lead], handles: ["console:fay"] }
  dan: { name: Dan, roles: [app-owner], handles: ["console:dan"] }
  eve: { name: Eve, roles: [], handles: ["console:eve"] }
  nightly: { name: The nightly check, roles: [viewer], handles: ["console:nightly"], machine: true }
windows:
  weekend: { on: { env: production }, target: "prod*", from: disruptive, zone: America/New_York, open: ["sat 22:00 to sun 06:00", "02:00 to 04:00"] }
rules:
  - { name: anyone may look, may: viewer, capability: "*", target: "*", up to: none }
  - name: the house itself
    may: storage
    capability: "signalbox.*"
    target: signalbox
    up to: destructive
    reason: none
    start: none
    before: { from: disruptive, role: storage-lead, people: 1, own request: false, and: [{ role: app-owner, people: 1 }], reason: required, step-up: true }
  - name: full speed in gold production
    may: storage-lead
    capability: powerpath.throttle
    on: { env: production, tier: gold }
    params: { level: "9" }
    up to: destructive
    reason: "CHG\\\\d{7}"
    start: { role: storage-lead, people: 1, and: none, reason: none, step-up: false }
    before: { from: routine, role: storage-lead, people: 2, within: 1h, good for: 30min, denies: 2, and: [{ role: app-owner, people: 1 }], reason: "CHG\\\\d{7}", step-up: true }
  - name: production
    may: storage
    capability: "*"
    on: { env: production }
    up to: destructive
    reason: "CHG\\\\d{7}"
    takes: 40min
    start: { role: storage-lead, people: 1, and: none, reason: none, step-up: false }
    before: { from: disruptive, role: storage-lead, people: 1, good for: 30min, denies: 2, and: [{ role: app-owner, people: 1 }], reason: "CHG\\\\d{7}", step-up: true }
  - name: test
    may: storage
    capability: "powerpath.*"
    target: "test*"
    up to: disruptive
    start: none
    before: { from: disruptive, role: storage-lead, people: 1, within: 4h }
break glass:
  may: storage
  within: 15min
  approval: { role: storage-lead, people: 1, and: [{ role: app-owner, people: 1 }], reason: required, step-up: true }
targets:
  prod01:
    kind: powerpath
    root: hosts/prod01
    labels: { env: production, tier: gold }
    settings: { host: prod01, username: storage, key: /etc/key, os: linux }
  test01:
    kind: powerpath
    labels: { env: test, tier: silver }
    settings: { host: test01, username: storage, key: /etc/key, os: linux }
channels:
  console: {}
  slack: { token: { env: BOT }, app token: { env: APP }, team: T0HOME, app: A0BOX, channels: [C0OPS] }
  discord: { token: { env: DISCORD }, application: "1100000000000000001", guild: "1100000000000000002", channels: ["1100000000000000010"] }
  fallback: slack:C0OPS
`

const load = (text: string): Site => parseSite(text, 'site.yaml', adapters, SECRETS)
/** The complaints about a file that cannot be used, each with its line. */
const complaints = (text: string): readonly string[] => {
  try {
    load(text)
  } catch (error) {
    if (error instanceof BadSite) return error.message.split('\n').map(line => line.replace(/^site\.yaml:/, ''))
    throw error
  }
  return []
}
const instead = (before: string, now: string, text = FULL): string => {
  if (!text.includes(before)) throw new Error(`the file has no "${before}"`)
  return text.replace(before, now)
}
const lineOf = (part: string): number => FULL.slice(0, FULL.indexOf(part)).split('\n').length

describe('a full policy', () => {
  test('becomes plain data with everything that it says', () => {
    const { rulebook, seal, anchor, chats, notes } = load(FULL)
    expect(rulebook.zone).toBe('Europe/Berlin')
    expect(rulebook.links).toEqual({ expire: hours(24 * 60), coolDown: hours(48) })
    expect(rulebook.roles['storage-lead']).toEqual({
      includes: ['storage'],
      groups: ['slack:S0LEADS', 'discord:1100000000000000003'],
    })
    expect(rulebook.people['nightly']).toMatchObject({ machine: true })
    expect(rulebook.people['ann']).not.toHaveProperty('machine')
    expect(rulebook.labels).toEqual({ prod01: { env: 'production', tier: 'gold' }, test01: { env: 'test', tier: 'silver' } })
    expect(rulebook.windows).toEqual([
      {
        name: 'weekend',
        where: { env: 'production' },
        target: 'prod*',
        from: 'disruptive',
        zone: 'America/New_York',
        open: [
          { from: { day: 6, minute: 22 * 60 }, to: { day: 0, minute: 6 * 60 } },
          { from: { minute: 2 * 60 }, to: { minute: 4 * 60 } },
        ],
      },
    ])
    expect(rulebook.rules[2]).toEqual({
      name: 'full speed in gold production',
      capability: 'powerpath.throttle',
      target: '*',
      where: { env: 'production', tier: 'gold' },
      params: { level: '9' },
      upTo: 'destructive',
      may: 'storage-lead',
      reason: 'CHG\\d{7}',
      start: expect.objectContaining({ role: 'storage-lead', quorum: 1 }) as unknown,
      before: {
        from: 'routine',
        rule: {
          role: 'storage-lead',
          quorum: 2,
          and: [{ role: 'app-owner', quorum: 1 }],
          ownRequest: false,
          within: hours(1),
          goodFor: minutes(30),
          denies: 2,
          reason: 'CHG\\d{7}',
          stepUp: true,
          risk: 'destructive',
          from: 'full speed in gold production',
        },
      },
    })
    expect(rulebook.rules[3]?.takes).toBe(minutes(40))
    expect(rulebook.glass).toMatchObject({ may: 'storage', within: minutes(15), rule: { reason: '\\S', stepUp: true } })
    expect([seal, anchor]).toEqual([SECRETS.SEAL, { chat: 'slack', channel: 'C0OPS' }])
    expect([chats.slack, chats.discord]).toMatchObject([
      { groups: ['S0STORAGE', 'S0LEADS'] },
      { groups: ['1100000000000000003'] },
    ])
    expect(notes).toEqual([])
  })

  test('survives the database: read back from JSON it is the same', () => {
    const { rulebook } = load(FULL)
    expect(rulebookDigest(JSON.parse(JSON.stringify(rulebook)) as typeof rulebook)).toBe(rulebookDigest(rulebook))
  })

  test('has no secret in it, nor anything of the devices but their labels', () => {
    expect(JSON.stringify(load(FULL).rulebook)).not.toMatch(/secret|0123456789abcdef0|etc\/key/)
  })

  test('without a word about it: UTC, links of 90 days that cool for one, and no glass to break', () => {
    const text = FULL.replace(/zone: Europe.*\n/, '')
      .replace(/links:.*\n/, '')
      .replace(/break glass:\n(?: {2}.*\n)+/, '')
    const { rulebook } = load(text)
    expect([rulebook.zone, rulebook.links]).toEqual(['UTC', { expire: hours(24 * 90), coolDown: hours(24) }])
    expect(rulebook).not.toHaveProperty('glass')
  })
})

/** Every key of the file, with what lies below it. */
const keys = (map: YAMLMap, path: readonly unknown[] = []): (readonly unknown[])[] =>
  map.items.flatMap(({ key, value }) => {
    const here = [...path, String(key)]
    const items = value !== null && typeof value === 'object' && 'items' in value ? (value.items as unknown[]) : []
    const below = isMap(value) ? keys(value, here) : items.flatMap((item, n) => (isMap(item) ? keys(item, [...here, n]) : []))
    return [here, ...below]
  })

const deployed = (name: string): string => readFileSync(new URL(`../deploy/${name}`, import.meta.url), 'utf8')
const POLICIES = readdirSync(new URL('../deploy/policies/', import.meta.url)).sort()

/** One person of each set of roles: the others are in the same position. */
const alike = ({ policy }: Site): readonly Person[] => [
  ...new Map([...policy.people].map(([person, { roles }]) => [[...roles].sort().join(), person])).values(),
]

describe('silence is never a yes', () => {
  test.each([
    ['a full policy', FULL] as const,
    ['the example', deployed('site.example.yaml')] as const,
    ...POLICIES.map(name => [name, deployed(`policies/${name}`)] as const),
  ])('with any one key taken away %s is refused, or allows no more than before', (_, text) => {
    const whole = load(text)
    const people = [...alike(whole), 'nobody' as Person]
    const targets = [...whole.targets.keys(), 'signalbox' as Target]
    const before = allowed(whole, people, targets)
    // What is compared is worth it: some is refused, and some stands at gates.
    expect([...before.values()].filter(gates => gates === undefined).length).toBeGreaterThan(20)
    expect([...before.values()].filter(gates => gates && gates.length > 0).length).toBeGreaterThan(10)
    const all = keys(parseDocument(text).contents as YAMLMap)
    let loaded = 0
    for (const path of all) {
      const copy = parseDocument(text)
      copy.deleteIn(path)
      let site: Site
      try {
        site = load(copy.toString())
      } catch (error) {
        expect(error, path.join('.')).toBeInstanceOf(BadSite)
        continue
      }
      loaded++
      if (rulebookDigest(site.rulebook) === rulebookDigest(whole.rulebook)) continue
      expect(allowsMore(before, allowed(site, people, targets)), path.join('.')).toEqual([])
      const there = targets.filter(target => site.targets.has(target))
      expect(windowed(site, there), path.join('.')).toEqual(expect.arrayContaining([...windowed(whole, there)]))
      // Whatever else it does to the rules is in the words that people accept.
      expect(diffOf(whole.rulebook, site.rulebook), path.join('.')).not.toEqual([])
      const [glass, was] = [site.rulebook.glass, whole.rulebook.glass]
      if (glass && was)
        expect(asStrict({ rule: glass.rule, voters: new Set() }, { rule: was.rule, voters: new Set() }), path.join('.')).toBe(
          true,
        )
    }
    expect(all.length - loaded).toBeGreaterThan(20)
    expect(loaded).toBeGreaterThan(10)
  })

  test('what decides for everything is not missed by the comparison', () => {
    const whole = load(FULL)
    const people = [...whole.policy.people.keys()]
    const before = allowed(whole, people, [...whole.targets.keys()])
    const weaker = [
      FULL.replaceAll('step-up: true', 'step-up: false'),
      FULL.replaceAll('[{ role: app-owner, people: 1 }]', 'none'),
      FULL.replaceAll('"CHG\\\\d{7}"', 'none'),
      instead('people: 2, within: 1h', 'people: 1, within: 1h'),
      instead('good for: 30min', 'good for: 1h'),
      instead('denies: 2', 'denies: 3'),
      instead('roles: [app-owner]', 'roles: [app-owner, storage]'),
      instead('from: routine, role: storage-lead, people: 2', 'from: disruptive, role: storage-lead, people: 2'),
    ]
    for (const [n, text] of weaker.entries())
      expect(allowsMore(before, allowed(load(text), people, [...whole.targets.keys()])).length, `weaker ${n}`).toBeGreaterThan(0)
  })
})

describe('where the file says no time, the risk does', () => {
  const rule = (upTo: string) =>
    load(instead('up to: disruptive', `up to: ${upTo}`).replace(', within: 4h', '')).rulebook.rules[4]

  test.each([
    ['routine', hours(8), hours(8)],
    ['disruptive', hours(4), hours(1)],
    ['destructive', hours(1), minutes(15)],
  ])('for %s', (risk, within, goodFor) => {
    expect(rule(risk)?.before?.rule).toMatchObject({ within, goodFor, risk })
  })

  test('a yes to what cannot be taken back is never good for more than an hour', () => {
    expect(complaints(instead('good for: 30min', 'good for: 61min'))).toEqual([
      `${lineOf('good for: 30min')}: rules.2.before.good for: a yes to what cannot be taken back is good for 1h at most`,
    ])
    for (const { rulebook } of [load(FULL), ...POLICIES.map(name => load(deployed(`policies/${name}`)))])
      for (const { upTo, start, before } of rulebook.rules)
        for (const gate of [start, before?.rule])
          if (gate && upTo === 'destructive') expect(gate.goodFor).toBeLessThanOrEqual(hours(1))
  })

  test('a broken glass is worth half an hour, and an hour at most', () => {
    expect(load(instead('  within: 15min\n', '')).rulebook.glass?.within).toBe(minutes(30))
    expect(complaints(instead('within: 15min', 'within: 2h')).join()).toContain(
      'break glass.within: a broken glass is worth 1h at most',
    )
  })
})

describe('a policy that cannot be meant is refused with the line', () => {
  test.each([
    ['a zone that there is not', 'zone: Europe/Berlin', 'zone: Europe/Bärlin', 'zone: there is no time zone "Europe/Bärlin"'],
    ['a zone without a summer', 'zone: Europe/Berlin', 'zone: "+02:00"', 'zone: there is no time zone "+02:00"'],
    ['a key that stands in the file', 'seal: { env: SEAL }', 'seal: hush', 'seal: write `{ env: NAME }` or `{ file: PATH }`'],
    ['a short key', 'seal: { env: SEAL }', 'seal: { env: BOT }', 'seal: the key has fewer than 32 characters'],
    ['an anchor nowhere', 'anchor: "slack:C0OPS"', 'anchor: "slack:C0EVIL"', 'anchor: slack has no channel C0EVIL'],
    ['a group by its name', '"slack:S0STORAGE"', '"slack:storage"', 'roles.storage.groups.0: a group is written like'],
    [
      'a role of an and that there is not',
      '[{ role: app-owner,',
      '[{ role: owner,',
      'rules.1.before.and.0.role: there is no role "owner"',
    ],
    [
      'a machine that could approve',
      'roles: [viewer], handles: ["console:nightly"]',
      'roles: [storage-lead], handles: ["console:nightly"]',
      'people.nightly.roles: nightly is a machine, and storage-lead approves in "the house itself"',
    ],
    [
      'a label in capitals',
      'labels: { env: production',
      'labels: { Env: production',
      'targets.prod01.labels.Env: a label is named in small letters',
    ],
    [
      'a target without a label that rules go by',
      'env: test, tier: silver',
      'tier: silver',
      'targets.test01.labels: it has no label env, and the rules or windows go by it',
    ],
    [
      'a value that no target has',
      'on: { env: production }\n',
      'on: { env: prodution }\n',
      'rules.3.on.env: no target has env: prodution; there is production, test',
    ],
    [
      'a label that no target has',
      'tier: gold }\n    params',
      'colour: red }\n    params',
      'rules.2.on.colour: no target has colour: red; no target has such a label',
    ],
    [
      'a label that is a name',
      'tier: silver',
      'tier: prod01',
      'targets.test01.labels.tier: prod01 is the name of something else, and `freeze prod01` could mean both',
    ],
    ['a label for everything', 'tier: silver', 'tier: Everything', 'targets.test01.labels.tier: Everything is the name'],
    [
      'a target with the name of the house',
      '  test01:',
      '  Signalbox:',
      'targets.Signalbox: Signalbox stands for something else here',
    ],
    ['two targets with one name', '  test01:', '  PROD01:', 'targets.PROD01: it is too much like prod01'],
    [
      'a window that is for nothing',
      'on: { env: production }, target: "prod*", from',
      'from',
      'windows.weekend: say which targets it is for',
    ],
    ['a window that is no time', '"02:00 to 04:00"', '"two to four"', 'windows.weekend.open.1: "two to four" is no opening'],
    [
      'a window for a target that there is not',
      'target: "prod*"',
      'target: prod1',
      'windows.weekend.target: there is no target prod1',
    ],
    ['a rule for nothing', '    target: "test*"\n', '', 'rules.4.target: say which targets it is for'],
    [
      'a rule for a capability that there is not',
      '"powerpath.*"',
      '"powerpaht.*"',
      'rules.4.capability: no device here has a capability powerpaht.*',
    ],
    ['a rule for a target that there is not', 'target: "test*"', 'target: tset01', 'rules.4.target: there is no target tset01'],
    [
      'a parameter that there is not',
      'level: "9"',
      'levle: "9"',
      'rules.2.params.levle: nothing that powerpath.throttle fits has a "levle"',
    ],
    ['two rules of one name', 'name: test\n', 'name: production\n', 'rules.4.name: there is a rule called "production" already'],
    [
      'a rule that never decides',
      'target: "test*"',
      'on: { env: production }',
      'rules.4: it never decides: "production" stands before it',
    ],
    ['a rule that nobody may ask for', 'may: storage-lead\n', 'may: gone\n', 'rules.2.may: there is no role "gone"'],
    [
      'half of what is asked beside people',
      ', reason: required, step-up: true }\n  - name: full',
      ', reason: required }\n  - name: full',
      'rules.1.before.step-up: a rule that asks for more than people says so in full, so that nothing is lost with one line: `step-up: false` is missing',
    ],
    [
      'a pattern that is none',
      'reason: "CHG\\\\d{7}"\n    takes',
      'reason: "CHG("\n    takes',
      'rules.3.reason: "CHG(" cannot be used: it is no regular expression',
    ],
    [
      'a pattern that takes for ever',
      'reason: "CHG\\\\d{7}"\n    takes',
      'reason: "(a+)+$"\n    takes',
      'rules.3.reason: "(a+)+$" cannot be used: a group that is repeated',
    ],
    [
      'a glass that one person breaks alone',
      'approval: { role: storage-lead, people: 1, and: [{ role: app-owner, people: 1 }]',
      'approval: { role: storage-lead, people: 1, own request: true, and: none',
      'break glass.approval.own request: nobody breaks the glass alone',
    ],
    [
      'time in a window that there is not',
      'on: { env: production }, target: "prod*"',
      'on: { env: test }',
      'rules.3.takes: it is what a change needs of a change window, and no window is for these',
    ],
    ['half of the links', 'links: { expire: 60d, cool down: 48h }', 'links: { expire: 60d }', 'links.cool down: it is missing'],
    [
      'a setting that there is not',
      'break glass:\n',
      'break glass:\n  always: true\n',
      'break glass.always: there is no such setting',
    ],
  ])('%s', (_, before, now, wanted) => {
    const text = instead(before, now)
    const found = complaints(text)
    expect(found.join('\n')).toContain(wanted)
    for (const line of found) {
      const [, number = '', path = ''] = /^(\d+): (.*?): /.exec(line) ?? []
      const names = path.split('.').filter(part => !/^\d+$/.test(part))
      // A rule as a whole begins with its name.
      const there = text.split('\n')[Number(number) - 1] ?? ''
      expect(
        [...names, '- name'].some(name => there.includes(name)),
        line,
      ).toBe(true)
    }
  })

  test('a group of a chat that is not among the channels', () => {
    const text = FULL.replace(/ {2}discord: \{ token.*\n/, '')
    expect(complaints(text).join()).toContain(
      'roles.storage-lead.groups: discord:1100000000000000003 is a group of discord, and discord is not among the channels',
    )
  })

  test('a role that nobody has or could have by a group', () => {
    const text = instead('  app-owner: { includes: [viewer] }', '  app-owner: { includes: [viewer] }\n  dba: {}').replace(
      'may: storage-lead',
      'may: dba',
    )
    expect(complaints(text).join()).toContain('rules.2.may: nobody has the role dba, and so nobody could ask')
    expect(complaints(text.replace('dba: {}', 'dba: { groups: ["slack:S0DBA"] }'))).toEqual([])
  })

  test('a person without a role, where no group could give one', () => {
    const text = FULL.replace(/, groups: \[[^\]]*\]/g, '')
    expect(complaints(text)).toEqual([
      expect.stringContaining('people.eve.roles: eve has no role, and there is no role whose `groups`'),
    ])
  })

  test('two groups that one person would have to stand for', () => {
    const text = FULL.replace(/, groups: \[[^\]]*\]/g, '')
      .replace('roles: []', 'roles: [viewer]')
      .replace(
        'app-owner: { includes: [viewer] }',
        'app-owner: { includes: [viewer] }\n  boss: { includes: [app-owner, storage-lead] }',
      )
      .replace('dan: { name: Dan, roles: [app-owner]', 'dan: { name: Dan, roles: [boss]')
      .replace(/ {2}(?:bob|cho|fay): .*\n/g, '')
    expect(complaints(text)[0]).toContain(
      'rules.1.before: nobody could satisfy this: 1 with the role storage-lead and 1 with the role app-owner are needed, besides whoever asks, and there are 1 and 1, and nobody counts for two',
    )
  })

  test.each(['', ' ', '*', '../', '..', 'a b', 'a\u0000b', '-x', 'x'.repeat(4096), 'a*', '\u200bprod01', 'пrod01'])(
    'the name %j, wherever a name stands',
    name => {
      const written = JSON.stringify(name)
      for (const text of [
        instead('  test01:', `  ${written}:`),
        instead('  ann:', `  ${written}:`),
        instead('  app-owner: {', `  ${written}: {`),
        instead('tier: silver', `tier: ${written}`),
        instead('may: storage-lead', `may: ${written}`),
        instead('  weekend:', `  ${written}:`),
      ])
        expect(complaints(text).length, text.slice(0, 0) + written).toBeGreaterThan(0)
      if (!name.includes('*')) expect(complaints(instead('target: "test*"', `target: ${written}`)).length).toBeGreaterThan(0)
    },
  )
})

describe('a pattern of the site file', () => {
  test.each([
    'CHG\\d{7}',
    '(CHG|INC)\\d{7}',
    '(?:CHG|INC)-?\\d+',
    '[A-Z]{2,5}-\\d{1,6}',
    '\\bCHG\\d+ by \\w+',
    '\\(\\+\\)',
    '[)(*+]x',
  ])('%s is used', pattern => expect(objection(pattern)).toBeUndefined())

  test.each([
    ['(', 'no regular expression'],
    ['\\p{L}+', 'no regular expression'],
    ['x'.repeat(101), '100 characters at most'],
    ['(?=CHG)x', 'ahead or behind'],
    ['(?<!x)y', 'ahead or behind'],
    ['(a)\\1', 'refers back'],
    ['(?<n>a)\\k<n>', 'refers back'],
    ['(a+)+b', 'repeated'],
    ['(a|aa)+b', 'repeated'],
    ['((a|b)c)*d', 'repeated'],
    ['(?:a?){20}b', 'repeated'],
    ['((\\d+)?x)+', 'repeated'],
    ['.*.*.*x', 'so many'],
    [`${'a?'.repeat(30)}b`, 'so many'],
    [`${'(a|b)'.repeat(19)}c`, 'so many'],
    ['.*', 'no words at all'],
    ['(CHG\\d{7})?', 'no words at all'],
    ['CHG|', 'no words at all'],
  ])('%s is not', (pattern, why) => expect(objection(pattern)).toContain(why))

  test('whatever is used answers at once, for the longest of reasons', () => {
    const reason = `${'a'.repeat(290)}!`
    const parts = ['a', 'a?', 'a*', 'a+', '.*', '(a)', '(a|b)', '(?:a)', '[ab]', 'a{1,9}', '(aa)*', '\\w+', '$', 'b']
    let tried = 0
    for (let n = 0; n < 4_000; n++) {
      const pattern = Array.from({ length: 1 + (n % 6) }, (_, k) => parts[(n * 7 + k * (n % 13) + k) % parts.length]).join('')
      if (objection(pattern) !== undefined) continue
      tried++
      const from = performance.now()
      new RegExp(pattern, 'i').test(reason)
      expect(performance.now() - from, pattern).toBeLessThan(1_000)
    }
    expect(tried).toBeGreaterThan(500)
  })
})

describe('what may not be meant is noted, and no reason to refuse', () => {
  const HOUSE = /\n {2}- name: the house itself\n(?: {4}.*\n)+/

  test('that nobody may accept a changed policy', () => {
    expect(load(FULL.replace(HOUSE, '\n')).notes).toEqual([
      'Nobody may accept a change of this policy in the chat: no rule allows signalbox.accept-policy on signalbox.',
    ])
  })

  test('that nobody can, because it is said without a reason', () => {
    expect(load(instead('reason: none\n    start: none', 'reason: required\n    start: none')).notes[0]).toContain(
      'wants a reason',
    )
  })

  test('that one person can do it alone', () => {
    const text = FULL.replace(
      /before: \{ from: disruptive, role: storage-lead, people: 1, own request: false.*\n/,
      'before: none\n',
    )
    expect(load(text).notes[0]).toContain('One person with the role storage can change this policy alone')
  })

  test('that a pattern fits no target yet', () => {
    expect(load(instead('target: "test*"', 'target: "tset*"')).notes).toEqual([
      'The rule "test" is for tset*, and no target is called like that.',
    ])
  })
})

describe('when a window is open', () => {
  const open = (text: string) => load(instead('"02:00 to 04:00"', JSON.stringify(text))).rulebook.windows[0]?.open.slice(1)
  const at = (day: number, hour: number) => ({ day, minute: 60 * hour })

  test.each([
    ['wed 20:00 to 23:00', [{ from: at(3, 20), to: at(3, 23) }]],
    ['Saturday 22:00 to 06:00', [{ from: at(6, 22), to: at(0, 6) }]],
    ['sat 22:00 to mon 06:00', [{ from: at(6, 22), to: at(1, 6) }]],
    ['fri-sun 22:00 to 24:00', [5, 6, 0].map(day => ({ from: at(day, 22), to: at((day + 1) % 7, 0) }))],
    ['22:00 to 24:00', [{ from: { minute: 1320 }, to: { minute: 0 } }]],
  ])('%s', (text, wanted) => expect(open(text)).toEqual(wanted))

  test.each([
    '24:00 to 02:00',
    '02:60 to 03:00',
    '25:00 to 26:00',
    'sat to sun',
    '22:00 to sun 06:00',
    'mon-fri 22:00 to sat 04:00',
    '02:00 to 02:00',
    'sat 24:00 to sun 02:00',
    'always',
    'foo 02:00 to 04:00',
    '',
  ])('%j is refused', text =>
    expect(complaints(instead('"02:00 to 04:00"', JSON.stringify(text))).join()).toContain('windows.weekend.open.1'),
  )
})

test.each(POLICIES)('%s loads as it is, without a note and without a secret in the environment', name => {
  const site = parseSite(deployed(`policies/${name}`), name, adapters, {})
  expect(site.notes).toEqual([])
  expect(site.rulebook.glass).toBeDefined()
})

test('there are three ready policies', () => {
  expect(POLICIES).toEqual(['regulated.yaml', 'small-team.yaml', 'two-person.yaml'])
  expect(RISKS).toContain('destructive')
})

describe('the guide', () => {
  const GUIDE = readFileSync(new URL('../docs/approvals.md', import.meta.url), 'utf8')
  const blocks = (kind: string): readonly string[] =>
    [...GUIDE.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
  const CHATS = FULL.slice(FULL.indexOf('channels:\n'))

  /** What has been shown so far: each example stands in the place of what was said before it. */
  const upTo = (n: number): string => {
    const site = parseDocument(`name: guide\n${CHATS}`)
    const [people, targets, rules] = ['people:', 'targets:', 'rules:'].map(key => blocks('yaml').find(it => it.includes(key)))
    for (const text of [people, targets, rules, ...blocks('yaml').slice(0, n + 1)])
      for (const { key, value } of (parseDocument(text ?? '').contents as YAMLMap).items) site.set(key, value)
    return site.toString()
  }

  test.each(blocks('yaml').map((text, n) => [text.split('\n')[0], n] as const))('has examples that load: %s', (_, n) => {
    expect(complaints(upTo(n))).toEqual([])
  })

  test('has an example of each part', () => {
    expect(blocks('yaml').map(text => [...text.matchAll(/^\S.*?(?=:)/gm)].map(([key]) => key).join())).toEqual([
      'roles,people',
      'roles',
      'rules',
      'targets',
      'rules',
      'zone,windows',
      'break glass',
      'rules',
    ])
  })

  test('shows what `policy test` really says', () => {
    const site = load(upTo(4))
    const heard = languageOf(site, adapters).parse('commit session 1 on sql01')
    if (!('command' in heard) || heard.command.kind !== 'act') throw new Error('it is no sentence')
    const planned = planner(adapters, RUNBOOKS, {})(heard.command)
    expect(policyTest(planned, 'ann' as Person, site.policy, Date.UTC(2026, 10, 26)).join('\n')).toBe(
      blocks('text')[0]?.trimEnd(),
    )
  })

  test('says the defaults that are in the code', () => {
    expect(GUIDE).toContain('by the worst of the rule: 8h, 4h, 1h')
    expect([STANDS.routine, STANDS.disruptive, STANDS.destructive]).toEqual([hours(8), hours(4), hours(1)])
    expect(GUIDE).toContain('8h, 1h, 15min; never more than 1h')
    expect([GOOD_FOR.routine, GOOD_FOR.disruptive, GOOD_FOR.destructive]).toEqual([hours(8), hours(1), minutes(15)])
  })

  test('has sentences that are understood', () => {
    const { parse } = languageOf(load(upTo(4)), adapters)
    const said = [...GUIDE.replace(/```[\s\S]*?```/g, '').matchAll(/^ {4}(?!signalbox )(.+)$/gm)].map(([, text = '']) => text)
    expect(said).toHaveLength(5)
    for (const text of said) expect(parse(text), text).toHaveProperty('command')
  })
})
