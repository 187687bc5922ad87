import type { Sign } from './audit/macs.ts'
import { verifyRun } from './audit/verify-run.ts'
import type { Entry } from './domain/chain.ts'
import type { Action } from './domain/plan.ts'
import { type ChangeRecord, record } from './domain/record.ts'
import type { Run } from './domain/run.ts'
import type { Adapter } from './kit/device.ts'
import { redactedValue, redactor } from './kit/redact.ts'
import type { Store } from './ports/store.ts'
import { shown } from './runbooks/build.ts'
import type { Site } from './site/site.ts'

export interface Recording {
  readonly store: Pick<Store, 'entries' | 'heads'>
  readonly site: Pick<Site, 'name' | 'rulebook' | 'secrets'>
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly sign?: Sign // absent: the MACs cannot be checked
}

/** The change record of a run, with what the site file calls secret taken out. */
export async function recordOf(run: Run, { store, site, adapters, sign }: Recording): Promise<ChangeRecord> {
  const entries: Entry[] = []
  for await (const entry of store.entries(run.id)) entries.push(entry)
  const verified = await verifyRun(store, run.id, sign)
  const { zone } = site.rulebook
  const facts = { verified, site: site.name, sends: sendsOf(adapters), ...(zone === 'UTC' ? {} : { zone }) }
  return redactedValue(record(run, entries, facts), redactor(site.secrets))
}

/** The commands for a device. Of a capability that is not there any more nobody knows them. */
const sendsOf =
  (adapters: ReadonlyMap<string, Adapter>) =>
  ({ capability, params }: Action): readonly string[] => {
    const [kind = '', verb = ''] = capability.split('.')
    try {
      return adapters.get(kind)?.capabilities[verb]?.sends(shown(params)) ?? []
    } catch {
      // Parameters from another time may not be what it takes today: the record has them in the log's own words.
      return []
    }
  }
