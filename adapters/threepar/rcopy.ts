import { cliLines, count, maybe, misread, type No, named, said, whole } from './cli-text.ts'
import { type Group, groupsIn } from './rcopy-groups.ts'
import { headingOf, isHeading, type Row, rowOf, type Shape } from './table.ts'

/** `showrcopy` has four parts, and `showrcopy targets`, `links` and `groups` show some of them. */
export interface RemoteCopy {
  readonly status?: string // of remote copy on this array: Started, Stopped
  readonly health?: string // Normal
  readonly targets: readonly Target[]
  readonly links: readonly Link[]
  readonly groups: readonly Group[]
  readonly targetsNotReady: number
  readonly linksNotUp: number
  readonly groupsNotStarted: number
  readonly volumesNotSynced: number
  readonly healthy: boolean // everything in it is as it should be
}

export interface Target {
  readonly target: string
  readonly cut?: true
  readonly id?: number
  readonly type: string // IP, FC
  readonly status: string // ready, failed
  readonly policies: readonly string[] // mirror_config
}

export interface Link {
  readonly target: string // "receive": this array's own end of it
  readonly node: string
  readonly address?: string
  readonly status: string // Up, Down
  readonly options?: string
  readonly vlan?: string
}

type Part = 'system' | 'targets' | 'links' | 'groups'

const TITLES: Readonly<Record<string, Part>> = {
  'Remote Copy System Information': 'system',
  'Target Information': 'targets',
  'Link Information': 'links',
  'Group Information': 'groups',
}

/** `showrcopy`: all four parts have to be there. */
export function readRemoteCopy(text: string): RemoteCopy {
  const no = misread('showrcopy', text)
  const lines = cliLines(text, no)
  if (isNotConfigured(lines)) return summary({}, [], [], [])
  const parts = partsOf(lines, no)
  for (const part of ['system', 'targets', 'links', 'groups'] as const)
    if (!parts.has(part)) no(`the part about ${part === 'system' ? 'the system' : part} is missing`)
  const groups = groupsIn(parts.get('groups')!, false, no)
  return summary(
    systemOf(parts.get('system')!, no),
    targetsIn(parts.get('targets')!, false, no),
    linksIn(parts.get('links')!, false, no),
    groups,
  )
}

/** `showrcopy groups` and `showrcopy groups <name>`. */
export const readGroups = (text: string): { readonly groups: readonly Group[]; readonly count: number } =>
  listed('groups', text, groupsIn)

/** `showrcopy targets`. */
export const readTargets = (text: string): { readonly targets: readonly Target[]; readonly count: number } =>
  listed('targets', text, targetsIn)

/** `showrcopy links`. */
export const readLinks = (text: string): { readonly links: readonly Link[]; readonly count: number } =>
  listed('links', text, linksIn)

function listed<K extends Part, T>(
  part: K,
  text: string,
  reading: (lines: readonly string[], bare: boolean, no: No) => readonly T[],
): { readonly [P in K]: readonly T[] } & { readonly count: number } {
  const no = misread(`showrcopy ${part}`, text)
  const lines = cliLines(text, no)
  const bare = !lines.some(line => TITLES[line.trim()])
  const mine = isNotConfigured(lines)
    ? undefined
    : bare
      ? lines
      : (partsOf(lines, no).get(part) ?? no(`there are no ${part} in it`))
  const rows = mine ? reading(mine, bare, no) : []
  if (mine && rows.length === 0) no(`there are no ${part} in it, and it does not say that there are none`)
  return { [part]: rows, count: rows.length } as { readonly [P in K]: readonly T[] } & { readonly count: number }
}

const isNotConfigured = (lines: readonly string[]): boolean =>
  lines.length === 1 && /^Remote Copy is not configured on this system\.?$/i.test(lines[0]!.trim())

function partsOf(lines: readonly string[], no: No): ReadonlyMap<Part, readonly string[]> {
  const parts = new Map<Part, string[]>()
  let current: string[] | undefined
  for (const line of lines) {
    const title = TITLES[line.trim()]
    if (title !== undefined) {
      if (parts.has(title)) no(`the part "${line.trim()}" is in it twice`)
      current = []
      parts.set(title, current)
    } else if (current) current.push(line)
    else no(`a line is not understood: ${line.trim().slice(0, 120)}`)
  }
  return parts
}

/** "Status: Started, Normal" */
function systemOf(lines: readonly string[], no: No): Pick<RemoteCopy, 'status' | 'health'> {
  const [line, ...more] = lines.filter(one => one.trim() !== '')
  const found = /^\s*Status:\s*([^,]+?)\s*(?:,\s*(.+?))?\s*$/.exec(line ?? '')
  if (!found || more.length > 0)
    return no(`the status of remote copy is not understood: ${[line ?? '', ...more].join(' ').trim().slice(0, 120)}`)
  const status = whole(found[1]!, ['Started', 'Stopped'], 'the status of remote copy', no)
  return {
    status,
    ...maybe('health', found[2] === undefined ? undefined : whole(found[2], ['Normal'], 'the health of remote copy', no)),
  }
}

const TARGET: Shape = { needs: ['Name', 'Type', 'Status', 'Policy'], open: 'Options' }
const LINK: Shape = { needs: ['Target', 'Node', 'Status'], open: 'Options' }

const targetsIn = (lines: readonly string[], bare: boolean, no: No): readonly Target[] =>
  rowsIn(lines, bare ? 'Name,ID,Type,Status,Options,Policy' : undefined, TARGET, no).map(row => ({
    ...named('target', row.get('Name')!),
    ...maybe('id', count(row.get('ID'), 'the id of a target', no)),
    type: row.get('Type')!,
    status: whole(row.get('Status')!, ['ready', 'failed', 'failing'], 'the status of a target', no),
    policies: (row.get('Policy') ?? '')
      .split(',')
      .flatMap(policy => said(policy.trim()) ?? [])
      .map(policy => whole(policy, ['mirror_config', 'no_mirror_config'], 'a policy of a target', no)),
  }))

const linksIn = (lines: readonly string[], bare: boolean, no: No): readonly Link[] =>
  rowsIn(lines, bare ? 'Target,Node,Address,Status,Options' : undefined, LINK, no).map(row => {
    const [address, vlan] = [said(row.get('Address')), said(row.get('VLAN'))]
    if (vlan !== undefined && !/^\d+$/.test(vlan)) no(`a VLAN is no number: ${vlan.slice(0, 40)}`)
    return {
      target: row.get('Target')!,
      node: /^\d+(?::\d+:\d+)?$/.test(row.get('Node')!)
        ? row.get('Node')!
        : no(`the port of a link is not understood: ${row.get('Node')}`),
      ...maybe('address', address === 'receive' ? undefined : address),
      status: whole(row.get('Status')!, ['Up', 'Down'], 'the status of a link', no),
      ...maybe('options', said(row.get('Options'))),
      ...maybe('vlan', vlan),
    }
  })

/** One heading and its rows. A part that is there and empty ends in the title of the next one; at the very end it may be cut off. */
function rowsIn(lines: readonly string[], usual: string | undefined, shape: Shape, no: No): readonly Row[] {
  const body = lines.filter(line => line.trim() !== '')
  if (usual === undefined && body.length === 0) return []
  const start = body.findIndex(line => isHeading(line, shape))
  if (start > 0 || (start < 0 && usual === undefined)) no(`there is no heading with ${shape.needs.join(', ')} above its rows`)
  const heading = headingOf(start === 0 ? body[0]! : usual!)
  const rows = body
    .slice(start + 1)
    .map(line => rowOf(line, heading, shape) ?? no(`a row does not fit the heading: ${line.trim().slice(0, 120)}`))
  return rows.length > 0 ? rows : no('there is a heading and nothing below it: it is cut off')
}

function summary(
  system: Pick<RemoteCopy, 'status' | 'health'>,
  targets: readonly Target[],
  links: readonly Link[],
  groups: readonly Group[],
): RemoteCopy {
  const targetsNotReady = targets.filter(one => one.status !== 'ready').length
  const linksNotUp = links.filter(one => one.status !== 'Up').length
  const groupsNotStarted = groups.filter(one => one.status !== 'Started').length
  const volumesNotSynced = groups.reduce((sum, one) => sum + one.count - one.synced, 0)
  const bad = targetsNotReady + linksNotUp + groupsNotStarted + volumesNotSynced
  return {
    ...system,
    ...{ targets, links, groups, targetsNotReady, linksNotUp, groupsNotStarted, volumesNotSynced },
    healthy: bad === 0 && system.status === 'Started' && system.health === 'Normal',
  }
}
