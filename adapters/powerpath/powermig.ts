import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'

/**
 * One migration. The names of the states `setup`, `sourceSelected`, `targetSelected` and `committed` are attested, the others
 * are assumed (devices/powerpath.md section 2); whatever word the device says is kept, and guards ask for attested ones.
 */
export interface Session {
  readonly session: number // the handle
  readonly source: string
  readonly target: string
  readonly state: string
  readonly technology?: string
  readonly percent?: number // of the copy, where the device says it
  readonly throttle?: number
}

/** `Migration Handle = 1` (attested by a production script). */
export function readSetup(text: string): { readonly session: number } {
  const handles = answerLines(text).flatMap(line => /^\s*Migration Handle\s*[=:]\s*(\d+)\s*$/i.exec(line)?.[1] ?? [])
  if (handles.length !== 1)
    throw new Misread(`powermig setup: there ${handles.length === 0 ? 'is no handle' : 'are several handles'} in it`, text)
  return { session: Number(handles[0]) }
}

/**
 * All sessions. No captured text of `powermig info` is known: lines of `key: value` or `key = value`, one block for each
 * session, and a table with a heading are read. An empty list must be said in words: silence is not "none".
 */
export function readSessions(text: string): { readonly sessions: readonly Session[] } {
  const lines = answerLines(text).map(line => line.trim())
  const no = (why: string): never => {
    throw new Misread(`powermig info: ${why}`, text)
  }
  const complaint = lines.find(line => /^(?:powermig|error|ppme error)\b[^=]*:/i.test(line) && !fieldOf(line))
  if (complaint !== undefined) no(complaint.slice(0, 120))
  const heading = lines.findIndex(line => columnsOf(line) !== undefined)
  const sessions = heading >= 0 ? tableOf(lines.slice(heading), no) : blocksOf(lines, no)
  if (
    sessions.length === 0 &&
    !lines.some(line =>
      /^(?:there (?:are|is) )?no (?:active |current |existing )?(?:migrations?|sessions?|migration sessions?)\b/i.test(line),
    )
  ) {
    no('there is no session in it, and it does not say that there is none')
  }
  if (new Set(sessions.map(one => one.session)).size !== sessions.length) no('one handle is listed twice')
  return { sessions }
}

/** One session, in either form. */
export function readSession(text: string): Session {
  const { sessions } = readSessions(text)
  const [only] = sessions
  if (!only || sessions.length > 1)
    throw new Misread(`powermig query: there are ${sessions.length} sessions in it, and one was asked for`, text)
  return only
}

const STATES = ['setup', 'syncing', 'syncFailed', 'paused', 'sourceSelected', 'targetSelected', 'committed', 'aborted']

type Key = keyof Session | 'other'

const KEYS: readonly (readonly [Key, RegExp])[] = [
  ['session', /^(?:migration |session )?(?:handle|hnd|hd)$/],
  ['source', /^(?:src|source)(?: ?(?:device|disk|name|pseudo name|logical device))?$/],
  ['target', /^(?:tgt|target)(?: ?(?:device|disk|name|pseudo name|logical device))?$/],
  ['state', /^(?:migration |session |current )?state$/],
  ['technology', /^(?:tech|technology|technology type|tech ?type|tt)$/],
  [
    'percent',
    /^(?:percent(?:age)?(?: ?(?:complete|completed|copied|done|in ?sync|synced))?|% ?(?:complete|copied|done|in ?sync)|progress|copied|done)$/,
  ],
  ['throttle', /^throttle(?: ?value)?$/],
]
const keyOf = (label: string): Key | undefined =>
  KEYS.find(([, shape]) => shape.test(label.trim().toLowerCase().replace(/\s+/g, ' ')))?.[0]

function fieldOf(line: string): readonly [Key, string] | undefined {
  const found = /^([A-Za-z%][\w %-]{0,40}?)\s*[:=]\s*(.*)$/.exec(line)
  return found ? [keyOf(found[1]!) ?? 'other', found[2]!.trim()] : undefined
}

/** A block ends at an empty line that comes after its state, or where a key comes again. */
function blocksOf(lines: readonly string[], no: (why: string) => never): readonly Session[] {
  const blocks: Map<Key, string>[] = []
  for (const line of lines) {
    const field = fieldOf(line)
    if (!field) {
      if (blocks.length > 0 && line !== '' && !/^[=-]{3,}$/.test(line)) no(`a line is not understood: ${line.slice(0, 120)}`)
      continue
    }
    const [key, value] = field
    if (key === 'session' || (blocks.length > 0 && key !== 'other' && blocks.at(-1)!.has(key))) blocks.push(new Map())
    if (blocks.length > 0) blocks.at(-1)!.set(key, value)
    else if (key !== 'other') no(`${key} stands before any handle`)
  }
  return blocks.map(block => sessionOf(block, no))
}

function tableOf([heading, ...rows]: readonly string[], no: (why: string) => never): readonly Session[] {
  const columns = columnsOf(heading ?? '') ?? []
  return rows
    .filter(row => row !== '' && !/^[=\s-]+$/.test(row))
    .map(row => {
      const wide = row.split(/\s{2,}|\t+/)
      const cells = wide.length === columns.length ? wide : row.split(/\s+/)
      if (cells.length !== columns.length)
        no(`a row has ${cells.length} columns and the heading ${columns.length}: ${row.slice(0, 120)}`)
      return sessionOf(new Map(columns.map((key, at) => [key, cells[at]!])), no)
    })
}

/** A heading names at least the handle, both disks and the state. */
function columnsOf(line: string): readonly Key[] | undefined {
  if (/[:=]\s*\S/.test(line)) return undefined
  for (const split of [line.split(/\s{2,}|\t+/), line.split(/\s+/)]) {
    const keys = split.map(label => keyOf(label) ?? 'other')
    if ((['session', 'source', 'target', 'state'] as const).every(key => keys.filter(one => one === key).length === 1))
      return keys
  }
  return undefined
}

function sessionOf(said: ReadonlyMap<Key, string>, no: (why: string) => never): Session {
  const need = (key: Key, shape: RegExp): string => {
    const value = said.get(key)
    return value !== undefined && shape.test(value)
      ? value
      : no(
          `the ${key === 'session' ? 'handle' : key} is ${value === undefined ? 'missing' : 'not understood'}: the answer is cut off or of another kind`,
        )
  }
  const technology = said.get('technology')
  const state = need('state', /^[A-Za-z][A-Za-z_-]*(?: [A-Za-z_-]+){0,3}$/)
  // A word that only begins like a state is a line that was cut off, and 'target' must not pass for a state of its own.
  if (STATES.some(known => known !== state && known.startsWith(state))) no(`the state "${state}" is cut off`)
  return {
    session: Number(need('session', /^\d{1,9}$/)),
    source: need('source', /^[\w./:@+-]+$/),
    target: need('target', /^[\w./:@+-]+$/),
    state,
    ...(technology ? { technology } : {}),
    ...numberIn('percent', said.get('percent'), /^(\d{1,3}(?:\.\d+)?)\s*%?(?:\s*complete)?$/i, no),
    ...numberIn('throttle', said.get('throttle'), /^(\d)(?:\s*\(.*\))?$/, no),
  }
}

/** What the device leaves open stays open; what it says in another way than expected makes the answer worthless. */
function numberIn<K extends 'percent' | 'throttle'>(
  key: K,
  value: string | undefined,
  shape: RegExp,
  no: (why: string) => never,
): { readonly [P in K]?: number } {
  if (value === undefined || value === '' || /^(?:-+|n\/a|unknown|---%)$/i.test(value)) return {}
  const found = shape.exec(value) ?? no(`the ${key} is not understood: ${value.slice(0, 40)}`)
  const number = Number(found[1])
  if (key === 'percent' && number > 100) no(`${number} percent is not a share`)
  return { [key]: number } as { readonly [P in K]?: number }
}
