import type { Lun } from './disks.ts'
import type { Migration } from './migration.ts'

export type Platform = 'windows' | 'linux' | 'aix' | 'hpux'

/** `powermt display dev=...`, in the form of devices/powerpath.md section 3 and seed 002. */
export const pathTables = (shown: readonly { readonly pseudo: string; readonly lun: Lun }[], platform: Platform): string =>
  shown.map(one => table(one, platform)).join('\n')

function table({ pseudo, lun }: { readonly pseudo: string; readonly lun: Lun }, platform: Platform): string {
  const clariion = lun.product !== 'Symmetrix'
  return [
    `Pseudo name=${pseudo}`,
    `${lun.product} ID=${lun.array}${clariion ? ' [lab]' : ''}`,
    `Logical device ID=${lun.device}${lun.lun ? ` [${lun.lun}]` : ''}`,
    `state=alive; policy=${clariion ? 'CLAROpt' : 'SymmOpt'}; priority=0; ${platform === 'windows' ? 'queued-IOS' : 'queued-IOs'}=0`,
    ...(clariion ? ['Owner: default=SP A, current=SP A\tArray failover mode: 4'] : []),
    RULE,
    '---------------- Host ---------------   - Stor -   -- I/O Path -  -- Stats ---',
    '###  HW Path                I/O Paths    Interf.   Mode    State  Q-IOs Errors',
    RULE,
    ...lun.paths.map(
      path =>
        `${String(path.hba).padStart(4)} ${path.hardware.padEnd(22)} ${path.name.padEnd(12)} ${path.interface.padEnd(8)} active  ${(path.state ?? 'alive').padEnd(5)}      0 ${String(path.errors ?? 0).padStart(6)}`,
    ),
    '',
  ].join('\n')
}

const RULE = '='.repeat(78)

/** `powermt display`. */
export function hbaTable(luns: readonly Lun[]): string {
  const paths = luns.flatMap(lun => lun.paths)
  const numbers = [...new Set(paths.map(path => path.hba))].sort((a, b) => a - b)
  return [
    ...['Symmetrix', 'CLARiiON', 'VNX'].map(
      product => `${product} logical device count=${luns.filter(lun => lun.product === product).length}`,
    ),
    RULE,
    '----- Host Bus Adapters ---------  ------ I/O Paths -----  ------ Stats ------',
    '###  HW Path                       Summary   Total   Dead  IO/Sec Q-IOs Errors',
    RULE,
    ...numbers.map(hba => {
      const mine = paths.filter(path => path.hba === hba)
      const dead = mine.filter(path => path.state === 'dead').length
      const summary = dead === 0 ? 'optimal' : dead < mine.length ? 'degraded' : 'failed'
      return `${String(hba).padStart(4)} ${mine[0]!.hardware.padEnd(29)} ${summary.padEnd(8)} ${String(mine.length).padStart(7)} ${String(dead).padStart(6)}       -     0 ${String(mine.reduce((sum, path) => sum + (path.errors ?? 0), 0)).padStart(6)}`
    }),
    '',
  ].join('\n')
}

/** SYNTHETIC: no captured output of `powermig query` or `info` is known. The state comes last, so that a cut answer lacks it. */
export const sessionBlock = (one: Migration): string =>
  [
    `Handle:           ${one.handle}`,
    `Source:           ${one.source}`,
    `Target:           ${one.target}`,
    'Technology:       HostCopy',
    `Throttle Value:   ${one.throttle}`,
    `Percent InSync:   ${percent(one)}%`,
    `Migration state:  ${one.state}`,
    '',
  ].join('\n')

/** SYNTHETIC, like the one above. */
export const sessionTable = (all: readonly Migration[]): string =>
  all.length === 0
    ? 'There are no migrations.\n'
    : [
        'Hnd   Source          Target          Tech       Throttle  State',
        '====  ==============  ==============  =========  ========  ==============',
        ...all.map(
          one =>
            `${String(one.handle).padEnd(4)}  ${one.source.padEnd(14)}  ${one.target.padEnd(14)}  HostCopy   ${String(one.throttle).padEnd(8)}  ${one.state}`,
        ),
        '',
      ].join('\n')

/** Rounded down: 100 means that nothing is left. */
const percent = (one: Migration): number =>
  ['sourceSelected', 'targetSelected', 'committed'].includes(one.state) ? 100 : Math.floor((one.copied / one.bytes) * 100)
