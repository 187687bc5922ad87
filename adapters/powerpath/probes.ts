import { Misread } from '../../src/kit/errors.ts'
import type { Output } from '../../src/kit/shell.ts'
import type { Bytes } from '../../src/kit/units.ts'

interface Layout {
  readonly bytes?: Bytes
  readonly empty?: boolean
}

/**
 * A bare number of units: `blockdev --getsize64` (bytes), `getconf DISK_SIZE` (MiB), `diskinfo -b` (KiB).
 * A command that is not there or fails leaves the size unknown; one that answers something else is misread.
 */
export function readSize({ stdout, code }: Output, unit: number): Layout {
  if (code !== 0) return {}
  const found = /^([1-9]\d{0,14})$/.exec(stdout.trim())
  if (!found) throw new Misread('the size of a disk is not a number', stdout)
  return { bytes: Number(found[1]) * unit }
}

/** `blkid -p`: status 2 and silence says that nothing was recognised, status 0 and text what was (blkid(8)). */
export function readBlkid({ stdout, stderr, code }: Output): Layout {
  if (code === 2 && `${stdout}${stderr}`.trim() === '') return { empty: true }
  if (
    code === 0 &&
    stdout.split('\n').every(line => /^(?:[A-Z_]+=.*)?$/.test(line)) &&
    /^(?:TYPE|PTTYPE|UUID|PTUUID)=/m.test(stdout)
  )
    return { empty: false }
  if (code === 0 || code === 2) throw new Misread('blkid: the signatures on a disk are not understood', stdout)
  return {}
}

/** `wmic diskdrive ... get Partitions,Size /value`. A disk that is initialised but has no partition counts as empty here. */
export function readWmic({ stdout, code }: Output): Layout {
  if (code !== 0) return {}
  const said = new Map(
    stdout
      .split('\n')
      .map(line => line.trim())
      .filter(Boolean)
      .map(line => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)] as const),
  )
  const [bytes, partitions] = [said.get('Size'), said.get('Partitions')]
  if (said.size !== 2 || !/^[1-9]\d{0,14}$/.test(bytes ?? '') || !/^\d{1,3}$/.test(partitions ?? ''))
    throw new Misread('wmic: a disk is not understood', stdout)
  return { bytes: Number(bytes), empty: partitions === '0' }
}
