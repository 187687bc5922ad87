import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Misread } from '../../src/kit/errors.ts'
import { readSession, readSessions, readSetup } from './powermig.ts'
import { readPaths } from './powermt.ts'
import { readHbas, readVersion } from './powermt-summary.ts'

/** Abridged from the EMC white paper on federated live migration, figure 20 (seed 002); Windows. */
const WINDOWS = String.raw`
Pseudo name=harddisk14
Symmetrix ID=000187490076
Logical device ID=0720
state=alive; policy=SymmOpt; priority=0; queued-IOS=0
=====

----- Host ----- - Stor - -- I/O Path - -- Stats ---
### HW Path          I/O Paths  Interf.  Mode   State  Q-IOS Errors
=====
    5 port5\path0\tgt4\lun1    c5t4d1   FA 7eC   active alive    0    1
    5 port5\path0\tgt6\lun1    c5t6d1   FA 8eC   active dead     0    1

Pseudo name=harddisk15
Symmetrix ID=000187490076
Logical device ID=075F
state=alive; policy=SymmOpt; priority=0; queued-IOS=1
=====
----- Host ----- - Stor - -- I/O Path - -- Stats ---
### HW Path          I/O Paths  Interf.  Mode   State  Q-IOS Errors
=====
    5 port5\path0\tgt10\lun150 c5t10d150 FA 14cA  active  alive    1    0
`
const HEADING = `==============================================================================
---------------- Host ---------------   - Stor -   -- I/O Path -  -- Stats ---
###  HW Path                I/O Paths    Interf.   Mode    State  Q-IOs Errors
==============================================================================
`
const VNX = `VNX ID=SERIAL0001 [group one]
Logical device ID=600601600000000000000000000000AA [LUN 11 /data]
state=alive; policy=CLAROpt; queued-IOs=0
Owner: default=SP A, current=SP B\tArray failover mode: 4
${HEADING}  13 qla2xxx                sdb         SP A0    active   alive      0      0
  12 qla2xxx                sde         SP B0    unlic    alive      -      0
`
const HPUX = `Symmetrix ID=000281150000
Logical device ID=0CED
state=alive; policy=SymmOpt; priority=0; queued-IOs=0
${HEADING}20 0/0/10/1/0.11.15.0.0.1.3 c7t1d3 SP A0 active alive 0 1
23 0/0/10/1/0.11.47.0.0.1.3 c8t1d3 SP B0 asb:iopf alive 0 1
`
const AIX = `Pseudo name=hdiskpower8
Symmetrix ID=000190100000
Logical device ID=0801
state=alive; policy=SymmOpt; priority=0; queued-IOs=0
${HEADING}   0 fscsi0                    hdisk11   FA 10aA   standby alive      0      0
   1 fscsi1                    hdisk26   FA  7aA   active  alive      0      0
`

describe('powermt display dev=...', () => {
  test('Windows: many devices, queued-IOS, and a dead path under a device that is called alive', () => {
    const { devices, ...counts } = readPaths(WINDOWS)
    expect(counts).toEqual({ alive: 2, dead: 1, total: 3, worst: 'dead' })
    expect(devices[0]).toMatchObject({
      pseudo: 'harddisk14',
      product: 'Symmetrix',
      array: '000187490076',
      device: '0720',
      state: 'alive',
      worst: 'dead',
      alive: 1,
      dead: 1,
    })
    expect(devices[0]?.paths[1]).toEqual({
      hba: 5,
      hardware: String.raw`port5\path0\tgt6\lun1`,
      name: 'c5t6d1',
      interface: 'FA 8eC',
      mode: 'active',
      state: 'dead',
      queued: 0,
      errors: 1,
    })
    expect(devices[1]).toMatchObject({ queued: 1, total: 1 })
  })

  test('VNX: no pseudo name, names in brackets, the owner line with its tab, and a count that is not there', () => {
    const [device] = readPaths(VNX).devices
    expect(device).toMatchObject({
      product: 'VNX',
      array: 'SERIAL0001',
      group: 'group one',
      lun: 'LUN 11 /data',
      defaultOwner: 'SP A',
      currentOwner: 'SP B',
      failoverMode: 4,
    })
    expect(device).not.toHaveProperty('pseudo')
    expect(device).not.toHaveProperty('priority')
    expect(device?.paths[1]).toEqual({
      hba: 12,
      hardware: 'qla2xxx',
      name: 'sde',
      interface: 'SP B0',
      mode: 'unlic',
      state: 'alive',
      errors: 0,
    })
  })

  test('HP-UX and AIX, other products, a banner above, indented, and with Windows line ends', () => {
    expect(readPaths(HPUX).devices[0]?.paths.map(path => path.mode)).toEqual(['active', 'asb:iopf'])
    expect(readPaths(AIX).devices[0]?.paths.map(path => [path.interface, path.mode])).toEqual([
      ['FA 10aA', 'standby'],
      ['FA 7aA', 'active'],
    ])
    for (const product of ['CLARiiON', 'VPLEX', 'Unity', 'HP xp'])
      expect(readPaths(VNX.replace('VNX', product)).devices[0]?.product).toBe(product)
    const banner = `***************\n* Authorized use only *\n[root@host] / # powermt display dev=all\n\n${AIX}`
    expect(readPaths(banner)).toEqual(readPaths(AIX))
    expect(readPaths(AIX.replaceAll('\n', '\r\n').replace(/^/gm, '    '))).toEqual(readPaths(AIX))
    expect(readPaths(`${HPUX}\n${HPUX}`).devices).toHaveLength(2)
    expect(readPaths(`${AIX.replace('Logical', 'Device WWN=60000970000000000000000000000001\nLogical')}`).devices[0]?.wwn).toBe(
      '60000970000000000000000000000001',
    )
  })

  test('a native device whose first lines are missing still is a device', () => {
    const [device] = readPaths(HPUX.split('\n').slice(1).join('\n')).devices
    expect(device).toMatchObject({ device: '0CED', total: 2 })
    expect(device).not.toHaveProperty('array')
  })

  test('a cell that is missing is absent, and is not another cell', () => {
    const row = (text: string) => readPaths(AIX.replace(/ {3}0 fscsi0.*/, text)).devices[0]?.paths[0]
    expect(row('   0 UNKNOWN hdisk11 FA 10aA active alive 0 0')).toEqual({
      hba: 0,
      name: 'hdisk11',
      interface: 'FA 10aA',
      mode: 'active',
      state: 'alive',
      queued: 0,
      errors: 0,
    })
    expect(row('   0 fscsi0 FA 10aA active alive - -')).toEqual({
      hba: 0,
      hardware: 'fscsi0',
      interface: 'FA 10aA',
      mode: 'active',
      state: 'alive',
    })
    expect(row('   0 hdisk11 FA 10aA active alive 0 0')).not.toHaveProperty('hardware')
  })

  test.each([
    ['nothing', ''],
    ['an error with exit status 0', 'powermt: Device(s) not found.\n'],
    ['a question at the end', `${AIX}Warning: removing last active path to volume. Proceed? [y|n|a|q]\n`],
    ['a question in the middle', AIX.replace('   1 fscsi1', '--More--\n   1 fscsi1')],
    ['a row that is cut', AIX.replace(/ {6}0 {6}0\n$/, '\n')],
    ['no rows at all', AIX.split('\n').slice(0, 8).join('\n')],
    ['an elision', WINDOWS.replace('Pseudo name=harddisk15', '...\n\nPseudo name=harddisk15')],
    ['a state nobody knows', AIX.replace('active  alive', 'active  lively')],
    ['another language', 'Pseudoname=hdiskpower8\nSymmetrix-ID=0001\nZustand=aktiv\n'],
    ['a word where a number belongs', AIX.replace(/0\n$/, 'many\n')],
  ])('%s is misread, with the text kept', (_, text) => {
    expect(() => readPaths(text)).toThrow(Misread)
    try {
      readPaths(text)
    } catch (error) {
      expect((error as Misread).raw).toBe(text)
    }
  })

  test('a listing that is cut inside a row or a heading is never half a listing', () => {
    const whole = readPaths(WINDOWS)
    for (let at = 0; at < WINDOWS.length; at++) {
      // A cut right behind a row, or in the digits of its last number, can only be seen by the transport.
      if (/[\d]$|\n\s*$/.test(WINDOWS.slice(0, at))) continue
      let read: unknown
      try {
        read = readPaths(WINDOWS.slice(0, at))
      } catch (error) {
        expect(error).toBeInstanceOf(Misread)
        continue
      }
      expect(read, WINDOWS.slice(at - 20, at)).toEqual(whole)
    }
  })

  test('noise is misread and never anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...WINDOWS.split('\n'), ...VNX.split('\n')), fc.string())), lines => {
        for (const read of [readPaths, readHbas, readSessions, readSession, readSetup, readVersion] as const) {
          try {
            read(lines.join('\n'))
          } catch (error) {
            expect(error).toBeInstanceOf(Misread)
          }
        }
      }),
      { numRuns: 2_000, seed: 3 },
    )
  })
})

describe('powermt display and version', () => {
  const SUMMARY = `Symmetrix logical device count=18
CLARiiON logical device count=0
HP xp logical device count=0
==============================================================================
----- Host Bus Adapters ---------  ------ I/O Paths -----  ------ Stats ------
###  HW Path                       Summary   Total   Dead  IO/Sec Q-IOs Errors
==============================================================================
   0 fscsi0                        optimal      14      0       -     0     85
 11 0/2/1/0.101.16.19.0           degraded      61      3       -     0      0
   2 UNKNOWN                       failed        2      2       7     0      0
`
  test('one row for each adapter, and the worst of them on top', () => {
    const { hbas, ...rest } = readHbas(SUMMARY)
    expect(rest).toEqual({ logicalDevices: { Symmetrix: 18, CLARiiON: 0, 'HP xp': 0 }, total: 77, dead: 5, worst: 'failed' })
    expect(hbas[0]).toEqual({ hba: 0, hardware: 'fscsi0', summary: 'optimal', total: 14, dead: 0, queued: 0, errors: 85 })
    expect(hbas[2]).toEqual({ hba: 2, summary: 'failed', total: 2, dead: 2, ioPerSecond: 7, queued: 0, errors: 0 })
    expect(() => readHbas(SUMMARY.slice(0, -12))).toThrow(Misread)
    expect(() => readHbas(SUMMARY.split('\n').slice(0, 7).join('\n'))).toThrow(Misread)
  })

  test('the version in the forms it has had', () => {
    expect(readVersion('EMC powermt for PowerPath (c) Version 5.1.0 (build 160)\n')).toEqual({ version: '5.1.0', build: '160' })
    expect(readVersion('DELL EMC powermt for PowerPath (c) Version 5.7 SP 1 P 01 (build 10)')).toEqual({
      version: '5.7 SP 1 P 01',
      build: '10',
    })
    expect(() => readVersion('powermt: command not found')).toThrow(Misread)
  })
})

/** SYNTHETIC: no captured text of powermig info or query is known. */
describe('powermig', () => {
  const BLOCK =
    'Handle:  3\nSource:  emcpowera\nTarget:  emcpowerb\nTechnology:  HostCopy\nPercent InSync:  41%\nMigration state:  syncing\n'
  const whole = { session: 3, source: 'emcpowera', target: 'emcpowerb', technology: 'HostCopy', percent: 41, state: 'syncing' }

  test('the handle of a setup', () => {
    expect(readSetup('Migration Handle = 12\n')).toEqual({ session: 12 })
    for (const text of ['', 'Migration Handle = \n', 'Migration Handle = 1\nMigration Handle = 2\n', 'Continue? [yes/no]:'])
      expect(() => readSetup(text)).toThrow(Misread)
  })

  test('one session, with a colon, an equals sign, or as a table', () => {
    expect(readSession(BLOCK)).toEqual(whole)
    expect(readSession(BLOCK.replaceAll(':', ' ='))).toEqual(whole)
    expect(readSession(BLOCK.replace('Handle', 'Migration Handle').replace('41%', 'N/A'))).not.toHaveProperty('percent')
    expect(
      readSession('Hnd Source Target Tech State\n=== ====== ====== ==== =====\n3 emcpowera emcpowerb HostCopy sourceSelected\n'),
    ).toEqual({ session: 3, source: 'emcpowera', target: 'emcpowerb', technology: 'HostCopy', state: 'sourceSelected' })
  })

  test('the list, and the three ways of not being on it', () => {
    expect(readSessions(`${BLOCK}\n${BLOCK.replace('3', '4')}`).sessions.map(one => one.session)).toEqual([3, 4])
    expect(readSessions('There are no migrations.\n').sessions).toEqual([])
    for (const text of ['', '\n', 'PPME error(2): service is not running\n', 'Keine Migrationen\n'])
      expect(() => readSessions(text)).toThrow(Misread)
  })

  test('half a session, a wrong share and a handle twice are misread', () => {
    for (const key of ['Handle', 'Source', 'Target', 'Migration state'])
      expect(() => readSession(BLOCK.replace(new RegExp(`^${key}:.*\n`, 'm'), ''))).toThrow(Misread)
    expect(() => readSession(BLOCK.replace('41%', '141%'))).toThrow(Misread)
    expect(() => readSession(BLOCK.trimEnd().slice(0, -3))).toThrow(Misread)
    expect(() => readSessions(`${BLOCK}\n${BLOCK}`)).toThrow(Misread)
    expect(() => readSession(`${BLOCK}Do you want to continue? (y/n) `)).toThrow(Misread)
  })

  test('a state that nobody knows is kept as it is said', () => {
    expect(readSession(BLOCK.replace('syncing', 'needsResync')).state).toBe('needsResync')
  })
})
