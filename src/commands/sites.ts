import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Adapter } from '../kit/device.ts'
import { startLab } from '../lab/devices.ts'
import type { Lab } from '../lab/simulators.ts'
import { labSite } from '../lab/site.ts'
import { type Environment, labFolder } from '../site/environment.ts'
import { parseSite, readSite, type Site } from '../site/site.ts'
import { CannotStart } from '../store/cannot-start.ts'

/** The site that a command is about: the one named, else the lab's. */
export async function siteFor(
  environment: Environment,
  adapters: ReadonlyMap<string, Adapter>,
): Promise<{ readonly site: Site; close(): Promise<void> }> {
  const nothing = { close: () => Promise.resolve() }
  if (environment.siteFile !== undefined)
    return { site: readSite(environment.siteFile, adapters, environment.variables), ...nothing }
  try {
    const lab = await startLab(adapters, labFolder(environment))
    return { site: labSiteOf(lab, adapters, environment), close: lab.stop }
  } catch (error) {
    // A lab that is open has the devices: its site file says where they are.
    const running = join(labFolder(environment), 'site.yaml')
    if (!(error instanceof CannotStart) || !existsSync(running)) throw error
    return { site: readSite(running, adapters, environment.variables), ...nothing }
  }
}

const labSiteOf = (lab: Lab, adapters: ReadonlyMap<string, Adapter>, environment: Environment): Site =>
  parseSite(labSite(lab.targets), 'the lab', adapters, environment.variables)
