import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Adapter } from '../kit/device.ts'
import { own } from '../store/owner.ts'

interface Simulated {
  readonly settings: object
  readonly images?: string // the folder of its image files, where a sentence may name one without a path
  stop(): Promise<void>
}

/** What an adapter's simulator.ts exports for the lab to have it: a maker, and which targets there are. */
interface SimulatorModule {
  readonly simulate?: (options: { readonly folder: string } & Readonly<Record<string, unknown>>) => Promise<Simulated>
  readonly lab?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface Lab {
  readonly devices: Readonly<Record<string, Simulated>> // the simulators themselves, for tests that make them misbehave
  readonly targets: Readonly<Record<string, { readonly kind: string; readonly settings: object; readonly images?: string }>>
  stop(): Promise<void>
}

/** What people are shown first. */
const FIRST = ['vm01']

/**
 * Starts every simulated device that the adapters bring for the lab, each in a folder of its own that survives a restart. Throws
 * CannotStart while another process has them: two processes must not both be one device. Under `real` are makers of devices that are
 * not simulated, by the names of the targets they stand for.
 */
export async function startSimulators(
  adapters: ReadonlyMap<string, Adapter>,
  folder: string,
  real: Readonly<Record<string, (folder: string) => Promise<Simulated>>> = {},
): Promise<Lab> {
  const started: { readonly target: string; readonly kind: string; readonly device: Simulated }[] = []
  mkdirSync(folder, { recursive: true })
  const release = own(folder)
  const stop = async (): Promise<void> => {
    await Promise.allSettled(started.map(({ device }) => device.stop()))
    release()
  }
  try {
    for (const kind of adapters.keys()) {
      const module = await simulatorOf(kind)
      for (const [target, options] of Object.entries(module?.lab ?? {})) {
        const home = join(folder, target)
        mkdirSync(home, { recursive: true })
        const device = await (real[target]?.(home) ?? module?.simulate?.({ folder: home, ...options }))
        if (device) started.push({ target, kind, device })
      }
    }
  } catch (error) {
    await stop()
    throw error
  }
  const inOrder = started.toSorted((a, b) => Number(FIRST.includes(b.target)) - Number(FIRST.includes(a.target)))
  return {
    targets: Object.fromEntries(
      inOrder.map(({ target, kind, device: { settings, images } }) => [
        target,
        { kind, settings, ...(images === undefined ? {} : { images }) },
      ]),
    ),
    devices: Object.fromEntries(inOrder.map(({ target, device }) => [target, device])),
    stop,
  }
}

async function simulatorOf(kind: string): Promise<SimulatorModule | undefined> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = new URL(`../../adapters/${kind}/simulator.${ending}`, import.meta.url)
  return existsSync(fileURLToPath(file)) ? ((await import(file.href)) as SimulatorModule) : undefined
}
