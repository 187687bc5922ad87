import type { Target } from './domain/ids.ts'
import type { Action } from './domain/plan.ts'
import type { Found } from './engine/engine.ts'
import type { Adapter, Device } from './kit/device.ts'
import { redactedValue, redactor } from './kit/redact.ts'
import type { Site } from './site/site.ts'

/** The targets of a site as devices, connected when they are first needed. Shared by the bot, the library and the command line. */
export interface Devices {
  find(action: Action): Found
  root(target: Target): string
  redact<T>(value: T): T
  close(): Promise<void>
}

export function openDevices(site: Site, adapters: ReadonlyMap<string, Adapter>): Devices {
  const open = new Map<Target, Device>()
  const redact = redactor(site.secrets)
  return {
    find(action) {
      const target = site.targets.get(action.target)
      if (!target) throw new Error(`the site has no target ${action.target} any more`)
      const [kind = '', verb = ''] = action.capability.split('.')
      const adapter = adapters.get(kind)
      const capability = adapter?.capabilities[verb]
      if (!adapter || !capability || target.kind !== kind)
        throw new Error(`${action.target} is a ${target.kind} target and cannot do ${action.capability}`)
      const device = open.get(action.target) ?? adapter.connect(target.settings, action.target)
      open.set(action.target, device)
      return { device, capability }
    },
    root: target => site.targets.get(target)?.root ?? target,
    redact: value => redactedValue(value, redact),
    async close() {
      await Promise.allSettled([...open.values()].map(device => device.close()))
      open.clear()
    },
  }
}
