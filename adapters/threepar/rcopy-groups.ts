import { count, maybe, type No, named, said, whole } from './cli-text.ts'
import { type Heading, headingOf, isHeading, isTime, type Row, rowOf, type Shape } from './table.ts'

/** One volume of a remote copy group, as this array sees it. */
export interface Volume {
  readonly volume: string
  readonly cut?: true // the array shortened the name; the id is whole
  readonly id?: number
  readonly remote: string
  readonly remoteId?: number
  readonly status: string // Synced, Syncing, NotSynced, Stopped, Stale
  readonly percent?: number // of a sync that is under way, where the array says it
  readonly lastSync?: string // as the array writes it; absent in synchronous mode
}

export interface Group {
  readonly group: string
  readonly cut?: true
  readonly base: string // the name without ".r<system id>"
  readonly sourceSystem?: number // the system id in the name: the array on which the group was made, seen from its partner
  readonly target: string
  readonly status: string // Started, Stopped, Failsafe
  readonly role: Role
  readonly mode: string // Sync, Periodic, Async
  readonly policies: readonly string[]
  readonly period?: string
  readonly lastSync?: string
  readonly volumes: readonly Volume[]
  readonly count: number
  readonly synced: number
  readonly allSynced: boolean // there are volumes, and each is Synced
  readonly worst?: string // the status of the volume that is worst off
  readonly percent?: number // of all its volumes; absent while one is on its way and does not say how far
}

export const ROLES = ['Primary', 'Secondary', 'Primary-Rev', 'Secondary-Rev'] as const
export type Role = (typeof ROLES)[number]

/** From good to bad; a word that is not among them counts as worse than all of these. */
const STATES: readonly string[] = ['Synced', 'Syncing', 'NotSynced', 'Stopped', 'Stale']
const STATUSES = ['Started', 'Stopped', 'Failsafe', 'Backup', 'New']
const MODES = ['Sync', 'Periodic', 'Async']
const POLICIES = [
  ...['auto_failover', 'auto_recover', 'auto_synchronize', 'over_per_alert', 'path_management', 'active_active'],
  ...['no_auto_failover', 'no_auto_recover', 'no_auto_synchronize', 'no_over_per_alert', 'no_path_management'],
]

const GROUP: Shape = { needs: ['Name', 'Target', 'Status', 'Role', 'Mode'], open: 'Options', lacking: true }
const VOLUME: Shape = { needs: ['LocalVV', 'RemoteVV', 'SyncStatus'] }

/** With -nohdtot there are no headings; then the columns are these. */
const USUAL_GROUP = headingOf('Name,Target,Status,Role,Mode,Options')
const USUAL_VOLUME = headingOf(',LocalVV,ID,RemoteVV,ID,SyncStatus,LastSyncTime')

/**
 * The part "Group Information" of `showrcopy`. There is no line that ends it, so a group at its very end that has no volumes is
 * either empty or cut off, and nobody can tell which.
 */
export function groupsIn(lines: readonly string[], bare: boolean, no: No): readonly Group[] {
  let [groupHeading, volumeHeading]: (Heading | undefined)[] = bare ? [USUAL_GROUP, USUAL_VOLUME] : []
  const found: { readonly row: Row; readonly volumes: Volume[] }[] = []
  for (const line of lines.filter(one => one.trim() !== '')) {
    if (isHeading(line, GROUP)) groupHeading = headingOf(line)
    else if (isHeading(line, VOLUME)) volumeHeading = found.length > 0 ? headingOf(line) : no('volumes stand before any group')
    else {
      const row = groupHeading && rowOf(line, groupHeading, GROUP)
      // A group's row and a volume's are told apart by the role, not by the blanks before them: those get lost on the way.
      if (row && ROLES.some(role => role === row.get('Role'))) found.push({ row, volumes: [] })
      else {
        const volume = volumeHeading && rowOf(line, volumeHeading, VOLUME)
        const group = found.at(-1)
        if (!volume || !group) return no(`a row fits neither a group nor a volume: ${line.trim().slice(0, 120)}`)
        group.volumes.push(volumeOf(volume, no))
      }
    }
  }
  if (found.length === 0) no('there is no group in it, and it does not say that there is none')
  if (found.at(-1)!.volumes.length === 0)
    no(`the last group, ${found.at(-1)!.row.get('Name')}, has no volumes: it is empty, or the answer was cut off`)
  return found.map(({ row, volumes }) => groupOf(row, volumes, no))
}

function volumeOf(row: Row, no: No): Volume {
  const [, word = '', share] = /^(\S+)(?: ?\((\d{1,3})%\))?$/.exec(row.get('SyncStatus')!) ?? no('a volume has no status')
  const percent = share === undefined ? undefined : Number(share)
  if (percent !== undefined && percent > 100) no(`${percent} percent is not a share`)
  const lastSync = said(row.get('LastSyncTime'))
  if (lastSync !== undefined && !isTime(lastSync)) no(`the time of a sync is not understood: ${lastSync.slice(0, 60)}`)
  return {
    ...named('volume', row.get('LocalVV')!),
    ...maybe('id', count(row.get('ID'), 'the id of a volume', no)),
    remote: row.get('RemoteVV')!,
    ...maybe('remoteId', count(row.get('ID.2'), 'the id of a remote volume', no)),
    status: whole(word, STATES, 'the status of a volume', no),
    ...maybe('percent', percent),
    ...maybe('lastSync', lastSync),
  }
}

function groupOf(row: Row, volumes: readonly Volume[], no: No): Group {
  const name = row.get('Name')!
  const suffix = /^(.+)\.r(\d{1,10})$/.exec(name)
  const { policies, period, lastSync } = optionsOf(row.get('Options') ?? '', no)
  const synced = volumes.filter(one => one.status === 'Synced').length
  const badness = ({ status }: Volume): number => {
    const at = STATES.indexOf(status)
    return at < 0 ? STATES.length : at
  }
  const worst = [...volumes].sort((a, b) => badness(b) - badness(a))[0]?.status
  return {
    ...named('group', name),
    base: suffix?.[1] ?? name,
    ...maybe('sourceSystem', suffix ? Number(suffix[2]) : undefined),
    target: row.get('Target')!,
    status: whole(row.get('Status')!, STATUSES, 'the status of a group', no),
    role: ROLES.find(role => role === row.get('Role')) ?? no('the role of a group is not understood'),
    mode: whole(row.get('Mode')!, MODES, 'the mode of a group', no),
    policies,
    ...maybe('period', period),
    ...maybe('lastSync', lastSync),
    volumes,
    count: volumes.length,
    synced,
    allSynced: volumes.length > 0 && synced === volumes.length,
    ...maybe('worst', worst),
    ...maybe('percent', percentOf(volumes)),
  }
}

function percentOf(volumes: readonly Volume[]): number | undefined {
  const shares = volumes.map(one => (one.status === 'Synced' ? 100 : one.percent))
  if (shares.length === 0 || shares.some(one => one === undefined)) return undefined
  return Math.floor(shares.reduce<number>((sum, one) => sum + (one ?? 0), 0) / shares.length)
}

/** "Last-Sync 2014-03-05 10:19:42 CET , Period 5m, auto_recover,over_per_alert" */
function optionsOf(cell: string, no: No): Pick<Group, 'policies' | 'period' | 'lastSync'> {
  const parts = cell
    .split(',')
    .map(part => part.trim())
    .filter(part => said(part) !== undefined)
  const after = (label: string): string | undefined => parts.find(part => part.startsWith(`${label} `))?.slice(label.length + 1)
  const [period, lastSync] = [after('Period'), said(after('Last-Sync'))]
  if (lastSync !== undefined && !isTime(lastSync)) no(`the time of the last sync is not understood: ${lastSync.slice(0, 60)}`)
  if (period !== undefined && !/^\d+[smhd]?$/.test(period)) no(`the period is not understood: ${period.slice(0, 40)}`)
  const policies = parts.filter(part => !/^(?:Period|Last-Sync) /.test(part)).map(part => whole(part, POLICIES, 'a policy', no))
  return { policies, ...maybe('period', period), ...maybe('lastSync', lastSync) }
}
