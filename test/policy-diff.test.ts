import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { hours, minutes } from '../src/domain/ids.ts'
import { differences, diffOf, rulebookDigest } from '../src/domain/policy-diff.ts'
import type { Rulebook } from '../src/domain/rulebook.ts'
import { loadAdapters } from '../src/registry.ts'
import { parseSite } from '../src/site/site.ts'

/** A copy that may be changed. */
type Loose<T> = { -readonly [K in keyof T]: Loose<T[K]> }
type Change = (book: Loose<Rulebook>) => void

let BOOKS: readonly Rulebook[]
let BOOK: Rulebook
beforeAll(async () => {
  const adapters = await loadAdapters()
  const folder = new URL('../deploy/policies/', import.meta.url)
  BOOKS = readdirSync(folder).map(name => parseSite(readFileSync(new URL(name, folder), 'utf8'), name, adapters, {}).rulebook)
  BOOK = BOOKS.find(book => book.windows.length > 0) as Rulebook
})

const changed = (change: Change, book: Rulebook = BOOK): Rulebook => {
  const copy = structuredClone(book) as unknown as Loose<Rulebook>
  change(copy)
  return copy as unknown as Rulebook
}
const gateOf = (book: Loose<Rulebook>, name: string) => {
  const rule = book.rules.find(rule => rule.name === name)?.before?.rule
  if (!rule) throw new Error(`there is no rule ${name}`)
  return rule
}
const POINT = 'production, the point of no return'

describe('a changed policy is shown', () => {
  test.each<[string, Change, readonly string[]]>([
    [
      'when a gate wants fewer people',
      book => Object.assign(gateOf(book, POINT), { quorum: 0 }),
      [`~ rule "${POINT}": before people 1 -> 0`],
    ],
    [
      'when a group, a code and a reason are gone from a gate',
      book => {
        const gate = gateOf(book, POINT)
        delete gate.and
        delete gate.stepUp
        delete gate.reason
      },
      [
        `~ rule "${POINT}": before and 1 with the role app-owner -> nothing`,
        `~ rule "${POINT}": before reason "CHG\\\\d{7}" -> nothing`,
        `~ rule "${POINT}": before step-up true -> nothing`,
      ],
    ],
    [
      'when a yes is good for longer, and a question stands for longer',
      book => Object.assign(gateOf(book, POINT), { goodFor: minutes(30), within: hours(2) }),
      [`~ rule "${POINT}": before within 1 h -> 2 h`, `~ rule "${POINT}": before good for 15 min -> 30 min`],
    ],
    [
      'when somebody comes',
      book => Object.assign(book.people, { eve: { name: 'Eve', roles: ['storage-lead'], handles: ['slack:U0EVE'] } }),
      ['+ person eve: name Eve; roles storage-lead; handles slack:U0EVE'],
    ],
    [
      'when somebody goes, or has another account or role',
      book => {
        delete book.people['aud']
        Object.assign(book.people['ann'] ?? {}, { roles: ['storage', 'app-owner'], handles: ['console:ann', 'slack:U0X'] })
      },
      [
        '~ person ann: roles storage -> storage, app-owner',
        '~ person ann: handles console:ann -> console:ann, slack:U0X',
        '- person aud',
      ],
    ],
    [
      'when a group gives a role',
      book => Object.assign(book.roles['app-owner'] ?? {}, { groups: ['slack:S0EVERYONE'] }),
      ['~ role app-owner: groups none -> slack:S0EVERYONE'],
    ],
    ['when a rule goes', book => book.rules.splice(3, 1), [`- rule "${POINT}"`]],
    [
      'when a rule comes',
      book => book.rules.unshift({ name: 'all', capability: '*', target: '*', upTo: 'destructive', may: 'viewer' }),
      ['+ rule "all": capability *; target *; up to destructive; may viewer'],
    ],
    [
      'when rules stand in another order',
      book => book.rules.push(...book.rules.splice(2, 1)),
      [
        `~ the rules stand in another order: "anyone may look", "the house itself", "${POINT}", "test, a lead for what people may notice", "production, a lead and an owner"`,
      ],
    ],
    [
      'when a target gets another label',
      book => Object.assign(book.labels['sql01'] ?? {}, { env: 'test' }),
      ['~ target sql01: env production -> test'],
    ],
    [
      'when a window is open for longer',
      book => Object.assign(book.windows[0] ?? {}, { open: [{ from: { day: 6, minute: 1320 }, to: { day: 1, minute: 360 } }] }),
      ['~ window weekend: open sat 22:00 to sun 06:00 -> sat 22:00 to mon 06:00'],
    ],
    ['when the zone is another', book => Object.assign(book, { zone: 'UTC' }), ['~ zone Europe/Berlin -> UTC']],
    [
      'when a link cools for less',
      book => Object.assign(book.links, { coolDown: hours(1) }),
      ['~ links cool down 2.0 days -> 1 h'],
    ],
    [
      'when the glass breaks more easily',
      book => Object.assign(book.glass ?? {}, { may: 'viewer', within: hours(1) }),
      ['~ break glass may storage -> viewer', '~ break glass within 30 min -> 1 h'],
    ],
  ])('%s', (_, change, wanted) => {
    expect(diffOf(BOOK, changed(change))).toEqual(wanted)
  })

  test('and one that was only written otherwise is not: the same rules have one digest', () => {
    const turned = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(turned)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, item]) => [key, turned(item)]),
            )
          : value
    const same = turned(JSON.parse(JSON.stringify(BOOK))) as Rulebook
    expect(rulebookDigest(same)).toBe(rulebookDigest(BOOK))
    expect(diffOf(BOOK, { ...same, rules: BOOK.rules, windows: BOOK.windows })).toEqual([])
  })
})

describe('what differs is never hidden', () => {
  /** Every value of a rulebook, with the way to it. */
  const places = (value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, item]) => [[...path, key], ...places(item, [...path, key])])
      : []
  const at = (book: unknown, path: readonly (string | number)[]): Record<string, unknown> =>
    path.reduce((value, key) => (value as Record<string, unknown>)[key] as object, book as object) as Record<string, unknown>

  test('whatever value is another one or gone, it is in the diff', () => {
    let tried = 0
    for (const book of BOOKS)
      for (const path of places(book))
        for (const how of ['another', 'gone'] as const) {
          const copy = changed(() => {}, book)
          const [last, parent] = [String(path.at(-1)), at(copy, path.slice(0, -1))]
          const value = parent[last]
          if (Array.isArray(parent) && how === 'gone') parent.splice(Number(last), 1)
          else if (how === 'gone') delete parent[last]
          else if (typeof value === 'string') parent[last] = `${value}\u200b`
          else if (typeof value === 'number') parent[last] = value + 1
          else if (typeof value === 'boolean') parent[last] = !value
          else continue
          // A rulebook of another shape cannot be read from a file.
          if (path.length === 1 && how === 'gone' && last !== 'glass') continue
          tried++
          expect(differences(book, copy), `${path.join('.')} ${how}`).not.toEqual([])
          expect(differences(copy, book), `${path.join('.')} ${how}`).not.toEqual([])
        }
    expect(tried).toBeGreaterThan(300)
  })

  test('a name cannot look like another line, or like the one that was there', () => {
    const [line, ...more] = diffOf(
      BOOK,
      changed(book => Object.assign(book.people['ann'] ?? {}, { name: 'Ann\n- rule "production"\u202e', roles: ['storage'] })),
    )
    expect(more).toEqual([])
    expect(line).toBe('~ person ann: name "Ann Archer" -> "Ann - rule \\"production\\""')
    expect(
      diffOf(
        BOOK,
        changed(book => Object.assign(book.people['ann'] ?? {}, { name: 'Ann\u200b Archer' })),
      ),
    ).toEqual(['~ person ann: name "Ann Archer" -> "Ann Archer", which only looks the same'])
  })

  test('of more than a card has room for it says how much is left out and where it stands', () => {
    const many = changed(book => {
      for (let n = 0; n < 100; n++) book.people[`p${n}`] = { name: 'x'.repeat(900), roles: ['storage-lead'], handles: [] }
      book.rules.splice(0, 1)
    })
    const lines = diffOf(BOOK, many)
    expect(lines).toHaveLength(41)
    expect(lines[0]).toBe('- rule "anyone may look"')
    expect(lines.at(-1)).toBe('... and 61 more: `signalbox policy diff` shows all of them')
    expect(Math.max(...lines.map(line => line.length))).toBeLessThan(620)
    expect(differences(BOOK, many)).toHaveLength(101)
  })
})
