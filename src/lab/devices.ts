import type { Simulation } from '../../adapters/qemu/simulator.ts'
import type { Bytes } from '../domain/ids.ts'
import type { Adapter } from '../kit/device.ts'
import type { Disk } from './nbd.ts'
import { installed, type RealDisk, startRealDisk } from './real-disk.ts'
import { type Lab, startSimulators } from './simulators.ts'
import { saysVerdict, verifyingWriter, type Writer } from './writer.ts'

/** The disk that somebody writes to while it is migrated. */
export interface LabDisk {
  readonly target: string
  readonly node: string // that is live
  readonly spare: string // an image to migrate to
  readonly real: boolean
  readonly size: Bytes
  open(): Promise<Disk>
}

export interface LabDevices extends Lab {
  readonly disk: LabDisk
}

const VM = 'vm01'
const GRANULE: Bytes = 65_536
const EVERY = 5 // ms between two writes; one goes through the simulator's files and costs more

/** The lab's devices: simulated ones, and a storage daemon that is real where it is installed. */
export async function startLab(adapters: ReadonlyMap<string, Adapter>, folder: string): Promise<LabDevices> {
  let real: RealDisk | undefined
  const started = await startSimulators(
    adapters,
    folder,
    installed()
      ? {
          [VM]: async home => {
            real = await startRealDisk(home)
            return real
          },
        }
      : {},
  )
  return { ...started, disk: real ? { target: VM, real: true, ...real } : standIn(started.devices[VM]) }
}

/** The disk of the simulated storage daemon, as an application sees it. */
export function standIn(device: unknown): LabDisk {
  const { machine } = device as Simulation
  const node = machine.exports.get('exp0') ?? 'disk0'
  const size = machine.disks.get(node)?.bytes ?? 0
  const disk: Disk = {
    write: async (at, bytes) => {
      const [granule, offset] = [Math.floor(at / GRANULE), at % GRANULE]
      const now = machine.read('exp0', granule)
      bytes.copy(now, offset)
      machine.write('exp0', granule, now)
    },
    read: async (at, length) => machine.read('exp0', Math.floor(at / GRANULE)).subarray(at % GRANULE, (at % GRANULE) + length),
    close: () => {},
  }
  return { target: VM, node, spare: node === 'new0' ? 'new1.img' : 'new0.img', real: false, size, open: async () => disk }
}

/** Somebody who writes to the lab's disk from now on. */
export interface Application {
  readonly writer: Writer
  /** Ends it, and says what it saw; `well` when nothing it was promised is missing. */
  end(): Promise<{ readonly says: string; readonly well: boolean }>
}

export async function startApplication(disk: LabDisk): Promise<Application> {
  const opened = await disk.open()
  const writer = verifyingWriter(opened, { size: disk.size, every: disk.real ? EVERY : EVERY * 4 })
  return {
    writer,
    async end() {
      try {
        const verdict = await writer.verdict()
        const says = `# The application on ${disk.target}: ${saysVerdict(verdict)}`
        return { says, well: verdict.bad === 0 && verdict.errors.length === 0 }
      } catch (error) {
        return { says: `# The application on ${disk.target} lost its disk: ${(error as Error).message}.`, well: false }
      } finally {
        opened.close()
      }
    },
  }
}
