import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { minutes, type Person } from '../src/domain/ids.ts'
import type { Adapter } from '../src/kit/device.ts'
import { loadAdapters } from '../src/registry.ts'
import { BadSite, parseSite, readSite, type Site } from '../src/site/site.ts'

let adapters: ReadonlyMap<string, Adapter>
let folder: string
beforeAll(async () => {
  adapters = await loadAdapters()
  folder = mkdtempSync(join(tmpdir(), 'signalbox-site-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const EXAMPLE = readFileSync(new URL('../deploy/site.example.yaml', import.meta.url), 'utf8')
const VARIABLES = { SQL01_PASSWORD: 'secret-of-sql01', WEB01_PASSWORD: 'secret-of-web01' }

const GOOD = `name: small
people:
  ann: { roles: [operator], handles: ["console:ann"] }
  bob: { roles: [lead], handles: ["console:bob"] }
rules:
  - name: operators may
    may: operator
    capability: "*"
    target: "*"
    up to: destructive
    start: none
    before: { from: disruptive, role: lead, people: 1, within: 4h }
targets:
  web01:
    kind: powerpath
    settings: { host: web01, username: storage, password: "in-plain-text", os: linux }
`
const load = (text: string, variables: Readonly<Record<string, string>> = {}): Site =>
  parseSite(text, join(folder, 'site.yaml'), adapters, variables)
/** The complaints of a file that cannot be used, each without the name of the file. */
const complaints = (text: string, variables: Readonly<Record<string, string>> = {}): readonly string[] => {
  try {
    load(text, variables)
  } catch (error) {
    if (error instanceof BadSite) return error.message.split('\n').map(line => line.replace(/^.*site\.yaml:/, ''))
    throw error
  }
  return []
}
const without = (line: string): string => {
  if (!GOOD.includes(line)) throw new Error(`the good file has no "${line}"`)
  return GOOD.replace(line, '')
}
const instead = (before: string, now: string): string => {
  if (!GOOD.includes(before)) throw new Error(`the good file has no "${before}"`)
  return GOOD.replace(before, now)
}

describe('a complaint about a site file has the line and what to do', () => {
  test('and a good file has none', () => {
    expect(complaints(GOOD)).toEqual([])
  })

  test.each([
    [
      'a typing mistake at the top',
      GOOD.replace('people:', 'poeple:'),
      ['1: people: it is missing, and must be there', '2: poeple: there is no such setting; is it a typing mistake?'],
    ],
    [
      'a typing mistake in a person',
      instead('handles: ["console:bob"]', 'handels: []'),
      ['4: people.bob.handels: there is no such setting'],
    ],
    [
      'two typing mistakes in one rule',
      instead('start: none', 'begin: none\n    after: none'),
      ['11: rules.0.begin: there is no such setting', '12: rules.0.after: there is no such setting'],
    ],
    [
      'a typing mistake in the settings of a device',
      instead('os: linux', 'os: linux, pasword: x'),
      ['16: targets.web01.settings.pasword: there is no such setting'],
    ],
    [
      'a role that nobody has made',
      instead('role: lead', 'role: laed'),
      ['12: rules.0.before.role: there is no role "laed"; there are viewer, operator, lead'],
    ],
    [
      'a role of a person that nobody has made',
      instead('roles: [operator]', 'roles: [constructor]'),
      ['3: people.ann.roles: there is no role "constructor"'],
    ],
    [
      'a kind of device that there is not',
      instead('kind: powerpath', 'kind: powerpaht'),
      ['15: targets.web01.kind: there is no kind "powerpaht"; there are '],
    ],
    [
      'one handle of two people',
      instead('["console:bob"]', '["console:ann"]'),
      ['4: people.bob.handles: console:ann is ann already, and one handle is one person'],
    ],
    [
      'a handle of no chat',
      instead('"console:bob"', '"bob"'),
      ['4: people.bob.handles.0: a handle is written like slack:U042 or console:ann'],
    ],
    [
      'a duration that is none',
      instead('4h', 'four hours'),
      ['12: rules.0.before.within: "four hours" is not a duration; write it like 90s, 30min, 2h or 1d'],
    ],
    ['a duration of nothing', instead('4h', '0s'), ['12: rules.0.before.within: "0s" is not a duration']],
    ['a quorum of nobody', instead('people: 1,', 'people: 0,'), ['12: rules.0.before.people:']],
    [
      'a setting that is missing',
      without('host: web01, '),
      ['16: targets.web01.settings.host: it is missing, and must be there'],
    ],
    ['no way in', without('password: "in-plain-text", '), ['16: targets.web01.settings: a password or a key is needed']],
    [
      'a secret that the environment does not have',
      instead('"in-plain-text"', '{ env: NOT_THERE }'),
      ['16: targets.web01.settings.password: the environment has no NOT_THERE'],
    ],
    [
      'a secret in a file that is not there',
      instead('"in-plain-text"', '{ file: not-there }'),
      ['16: targets.web01.settings.password: the file not-there cannot be read or is empty'],
    ],
    ['a secret too short to be found again', instead('"in-plain-text"', '"abc"'), ['a secret of fewer than 4 characters']],
    [
      'no rules',
      `${GOOD.slice(0, GOOD.indexOf('rules:'))}rules: []\ntargets: {}\n`,
      ['5: rules: there is no rule, and without a rule nobody may do anything; deploy/site.example.yaml has some'],
    ],
    [
      'a rule for changes that says nothing about approval',
      without('    start: none\n'),
      ['6: rules.0.start: a rule for changes says who approves'],
    ],
    [
      'a runbook that there is not',
      `${GOOD}runbooks: { migrat: { soak: 1h } }\n`,
      ['17: runbooks.migrat: there is no runbook "migrat"; there are migrate'],
    ],
    [
      'a parameter that a runbook does not take',
      `${GOOD}runbooks: { migrate: { throtle: 2 } }\n`,
      ['17: runbooks.migrate.throtle: migrate takes no "throtle"; it takes host, from, to, throttle'],
    ],
    [
      'a value that a runbook does not take',
      `${GOOD}runbooks: { migrate: { throttle: 12 } }\n`,
      ['17: runbooks.migrate.throttle:'],
    ],
    ['broken YAML', `${GOOD}  web02: [\n`, ['18: ']],
    ['the same key twice', `${GOOD}name: again\n`, ['17: Map keys must be unique']],
    ['a tag that nobody knows', instead('"in-plain-text"', '!env WEB_PASSWORD'), ['16: Unresolved tag: !env']],
    ['an anchor that is not there', instead('name: small', 'name: *nothing'), ['1: Unresolved alias']],
    ['nothing at all', '', ['1: the file: expected object, received null']],
    ['a list', '- a\n- b\n', ['1: the file: expected object, received array']],
    [
      'a person called __proto__',
      GOOD.replace('  ann:', '  __proto__: { roles: [lead] }\n  ann:'),
      ['3: nothing may be called __proto__'],
    ],
    [
      'settings called __proto__',
      instead('{ host: web01', '{ __proto__: { os: linux }, host: web01'),
      ['16: nothing may be called __proto__'],
    ],
  ])('%s', (_, text, wanted) => {
    const found = complaints(text)
    for (const one of wanted) expect(found.join('\n')).toContain(one)
    expect(found.length).toBeGreaterThan(0)
  })

  test('however many there are, each is named once', () => {
    const many = GOOD.replace('role: lead', 'role: nobody')
      .replace('kind: powerpath', 'kind: toaster')
      .replace('roles: [operator]', 'roles: [cook]')
    const found = complaints(many)
    expect(found.map(line => Number.parseInt(line, 10)).sort((a, b) => a - b)).toEqual([3, 12, 15])
    expect(new Set(found).size).toBe(found.length)
  })

  test('a small file that unfolds into a large one is refused at once', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
        (name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[n]}`).join(', ')}]`,
      ),
    ].join('\n')
    const from = performance.now()
    expect(complaints(bomb)[0]).toContain('Excessive alias count')
    expect(performance.now() - from).toBeLessThan(1_000)
  })

  test('a file that is not there says how to name another', () => {
    expect(() => readSite(join(folder, 'nowhere.yaml'), adapters, {})).toThrow(/cannot be read.*--site FILE or SIGNALBOX_SITE/)
  })
})

describe('silence in a rule', () => {
  test.each([
    ['who may ask', '    may: operator\n', 'rules.0.may'],
    ['what it is about', '    capability: "*"\n', 'rules.0.capability'],
    ['which targets it is for', '    target: "*"\n', 'rules.0.target'],
    ['how far it goes', '    up to: destructive\n', 'rules.0.up to'],
    ['how many approve', 'people: 1, ', 'rules.0.before.people'],
    ['whose approval it takes', 'role: lead, ', 'rules.0.before.role'],
    [
      'whether changes are approved',
      '    before: { from: disruptive, role: lead, people: 1, within: 4h }\n',
      'rules.0.before: a rule for changes says who approves',
    ],
  ])('about %s is never a yes: the file is refused', (_, line, wanted) => {
    expect(complaints(without(line)).join('\n')).toContain(wanted)
  })
})

describe('a gate that nobody could open', () => {
  test('is refused when the file is read: too few people have the role', () => {
    expect(complaints(instead('people: 1', 'people: 2'))).toEqual([
      '12: rules.0.before: nobody could satisfy this: 2 with the role lead are needed, besides whoever asks, and there are 1',
    ])
  })

  test('is refused when only the one who asks could open it', () => {
    const lonely = GOOD.replace('  ann: { roles: [operator], handles: ["console:ann"] }\n', '')
    expect(complaints(lonely)[0]).toContain('nobody could satisfy this: 1 with the role lead')
    expect(complaints(lonely.replace('within: 4h', 'within: 4h, own request: true'))).toEqual([])
  })
})

describe('what a site file says', () => {
  test('a role includes what it includes, round and round', () => {
    const site = load(
      `roles: { a: { includes: [b] }, b: { includes: [c, a] }, c: {} }\n${instead('roles: [operator]', 'roles: [a, operator]')}`,
    )
    expect([...(site.policy.people.get('ann' as Person)?.roles ?? [])].sort()).toEqual(['a', 'b', 'c', 'operator', 'viewer'])
  })

  test('a gate without a word about its risk stands before every change', () => {
    expect(load(without('from: disruptive, ')).policy.rules[0]?.before?.from).toBe('routine')
  })

  test("an approval is never of one's own request unless the file says so", () => {
    expect(load(GOOD).policy.rules[0]?.before?.rule).toEqual({
      role: 'lead',
      quorum: 1,
      ownRequest: false,
      within: minutes(240),
      goodFor: minutes(15),
      risk: 'destructive',
      from: 'operators may',
    })
  })

  test('every secret is known to redaction, wherever it stands', () => {
    writeFileSync(join(folder, 'pass'), 'from-a-file\n')
    expect(load(GOOD).secrets).toEqual(['in-plain-text'])
    expect(load(instead('"in-plain-text"', '{ env: PASS }'), { PASS: 'from-outside' }).secrets).toEqual(['from-outside'])
    expect(load(instead('"in-plain-text"', '{ file: pass }')).secrets).toEqual(['from-a-file'])
    const both = load(instead('password: "in-plain-text"', 'key: "-----BEGIN PRIVATE KEY-----", passphrase: "open-sesame"'))
    expect(both.secrets).toEqual(['-----BEGIN PRIVATE KEY-----', 'open-sesame'])
  })

  test('a host key is no secret: an error may show which one was wanted', () => {
    expect(load(instead('os: linux', 'os: linux, hostKey: "SHA256:abc"')).secrets).toEqual(['in-plain-text'])
  })

  test('settings get the secret itself', () => {
    const site = load(instead('"in-plain-text"', '{ env: PASS }'), { PASS: 'from-outside' })
    expect(site.targets.get('web01' as never)?.settings).toMatchObject({ password: 'from-outside', port: 22 })
  })
})

describe('the example', () => {
  const example = (text = EXAMPLE): Site => parseSite(text, 'site.example.yaml', adapters, VARIABLES)
  test('loads when its secrets are given, and they are redacted', () => {
    expect(example().secrets).toEqual(['secret-of-sql01', 'secret-of-web01'])
    expect(example().targets.size).toBe(2)
  })
})

describe('the chats of a site', () => {
  const SECRETS = { BOT: 'xoxb-1-secret', APP: 'xapp-1-secret', SIGNING: 'signing-secret', DISCORD: 'discord-secret' }
  const SLACK = `  slack:
    token: { env: BOT }
    app token: { env: APP }
    team: T0HOME
    app: A0BOX
    channels: [C0STORAGE, C0OPS]
`
  const DISCORD = `  discord:
    token: { env: DISCORD }
    application: "1100000000000000001"
    guild: "1100000000000000002"
    channels: ["1100000000000000010"]
`
  const chats = (...sections: readonly string[]): string => `${GOOD}channels:\n${sections.join('')}`

  test('are read with their secrets, which are kept out of everything that is shown', () => {
    const site = load(chats(SLACK, DISCORD, '  fallback: slack:C0OPS\n'), SECRETS)
    expect(site.chats.slack).toMatchObject({
      token: 'xoxb-1-secret',
      appToken: 'xapp-1-secret',
      publicChannels: false,
      api: 'https://slack.com/api/',
    })
    expect(site.chats.discord).toMatchObject({ token: 'discord-secret', guild: '1100000000000000002' })
    expect(site.chats.fallback).toEqual({ chat: 'slack', channel: 'C0OPS' })
    expect(site.secrets).toEqual(expect.arrayContaining(['xoxb-1-secret', 'xapp-1-secret', 'discord-secret']))
  })

  test('may receive over HTTP instead, with a signing secret', () => {
    const http = SLACK.replace('app token: { env: APP }', 'http: { port: 3000, signing secret: { env: SIGNING } }')
    expect(load(chats(http), SECRETS).chats.slack).toMatchObject({ http: { port: 3000, signingSecret: 'signing-secret' } })
  })

  test.each([
    [
      'an empty signing secret',
      SLACK.replace('app token: { env: APP }', 'http: { port: 3000, signing secret: "" }'),
      /signing secret/,
    ],
    [
      'both ways of receiving',
      SLACK.replace('    team:', '    http: { port: 3000, signing secret: { env: SIGNING } }\n    team:'),
      /one of the two/,
    ],
    ['neither way', SLACK.replace('    app token: { env: APP }\n', ''), /one of the two/],
    ['no channel', SLACK.replace('[C0STORAGE, C0OPS]', '[]'), /at least one channel/],
    ['a channel by its name', SLACK.replace('C0STORAGE', 'storage'), /the id, not the name/],
    ['a token that is no bot token', SLACK.replace('env: BOT', 'env: APP'), /begins with xoxb-/],
    ['a token that is not there', SLACK.replace('env: BOT', 'env: NOWHERE'), /the environment has no NOWHERE/],
    ['a setting that there is not', SLACK.replace('    team:', '    tame: true\n    team:'), /no such setting/],
    ['a snowflake that lost its quotes', DISCORD.replace('"1100000000000000001"', '1100000000000000001'), /application/],
    ['a fallback that is nowhere', `${SLACK}  fallback: slack:C0EVIL\n`, /no channel C0EVIL among its channels/],
    ['a fallback in a chat that is not there', `${SLACK}  fallback: discord:1\n`, /discord has no channel/],
  ])('with %s are refused, with the line', (_, section, why) => {
    const told = complaints(chats(section), SECRETS)
    expect(told.join('\n')).toMatch(why)
    expect(told.every(line => /^\d+: /.test(line))).toBe(true)
  })
})
