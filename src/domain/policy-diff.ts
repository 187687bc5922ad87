import { needsOf } from './approval.ts'
import type { Opening, WallTime } from './calendar.ts'
import { canonical, digestOf } from './chain.ts'
import type { Digest } from './ids.ts'
import { plain } from './plain-text.ts'
import type { Rulebook } from './rulebook.ts'
import { duration } from './words.ts'

/** By this one rulebook is told from another, wherever it was read. */
export const rulebookDigest = (rulebook: Rulebook): Digest => digestOf(rulebook)

/** Lines that a card has room for, and characters of each. */
const MOST = 40
const LONGEST = 600

/**
 * What is different between two rulebooks, for people who are to accept it: what decides about votes first. Two that differ never
 * come to nothing: whatever a rulebook has is compared, also what was added to its shape since.
 */
export function diffOf(old: Rulebook, next: Rulebook): readonly string[] {
  const lines = differences(old, next).map(line => (line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line))
  if (lines.length <= MOST) return lines
  return [...lines.slice(0, MOST), `... and ${lines.length - MOST} more: \`signalbox policy diff\` shows all of them`]
}

/** The same without an end: for a terminal, which has the room. */
export function differences(old: Rulebook, next: Rulebook): readonly string[] {
  const lines = told(old, next)
  return lines.length > 0 || rulebookDigest(old) === rulebookDigest(next) ? lines : ['~ something that has no words here']
}

function told(old: Rulebook, next: Rulebook): readonly string[] {
  const { rules: oldRules, windows: oldWindows, roles: oldRoles, people: oldPeople, labels: oldLabels, ...oldRest } = old
  const { rules, windows, roles, people, labels, ...rest } = next
  return [
    ...things('rule', byName(oldRules), byName(rules)),
    ...order(
      oldRules.map(({ name }) => name),
      rules.map(({ name }) => name),
    ),
    ...things('role', oldRoles, roles),
    ...things('person', oldPeople, people),
    ...things('target', oldLabels, labels),
    ...things('window', byName(oldWindows), byName(windows)),
    ...things('', { '': oldRest }, { '': rest }),
  ]
}

const byName = <T extends { readonly name: string }>(all: readonly T[]): Readonly<Record<string, T>> =>
  Object.fromEntries(all.map(one => [one.name, one]))

/** The first rule that fits decides: the same rules in another order are other rules. */
function order(old: readonly string[], next: readonly string[]): readonly string[] {
  const was = old.filter(name => next.includes(name))
  const is = next.filter(name => old.includes(name))
  return was.join('\n') === is.join('\n') ? [] : [`~ the rules stand in another order: ${is.map(quoted).join(', ')}`]
}

function things(kind: string, old: Readonly<Record<string, object>>, next: Readonly<Record<string, object>>): readonly string[] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])]
  return names.flatMap((name): readonly string[] => {
    const [before, now] = [own(old, name), own(next, name)]
    const what = kind === 'rule' ? `rule ${quoted(name)}` : `${kind} ${plain(name)}`
    if (!now) return [`- ${what}`]
    const fields = fieldsOf(now)
    const all = [...fields.values()].map(({ words, shows }) => `${words} ${shows}`).join('; ')
    if (!before) return [`+ ${what}${all === '' ? '' : `: ${all}`}`]
    return changes(fieldsOf(before), fields).map(change => `~ ${kind === '' ? '' : `${what}: `}${change}`)
  })
}

const own = (all: Readonly<Record<string, object>>, name: string): object | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined

/** One value of a thing: by the words that the site file has for where it stands. */
interface Field {
  readonly words: string
  readonly shows: string
  readonly raw: string
}
type Fields = ReadonlyMap<string, Field>

const changes = (old: Fields, next: Fields): readonly string[] =>
  [...new Set([...old.keys(), ...next.keys()])].flatMap(key => {
    const [was, is] = [old.get(key), next.get(key)]
    if (was?.raw === is?.raw) return []
    const same = was?.shows === is?.shows ? ', which only looks the same' : ''
    return [`${(is ?? was)?.words ?? ''} ${was?.shows ?? 'nothing'} -> ${is?.shows ?? 'nothing'}${same}`]
  })

function fieldsOf(thing: object): Fields {
  const found = new Map<string, Field>()
  const walk = (value: unknown, path: readonly string[]): void => {
    if (value === undefined || isSaid(value, path, thing)) return
    const below = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
    for (const [key, item] of below) walk(item, [...path, key])
    if (below.length > 0 || path.length === 0) return
    found.set(canonical(path), { words: wordsFor(path), shows: shown(value, path.at(-1) ?? ''), raw: canonical(value) })
  }
  walk(thing, [])
  return found
}

/** What a gate repeats of its rule is said with the rule. */
function isSaid(value: unknown, path: readonly string[], thing: object): boolean {
  const of = thing as { readonly name?: unknown; readonly upTo?: unknown; readonly handles?: unknown }
  const key = path.at(-1)
  if (path.length === 1) return key === 'name' && of.handles === undefined
  return (key === 'from' && value === (of.name ?? 'break glass')) || (key === 'risk' && value === of.upTo)
}

const WORDS: Readonly<Record<string, string>> = {
  upTo: 'up to',
  where: 'on',
  quorum: 'people',
  ownRequest: 'own request',
  goodFor: 'good for',
  stepUp: 'step-up',
  glass: 'break glass',
  coolDown: 'cool down',
}

/** The approval of a gate has no name of its own in the file, but for that of the glass. */
const wordsFor = (path: readonly string[]): string =>
  path
    .map(key => (key === 'rule' ? (path[0] === 'glass' ? 'approval' : '') : Object.hasOwn(WORDS, key) ? WORDS[key] : plain(key)))
    .filter(word => word !== '')
    .join(' ')

const LENGTHS: readonly string[] = ['within', 'goodFor', 'takes', 'expire', 'coolDown']

function shown(value: unknown, key: string): string {
  if (typeof value === 'number' && LENGTHS.includes(key)) return duration(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(item => element(item)).join(', ')
  if (typeof value === 'object' && value !== null) return 'none'
  return typeof value === 'string' ? text(value) : canonical(value)
}

function element(item: unknown): string {
  if (typeof item === 'string') return text(item)
  if (isNeed(item))
    return needsOf({ ...item, ownRequest: false, within: 0 })
      .map(({ role, quorum }) => `${quorum} with the role ${role}`)
      .join('')
  return isOpening(item) ? `${wall(item.from)} to ${wall(item.to)}` : text(canonical(item))
}

const isNeed = (item: unknown): item is { readonly role: string; readonly quorum: number } =>
  typeof item === 'object' && item !== null && Object.keys(item).sort().join() === 'quorum,role'

const isOpening = (item: unknown): item is Opening =>
  typeof item === 'object' && item !== null && Object.keys(item).sort().join() === 'from,to'

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const two = (n: number): string => String(n).padStart(2, '0')
const wall = ({ day, minute }: WallTime): string =>
  `${day === undefined ? '' : `${DAYS[day] ?? day} `}${two(Math.floor(minute / 60))}:${two(minute % 60)}`

/** A name with blanks stands in quotes, so that it cannot pass for more of the line than it is. */
const text = (value: string): string => (/^[\w.:*@/-]+$/.test(value) ? value : quoted(value))
const quoted = (value: string): string => JSON.stringify(plain(value))
