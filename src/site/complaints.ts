import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { RUNBOOKS } from '../runbooks/all.ts'
import type { SiteFile } from './file.ts'
import type { WrittenApproval } from './rules.ts'

/** A site file that cannot be used: every complaint with its line, and what to do. */
export class BadSite extends Error {
  override name = 'BadSite'
}

type Path = readonly (string | number)[]

export interface Complaint {
  readonly path: Path
  readonly message: string
}

/** The file as a plain value, and how to complain about a place in it. Throws BadSite for what is no YAML, or is a trap. */
export function readYaml(
  text: string,
  file: string,
): { readonly value: unknown; complain(complaints: readonly Complaint[]): never } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', uniqueKeys: true, version: '1.2' })
  const at = (line: number | undefined, message: string): BadSite =>
    new BadSite(`${file}:${line ?? 1}: ${message.split('\n')[0]}`)
  // A warning is an unknown tag: `!env NAME` would be taken for the text "NAME".
  const broken = document.errors[0] ?? document.warnings[0]
  if (broken) throw at(broken.linePos?.[0].line, broken.message)
  visit(document, {
    Pair(_, { key }) {
      // It would vanish without a word on its way into a JavaScript object.
      if (isScalar(key) && key.value === '__proto__')
        throw at(lines.linePos(key.range?.[0] ?? 0).line, 'nothing may be called __proto__; choose another name')
    },
  })
  const complain = (complaints: readonly Complaint[]): never => {
    const texts = complaints.map(
      ({ path, message }) => `${file}:${lineOf(document, path, lines)}: ${path.join('.') || 'the file'}: ${message}`,
    )
    throw new BadSite([...new Set(texts)].join('\n'))
  }
  try {
    // maxAliasCount keeps a small file from unfolding into a large one.
    return { value: document.toJS({ maxAliasCount: 20 }), complain }
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause
    throw new BadSite(`${file}:1: ${cause.message}. Write out what the anchors stand for.`, { cause })
  }
}

/** What zod found wrong, in words. */
export const complaintsOf = (error: z.ZodError, below: Path = []): readonly Complaint[] =>
  error.issues.flatMap((issue): readonly Complaint[] => {
    const path = [...below, ...(issue.path as Path)]
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({ path: [...path, key], message: 'there is no such setting; is it a typing mistake?' }))
    if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => ({ path, message }))
    const missing = issue.message.endsWith('received undefined')
    return [
      {
        path,
        message: missing
          ? 'it is missing, and must be there'
          : issue.message.replace(/^Invalid (?:input|option|key in record): ?/, ''),
      },
    ]
  })

function lineOf(document: Document, path: readonly (string | number)[], lines: LineCounter): number {
  // The deepest part of the path that stands in the file: a missing setting is complained about where it belongs.
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true)
    const pairs = typeof parent === 'object' && parent !== null && 'items' in parent ? (parent.items as readonly unknown[]) : []
    for (const item of pairs) {
      const key =
        typeof item === 'object' && item !== null && 'key' in item
          ? (item.key as { value?: unknown; range?: [number, number, number] })
          : undefined
      if (key && String(key.value) === String(path[length - 1]) && key.range) return lines.linePos(key.range[0]).line
    }
    const node: unknown = document.getIn(path.slice(0, length), true)
    const range =
      typeof node === 'object' && node !== null && 'range' in node
        ? (node.range as [number, number, number] | undefined)
        : undefined
    if (range) return lines.linePos(range[0]).line
  }
  return 1
}

export function roleComplaints(written: SiteFile, roles: SiteFile['roles']): Complaint[] {
  const known = Object.keys(roles).join(', ')
  const check = (role: string, path: Path): Complaint[] =>
    Object.hasOwn(roles, role) ? [] : [{ path, message: `there is no role "${role}"; there are ${known}` }]
  const gate = (written: WrittenApproval | null | undefined, path: Path): Complaint[] => [
    ...(written ? check(written.role, [...path, 'role']) : []),
    ...(written?.and ?? []).flatMap(({ role }, n) => check(role, [...path, 'and', n, 'role'])),
  ]
  const glass = written['break glass']
  return [
    ...Object.entries(roles).flatMap(([name, { includes }]) =>
      includes.flatMap(role => check(role, ['roles', name, 'includes'])),
    ),
    ...Object.entries(written.people).flatMap(([id, person]) =>
      person.roles.flatMap(role => check(role, ['people', id, 'roles'])),
    ),
    ...written.rules.flatMap((rule, n) => [
      ...check(rule.may, ['rules', n, 'may']),
      ...gate(rule.start, ['rules', n, 'start']),
      ...gate(rule.before, ['rules', n, 'before']),
    ]),
    ...(glass ? [...check(glass.may, ['break glass', 'may']), ...gate(glass.approval, ['break glass', 'approval'])] : []),
  ]
}

/** One handle is one person, or votes could be counted twice. */
export function handleComplaints(written: SiteFile): Complaint[] {
  const owners = new Map<string, string>()
  return Object.entries(written.people).flatMap(([id, { handles }]) =>
    handles.flatMap(handle => {
      const owner = owners.get(handle)
      owners.set(handle, owner ?? id)
      return owner === undefined
        ? []
        : [{ path: ['people', id, 'handles'], message: `${handle} is ${owner} already, and one handle is one person` }]
    }),
  )
}

/** The site's own defaults for a runbook: a name or a value that does not fit would be found out when somebody needs it. */
export const runbookComplaints = (written: SiteFile): Complaint[] =>
  Object.entries(written.runbooks).flatMap(([name, defaults]): Complaint[] => {
    const book = RUNBOOKS.get(name)
    if (!book)
      return [
        { path: ['runbooks', name], message: `there is no runbook "${name}"; there are ${[...RUNBOOKS.keys()].join(', ')}` },
      ]
    const known = 'shape' in book.params ? (book.params.shape as Readonly<Record<string, z.ZodType>>) : {}
    return Object.entries(defaults).flatMap(([key, value]): Complaint[] => {
      const path = ['runbooks', name, key]
      const field = known[key]
      if (!field) return [{ path, message: `${name} takes no "${key}"; it takes ${Object.keys(known).join(', ')}` }]
      const parsed = field.safeParse(value)
      return parsed.success ? [] : [...complaintsOf(parsed.error, path)]
    })
  })
