import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Misread } from '../../src/kit/errors.ts'
import { readHostPaths } from './hosts.ts'
import { readNodes, readPowerSupplies, readWebApi } from './nodes.ts'
import { readRcipPorts } from './ports.ts'
import { readGroups, readLinks, readRemoteCopy, readTargets } from './rcopy.ts'
import { readSystem, readVersion } from './system.ts'
import { atWork, readTasks } from './tasks.ts'

/** Outputs of real arrays, each with its source. */
const real = Object.fromEntries(
  readFileSync(new URL('samples.txt', import.meta.url), 'utf8')
    .split(/^=== /m)
    .slice(1)
    .map(part => [part.slice(0, part.indexOf(':')), part.slice(part.indexOf('\n') + 1)]),
) as Record<string, string>
const sample = (name: string): string => real[name] ?? expect.unreachable(`there is no sample ${name}`)

/** As the opensvc documentation shows an answer with -nohdtot. */
const bare = (): string =>
  sample('COMMAS')
    .split('\n')
    .filter(line => /^(?:RCG| ,LXC)/.test(line))
    .join('\n')

/** SYNTHETIC: one group with the rows that are given, three parts for each. */
const group = (...parts: readonly string[]): string =>
  [
    ...['Group Information', '', 'Name Target Status Role Mode Options', 'rcg array02 Started Primary Sync auto_failover'],
    ...['  LocalVV ID RemoteVV ID SyncStatus LastSyncTime'],
    ...parts.flatMap((_, at) => (at % 3 === 0 ? [`${parts[at]}${parts[at + 1]} ${parts[at + 2]}`] : [])),
    '',
  ].join('\n')

describe('showrcopy', () => {
  test('all four parts, as a Primera prints them', () => {
    expect(readRemoteCopy(sample('PRIMERA'))).toMatchObject({
      ...{ status: 'Started', health: 'Normal', healthy: true, linksNotUp: 0, volumesNotSynced: 0 },
      targets: [{ target: 'virt-primera-c670', id: 4, type: 'IP', status: 'ready', policies: ['mirror_config'] }],
      groups: [
        {
          group: 'new-rcg',
          role: 'Primary',
          mode: 'Sync',
          policies: ['auto_failover', 'path_management'],
          allSynced: true,
          percent: 100,
        },
      ],
    })
    expect(readRemoteCopy(sample('PRIMERA')).links[3]).toEqual({ target: 'receive', node: '1:3:1', status: 'Up' })
  })

  test('the name on the partner carries the system id, and a group without policies has none', () => {
    const [group] = readGroups(sample('FAILED_OVER')).groups
    expect(group).toMatchObject({
      ...{ group: 'shashi-rcg01.r121649', base: 'shashi-rcg01', sourceSystem: 121_649, role: 'Primary-Rev', status: 'Stopped' },
      ...{ policies: [], count: 2, synced: 0, worst: 'Stopped', allSynced: false },
    })
    expect(group?.percent).toBeUndefined()
  })

  test('with -csvtable the options are one quoted cell, with and without headings', () => {
    for (const text of [sample('COMMAS'), bare()])
      expect(readGroups(text).groups[0]).toMatchObject({
        ...{ group: 'RCG.SVCTEST1', mode: 'Periodic', period: '5m', lastSync: '2014-03-05 10:19:42 CET' },
        ...{ policies: ['auto_recover', 'over_per_alert'], count: 2, synced: 2 },
      })
    expect(readLinks(sample('LINKS_COMMAS')).links.map(({ status }) => status)).toEqual(['Down', 'Down', 'Up', 'Up'])
    expect(readTargets(sample('TARGET_COMMAS')).targets).toMatchObject([
      { target: 'baie-pra.cgr.fr', id: 2, type: 'FC', status: 'ready' },
    ])
  })

  test('links of a later release: throughput with a blank in it, and a VLAN', () => {
    expect(readLinks(sample('LINKS_VLAN')).links).toEqual([
      { target: 'SysB_pri', node: '0:4:3', address: '10.0.50.101', status: 'Up', options: '5120KB/s tput' },
      { target: 'receive', node: '0:4:3', status: 'Up' },
    ])
  })

  test('a sync that is under way: its share, its worst volume, and no share where one volume does not say', () => {
    const two = (first: string, second: string): string => group('  v1 1 v1 11 ', first, 'NA', '  v2 2 v2 12 ', second, 'NA')
    expect(readGroups(two('Syncing (45%)', 'Synced')).groups[0]).toMatchObject({
      worst: 'Syncing',
      percent: 72,
      synced: 1,
      allSynced: false,
    })
    expect(readGroups(two('Syncing', 'Synced')).groups[0]?.percent).toBeUndefined()
    expect(readGroups(two('Stale', 'Syncing (99%)')).groups[0]?.worst).toBe('Stale')
    expect(readGroups(two('Exploded', 'Stale')).groups[0]?.worst).toBe('Exploded')
  })

  test('a name that the array shortened is marked, and equal to no other', () => {
    const [group] = readGroups(sample('SHORTENED')).groups
    expect(group).toMatchObject({
      group: 'Prod_SQL_Sync_Gr...',
      cut: true,
      volumes: [{ volume: 'prod.sql.data.volu...', cut: true, id: 269 }],
    })
  })

  test('a transcript with its prompt is one answer; a prompt in the middle is not', () => {
    expect(readGroups(sample('FAILED_OVER')).count).toBe(1)
    expect(readGroups(`${sample('FAILED_OVER')}CSSOS-SSA05 cli% \n`).count).toBe(1)
    expect(() =>
      readGroups(sample('FAILED_OVER').replace('\nGroup Information', '\nCSSOS-SSA05 cli% \nGroup Information')),
    ).toThrow(Misread)
    expect(() => readGroups(`${sample('FAILED_OVER')}${sample('FAILED_OVER')}`)).toThrow(/prompt in the middle/)
  })

  test('what is not there is not none', () => {
    expect(() => readGroups('Remote Copy System Information\nStatus: Started, Normal\n\nGroup Information\n\n')).toThrow(
      /does not say/,
    )
    expect(() => readRemoteCopy(sample('FAILED_OVER'))).toThrow(/targets is missing/)
    expect(() => readGroups(group())).toThrow(/empty, or the answer was cut off/)
    expect(readGroups('Remote Copy is not configured on this system.\n')).toEqual({ groups: [], count: 0 })
  })

  test('a complaint or a question makes the answer worthless, whatever the exit status, and the raw text is kept', () => {
    const complaint = `${sample('PRIMERA')}Error: group matching ghost does not exist\n`
    expect(() => readRemoteCopy(complaint)).toThrow(/ghost/)
    for (const text of [complaint, `${sample('PRIMERA')}\nAre you sure you want to stop new-rcg?\nselect q=quit y=yes n=no: `])
      try {
        readRemoteCopy(text)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(Misread)
        expect((error as Misread).raw).toBe(text)
      }
  })

  test('a heading without a column that matters is not understood, and one without the last sync leaves it open', () => {
    expect(() => readGroups(sample('PRIMERA').replace('Status   Role', 'Role'))).toThrow(Misread)
    const [group] = readGroups(sample('PRIMERA').replace('  LastSyncTime', '').replace('        NA', '')).groups
    expect(group?.volumes[0]).not.toHaveProperty('lastSync')
  })
})

describe('the rest of the array', () => {
  test('showsys: a model of several words, ids in both spellings', () => {
    expect(readSystem(sample('SYSTEM'))).toEqual({
      ...{ system: '3par-1-123', id: 1234, model: 'Server 12345', serial: '5432109', nodes: 4 },
      ...{ totalMiB: 12_345, allocatedMiB: 43_321_111, freeMiB: 333 },
    })
    expect(readSystem(sample('SYSTEM_MP'))).toMatchObject({
      model: 'HPE Alletra Storage MP B10000',
      nodes: 4,
      freeMiB: 36_142_797,
    })
    expect(readSystem(sample('SYSTEM').replace('1234 3par', '0x2DEF6 3par')).id).toBe(188_150)
  })

  test('showversion: the update and the patches of a 3PAR, the type of an Alletra', () => {
    expect(readVersion(sample('VERSION'))).toEqual({ version: '3.3.1', update: 'MU2', patches: ['P63'] })
    expect(readVersion(sample('VERSION_MP'))).toEqual({ version: '10.6.0.40', patches: [], type: 'Standard Support Release' })
  })

  test('showvlun -a: a type of two words, paths that serve, and a total that has to agree', () => {
    expect(readHostPaths(sample('PATHS'))).toMatchObject({
      total: 3,
      serving: 3,
      standby: 0,
      hosts: [{ host: 'CRV_VZ_DL360G11D24U25', total: 3 }],
    })
    expect(() => readHostPaths(sample('PATHS').replace('3 total', '4 total'))).toThrow(/4 rows/)
    expect(() => readHostPaths(sample('PATHS').replace(/-{10,}\n.*total\n/, ''))).toThrow(/total/)
    expect(
      readHostPaths(
        sample('PATHS')
          .replace(/^ +\d .*host set.*\n/gm, '')
          .replace('3 total', '0 total'),
      ),
    ).toMatchObject({
      total: 0,
      hosts: [],
    })
  })

  test('showport -rcip, shownode and showwsapi', () => {
    expect(readRcipPorts(sample('RCIP'))).toMatchObject({
      count: 2,
      notReady: 2,
      ports: [
        { state: 'loss_sync', mtu: 900 },
        { port: '1:6:1', state: 'offline' },
      ],
    })
    expect(readRcipPorts(sample('RCIP')).ports[1]).toEqual({ port: '1:6:1', state: 'offline' })
    expect(readRcipPorts('There is no specified port information\n').count).toBe(0)
    expect(readNodes(sample('NODES'))).toMatchObject({ count: 2, worst: 'OK' })
    expect(readNodes(sample('NODES').replace('1 OK      OK', '1 Degraded PS Failed'))).toMatchObject({
      notOk: 1,
      worst: 'Degraded',
    })
    expect(readPowerSupplies(sample('SUPPLIES'))).toMatchObject({ supplies: [{ nodes: [0, 1], charge: 100, expired: false }] })
    expect(readPowerSupplies(sample('SUPPLIES')).supplies[0]).not.toHaveProperty('expires')
    expect(readWebApi(sample('WSAPI'))).toEqual({
      service: 'Enabled',
      state: 'Active',
      version: '1.5.3',
      url: 'https://xxxx:8080/api/v1',
    })
  })

  test('showtask: which tasks of remote copy are at work on a group', () => {
    expect(readTasks(sample('TASKS'))).toMatchObject({
      count: 1,
      active: 0,
      tasks: [{ task: 2572, type: 'remote_copy_failover', status: 'done' }],
    })
    const active = readTasks(
      sample('TASKS').replace(
        'done   ---  --- 2018-09-14 12:16:38 IST 2018-09-14 12:16:38 IST',
        'active ---  --- 2018-09-14 12:16:38 IST -',
      ),
    )
    expect(atWork(active, 'shashi-rcg01.r121649')).toHaveLength(1)
    expect(atWork(active, 'shashi-rcg01')).toHaveLength(0)
  })
})
