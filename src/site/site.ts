import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { policyOf } from '../domain/authority.ts'
import type { Place } from '../domain/chat.ts'
import type { Target } from '../domain/ids.ts'
import { EMPTY } from '../domain/ledger.ts'
import type { Policy } from '../domain/policy.ts'
import type { Rulebook } from '../domain/rulebook.ts'
import type { Adapter } from '../kit/device.ts'
import { chatsOf, type SiteChats } from './chats.ts'
import {
  BadSite,
  type Complaint,
  complaintsOf,
  handleComplaints,
  readYaml,
  roleComplaints,
  runbookComplaints,
} from './complaints.ts'
import type { Environment } from './environment.ts'
import { READY_ROLES, SiteFile } from './file.ts'
import { labelComplaints } from './labels.ts'
import { notesOn } from './notes.ts'
import { rulebookOf } from './rulebook.ts'
import { fill, type Vault } from './secrets.ts'
import { senseless } from './sense.ts'

export { BadSite } from './complaints.ts'

export interface Site {
  readonly name: string
  readonly rulebook: Rulebook
  readonly policy: Policy // of the rulebook alone: without links, freezes, and what the chats say of their groups
  readonly targets: ReadonlyMap<Target, SiteTarget>
  readonly runbooks: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly secrets: readonly string[] // what redaction looks for
  readonly chats: SiteChats
  readonly anchor?: Place // the channel that is told each day how the logs end
  readonly seal?: string // the key that approvals are sealed with
  readonly health?: { readonly port: number; readonly host: string }
  readonly notes: readonly string[] // what is allowed, and may not be meant
}

export interface SiteTarget {
  readonly kind: string
  readonly settings: unknown // parsed by the adapter's schema
  readonly root: string // where its claims start in the resource tree
}

export function readSite(file: string, adapters: ReadonlyMap<string, Adapter>, variables: Environment['variables']): Site {
  return parseSite(textOf(file), file, adapters, variables)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BadSite(
      `The site file ${file} cannot be read: ${(cause as Error).message}. Say where it is with --site FILE or SIGNALBOX_SITE.`,
      { cause },
    )
  }
}

/** Only what the file says about who may do what: for that nobody needs its secrets. */
export function readRulebook(file: string, adapters: ReadonlyMap<string, Adapter>): Rulebook {
  const { rulebook, complaints, complain } = parsed(textOf(file), file, adapters)
  return complaints.length > 0 ? complain(complaints) : rulebook
}

export function parseSite(
  text: string,
  file: string,
  adapters: ReadonlyMap<string, Adapter>,
  variables: Environment['variables'],
): Site {
  const { written, rulebook, complaints, complain } = parsed(text, file, adapters)
  const vault: Vault = { variables, folder: dirname(file), secrets: [], complaints }
  const targets = targetsOf(written, adapters, vault)
  const { anchor, ...chats } = chatsOf(written, vault)
  const seal = sealOf(written, vault)
  if (complaints.length > 0) return complain(complaints)
  return {
    name: written.name,
    rulebook,
    policy: policyOf(rulebook, EMPTY, new Map(), 0),
    targets,
    runbooks: written.runbooks,
    secrets: vault.secrets,
    chats,
    ...(anchor ? { anchor } : {}),
    ...(seal === undefined ? {} : { seal }),
    ...(written.health ? { health: written.health } : {}),
    notes: notesOn(rulebook),
  }
}

interface Parsed {
  readonly written: SiteFile
  readonly rulebook: Rulebook
  readonly complaints: Complaint[]
  complain(complaints: readonly Complaint[]): never
}

/** Throws BadSite for what is no site file; everything else that is wrong is a complaint, so that all of it is told at once. */
function parsed(text: string, file: string, adapters: ReadonlyMap<string, Adapter>): Parsed {
  const { value, complain } = readYaml(text, file)
  const found = SiteFile.safeParse(value)
  if (!found.success) return complain(complaintsOf(found.error))
  const written = found.data
  const roles = roleComplaints(written, { ...READY_ROLES, ...written.roles })
  const rulebook = rulebookOf(written)
  const complaints = [
    ...roles,
    ...handleComplaints(written),
    ...runbookComplaints(written),
    // Of a role that there is not, everything else that could be said is known already.
    ...(roles.length > 0 ? [] : senseless(rulebook, adapters)),
    ...labelComplaints(rulebook),
  ]
  return { written, rulebook, complaints, complain }
}

function targetsOf(written: SiteFile, adapters: ReadonlyMap<string, Adapter>, vault: Vault): Site['targets'] {
  const targets = new Map<Target, SiteTarget>()
  for (const [name, target] of Object.entries(written.targets)) {
    const adapter = adapters.get(target.kind)
    if (!adapter) {
      const kinds = [...adapters.keys()].join(', ')
      vault.complaints.push({ path: ['targets', name, 'kind'], message: `there is no kind "${target.kind}"; there are ${kinds}` })
      continue
    }
    const filled = fill(target.settings, ['targets', name, 'settings'], vault)
    const settings = adapter.settings.safeParse(filled)
    if (settings.success) targets.set(name as Target, { kind: target.kind, settings: settings.data, root: target.root ?? name })
    else vault.complaints.push(...complaintsOf(settings.error, ['targets', name, 'settings']))
  }
  return targets
}

/** As long as the digests that it seals: `openssl rand -hex 32` makes one. */
const SHORTEST_SEAL = 32

function sealOf({ seal }: SiteFile, vault: Vault): string | undefined {
  if (seal === undefined) return undefined
  const before = vault.complaints.length
  const key = fill(seal, ['seal'], vault)
  if (typeof key !== 'string' || vault.complaints.length > before) return undefined
  if (key.length < SHORTEST_SEAL)
    vault.complaints.push({
      path: ['seal'],
      message: `the key has fewer than ${SHORTEST_SEAL} characters; make one with \`openssl rand -hex 32\``,
    })
  return key
}
