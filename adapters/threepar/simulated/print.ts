import { type GroupKept, type Kept, nameOn, other, type Pair, type Side } from './pair.ts'

/** What the simulated array prints, in the layout of real captures (README, "Attested and assumed"). */
export const printed = (pair: Pair, side: Side) => {
  const kept = (): Kept => pair.read()
  const title = (name: string, lines: readonly string[]): string => `\n${name}\n\n${lines.join('\n')}\n`
  const system = (): string => '\nRemote Copy System Information\nStatus: Started, Normal\n'
  const targets = (): string =>
    title(
      'Target Information',
      table([
        ['Name', 'ID', 'Type', 'Status', 'Options', 'Policy'],
        [kept().systems[other(side)].name, '4', 'IP', kept().linksDown > 1 ? 'failed' : 'ready', '-', 'mirror_config'],
      ]),
    )
  const links = (): string => {
    const there = kept().systems[other(side)].name
    const up = (at: number): string => (at < kept().linksDown ? 'Down' : 'Up')
    return title(
      'Link Information',
      table([
        ['Target', 'Node', 'Address', 'Status', 'Options'],
        ...[0, 1].map(at => [there, `${at}:3:1`, `192.0.2.${at + 5}`, up(at), '-']),
        ...[0, 1].map(at => ['receive', `${at}:3:1`, 'receive', up(at), '-']),
      ]),
    )
  }
  const groups = (some: readonly GroupKept[]): string =>
    title(
      'Group Information',
      some.flatMap((group, at) => [...(at === 0 ? [] : ['']), ...groupBlock(group, kept(), pair, side)]),
    )
  return {
    remoteCopy: (): string => system() + targets() + links() + groups(kept().groups),
    targets: (): string => system() + targets(),
    links: (): string => system() + links(),
    groups: (some: readonly GroupKept[]): string => system() + groups(some),
    system(): string {
      const { name, id, serial } = kept().systems[side]
      return [
        `${' '.repeat(48)}-----------------(MiB)------------------`,
        `    ID ${heading('Name', name)} ${heading('Model', 'HPE_3PAR 8400')} ${heading('Serial', serial)} Nodes Master TotalCap AllocCap FreeCap FailedCap`,
        `${String(id).padStart(6)} ${name.padEnd(6)} HPE_3PAR 8400 ${serial.padEnd(8)}     2      0 73400320 31457280 41943040         0`,
        '',
      ].join('\n')
    },
    version: (): string =>
      [
        'Release version 3.3.1 (MU2)',
        'Patches:  P63',
        '',
        'Component Name                   Version',
        'CLI Server                       3.3.1 (MU2)',
        'CLI Client                       3.3.1',
        'System Manager                   3.3.1 (P63)',
        '',
      ].join('\n'),
    hostPaths(host?: string): string {
      const rows = kept()
        .groups.flatMap((group, n) => group.volumes.map((volume, at) => ({ group, volume, lun: n * 10 + at })))
        .filter(({ volume }) => !kept().unseen.includes(volume.name))
        .flatMap(({ group, volume, lun }) =>
          ['esx01', 'esx02']
            .filter(name => host === undefined || name === host)
            .flatMap((name, at) =>
              [0, 1].map(node => [
                ...[String(lun), volume.name, name, `10000000C9A0000${at}`, `${node}:2:1`, 'host'],
                ...[group.primary === side ? 'active' : 'standby', '1'],
              ]),
            ),
        )
      return counted([['Lun', 'VVName', 'HostName', '-Host_WWN/iSCSI_Name-', 'Port', 'Type', 'Status', 'ID'], ...rows], ' total')
    },
    rcipPorts: (): string =>
      counted(
        [
          ['N:S:P', 'State', '---HwAddr---', 'IPAddr', 'Netmask', 'Gateway', 'MTU', 'Rate', 'Duplex', 'AutoNeg'],
          ['0:3:1', 'ready', '0002AC684AAD', '198.51.100.5', '255.255.255.0', '198.51.100.1', '1500', '1Gbps', 'Full', 'Yes'],
          ['1:3:1', 'ready', '0002AC6A3A0F', '198.51.100.6', '255.255.255.0', '198.51.100.1', '1500', '1Gbps', 'Full', 'Yes'],
        ],
        '',
      ),
    nodes: (): string => 'Node -State- -Detailed_State-\n0 OK      OK              \n1 OK      OK              \n',
    powerSupplies: (): string =>
      [
        'Node PS Bat Assem_Serial   -State- ChrgLvl(%) -ExpDate- Expired Testing',
        ' 0,1  0   0 6CQUBA1HN5065R OK             100 n/a       No      No     ',
        ' 0,1  1   0 6CQUBA1HN5065S OK             100 n/a       No      No     ',
        '',
      ].join('\n'),
    webApi: (): string =>
      [
        '-Service- -State- -HTTP_State- HTTP_Port -HTTPS_State- HTTPS_Port -Version- -------------API_URL-------------',
        'Enabled   Active  Disabled          8008 Enabled             8080 1.5.3     https://array.invalid:8080/api/v1',
        '',
      ].join('\n'),
    /** SYNTHETIC where there is none: what the array says then is not known. */
    tasks(): string {
      const mine = kept().tasks.filter(one => one.side === side)
      if (mine.length === 0) return 'There are no tasks.\n'
      return `${table([
        ['Id', 'Type', 'Name', 'Status', 'Phase', 'Step', 'StartTime', 'FinishTime', 'Priority', 'User'],
        ...mine.map(({ id, type, group, started, ended }) => [
          ...[String(id), type, group, ended === undefined ? 'active' : 'done', '---', '---'],
          ...[time(started), ended === undefined ? '-' : time(ended), 'n/a', '3paradm'],
        ]),
      ]).join('\n')}\n`
    },
  }
}

function groupBlock(group: GroupKept, kept: Kept, pair: Pair, side: Side): readonly string[] {
  const share = pair.share(group)
  const status = group.stale
    ? 'Stale'
    : group.status === 'Stopped'
      ? 'Stopped'
      : share === undefined
        ? 'Synced'
        : `Syncing (${Math.floor(share * 100)}%)`
  const periodic = group.mode === 'Periodic'
  const options = periodic ? [`Last-Sync ${time(group.lastSync)} `, 'Period 1h', ...group.policies] : group.policies
  return [
    ...table([
      ['Name', 'Target', 'Status', 'Role', 'Mode', 'Options'],
      [
        nameOn(side, group, kept),
        kept.systems[other(side)].name,
        group.status,
        group.primary === side ? 'Primary' : 'Secondary',
        group.mode,
        options.join(','),
      ],
    ]),
    ...table([
      ['LocalVV', 'ID', 'RemoteVV', 'ID', 'SyncStatus', 'LastSyncTime'],
      ...group.volumes.map(({ name, ids }) => [
        ...[name, String(ids[side]), name, String(ids[other(side)]), status],
        periodic || group.status === 'Stopped' ? time(group.lastSync) : 'NA',
      ]),
    ]).map(line => `  ${line}`),
  ]
}

const heading = (name: string, value: string): string => {
  const dashes = Math.max(2, value.length - name.length)
  return '-'.repeat(Math.floor(dashes / 2)) + name + '-'.repeat(Math.ceil(dashes / 2))
}

/** "2014-03-05 10:19:42 UTC" */
const time = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map(row => row[at]!.length)))
  return rows.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join(' ')
      .trimEnd(),
  )
}

function counted(rows: readonly (readonly string[])[], what: string): string {
  const lines = table(rows)
  return [...lines, '-'.repeat(Math.max(...lines.map(line => line.length))), `  ${rows.length - 1}${what}`, ''].join('\n')
}
