import { capability } from '../../src/kit/device.ts'
import { devicesIn } from './answers.ts'
import { Nothing } from './params.ts'
import { type Monitor, shown } from './wire.ts'

/** A guest's disk. A storage daemon has none: there, disks are exports. */
export interface Device {
  readonly device: string // the id of -device, or QEMU's own path to it
  readonly node: string
}

export const ASK_DEVICES = { execute: 'query-block', args: {} } as const

/** The guest's disks that have something in them. QEMU names the node that people know, and not the filter of a job above it. */
export function devicesOf(answer: ReturnType<typeof devicesIn>): readonly Device[] {
  return answer.flatMap(({ device, qdev, inserted }) => {
    const node = inserted?.['node-name']
    if (node === undefined) return []
    const id = /^\/machine\/peripheral\/([^/]+)/.exec(qdev ?? '')?.[1]
    return [{ device: id ?? (device === '' ? (qdev ?? '') : device), node }]
  })
}

export const devices = capability<Monitor>()({
  summary: 'Show the disks of the guest, and from which node each is served.',
  examples: ['show block devices on vm01'],
  params: Nothing,
  says: host => `show block devices on ${host}`,
  sends: () => [shown(ASK_DEVICES)],
  effect: 'read',
  perform: async (monitor, { signal }) => {
    const devices = devicesOf(await monitor.ask(ASK_DEVICES, devicesIn, signal))
    return { devices, count: devices.length }
  },
  shows: ({ devices }) =>
    devices.length === 0 ? ['no device: a storage daemon has exports'] : devices.map(one => `${one.device}: ${one.node}`),
})
