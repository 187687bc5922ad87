import type { Bytes } from '../../src/kit/units.ts'
import { refIn } from './session.ts'
import type { Ref } from './soap.ts'
import { needed, textIn, wholeIn } from './values.ts'
import { child, children, type Element } from './xml.ts'

/** A virtual disk of a machine, or of a machine as it was at a snapshot. */
export interface Disk {
  readonly key: number // usually 2000 and upwards, and nobody promises it
  readonly label: string
  readonly bytes: Bytes
  readonly file?: string // [datastore1] web01/web01.vmdk
  readonly mode?: string // persistent, independent_persistent, independent_nonpersistent, ...
  readonly changeId?: string // "52 de c0 .../4": absent while changes are not tracked
  readonly datastore?: Ref
  /** Why a snapshot does not hold this disk, or its changes cannot be tracked. */
  readonly unprotectable?: string
}

/** The value of `config.hardware.device`: of all devices only the disks are read. */
export const disksIn = (devices: Element | undefined): readonly Disk[] =>
  devices === undefined
    ? []
    : children(devices, 'VirtualDevice')
        .filter(device => device.is === 'VirtualDisk')
        .map(diskIn)

function diskIn(device: Element): Disk {
  const key = needed(wholeIn(child(device, 'key'), 'the key of a disk'), 'the key of a disk')
  const what = `the capacity of disk ${key}`
  // The kilobytes are rounded down; the bytes are there from vSphere 5.5 on.
  const kilobytes = wholeIn(child(device, 'capacityInKB'), what)
  const bytes = wholeIn(child(device, 'capacityInBytes'), what) ?? (kilobytes === undefined ? undefined : kilobytes * 1024)
  const backing = child(device, 'backing')
  const datastore = child(backing, 'datastore')
  const [file, mode, changeId] = ['fileName', 'diskMode', 'changeId'].map(name => textIn(child(backing, name)))
  const unprotectable = whyNot(backing, mode)
  return {
    key,
    label: textIn(child(device, 'deviceInfo', 'label')) ?? `disk ${key}`,
    bytes: needed(bytes, what),
    ...(file ? { file } : {}),
    ...(mode ? { mode } : {}),
    ...(changeId ? { changeId } : {}),
    ...(datastore ? { datastore: refIn(datastore, 'datastore') } : {}),
    ...(unprotectable === undefined ? {} : { unprotectable }),
  }
}

/** devices/vsphere-esxi.md, runbook skeleton: no independent and no physical RDM disks. */
function whyNot(backing: Element | undefined, mode: string | undefined): string | undefined {
  if (mode?.startsWith('independent')) return `it is ${mode}: a snapshot leaves it out`
  if (child(backing, 'compatibilityMode')?.text === 'physicalMode')
    return 'it is a raw device in physical mode: a snapshot leaves it out'
  if (child(backing, 'sharing')?.text === 'sharingMultiWriter')
    return 'it is shared with other machines: its changes are not tracked'
  return undefined
}

/** The part before the slash names the tracking, the number behind it a moment of it. */
export function pointIn(changeId: string): { readonly tracking: string; readonly count: number } | undefined {
  const [, tracking, count] = /^([0-9A-Fa-f](?:[0-9A-Fa-f -]{0,62}[0-9A-Fa-f])?)\/(\d{1,15})$/.exec(changeId) ?? []
  return tracking === undefined ? undefined : { tracking: tracking.toLowerCase().replace(/[ -]/g, ''), count: Number(count) }
}
