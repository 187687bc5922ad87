import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ApprovalRule } from './domain/approval.ts'
import type { Handle, Person, Target } from './domain/ids.ts'
import type { Member, Policy, Rule } from './domain/policy.ts'
import type { Adapter } from './kit/device.ts'
import { chatsOf, type SiteChats } from './site-chats.ts'
import {
  BadSite,
  complaintsOf,
  handleComplaints,
  readYaml,
  roleComplaints,
  runbookComplaints,
  unreachable,
} from './site-complaints.ts'
import { READY_ROLES, SiteFile } from './site-file.ts'
import { fill, type Vault } from './site-secrets.ts'

export { BadSite } from './site-complaints.ts'

/** Everything the process knows about where it is. Nothing else reads process.env. */
export interface Environment {
  readonly folder: string // where Signalbox keeps its things
  readonly siteFile: string | undefined
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
  readonly plain: boolean // no colours, no drawing
  readonly variables: Readonly<Record<string, string | undefined>>
}

export const environment = (
  variables: Readonly<Record<string, string | undefined>> = process.env,
  here = process.cwd(),
): Environment => ({
  folder: resolve(here, variables['SIGNALBOX_FOLDER'] ?? '.signalbox'),
  siteFile: variables['SIGNALBOX_SITE'] === undefined ? undefined : resolve(here, variables['SIGNALBOX_SITE']),
  databaseUrl: variables['SIGNALBOX_DATABASE_URL'],
  redisUrl: variables['SIGNALBOX_REDIS_URL'],
  plain: variables['NO_COLOR'] !== undefined || variables['TERM'] === 'dumb',
  variables,
})

/** The lab keeps its devices and its database apart from everything that is real. */
export const labFolder = ({ folder }: Environment): string => join(folder, 'lab')

/** Where the data is: of the site, or of the lab where no site is named. */
export const dataFolder = (environment: Environment): string =>
  environment.siteFile === undefined ? labFolder(environment) : environment.folder

export interface Site {
  readonly name: string
  readonly policy: Policy
  readonly targets: ReadonlyMap<Target, SiteTarget>
  readonly runbooks: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly secrets: readonly string[] // what redaction looks for
  readonly chats: SiteChats
  readonly health?: { readonly port: number; readonly host: string }
}

export interface SiteTarget {
  readonly kind: string
  readonly settings: unknown // parsed by the adapter's schema
  readonly root: string // where its claims start in the resource tree
}

export function readSite(file: string, adapters: ReadonlyMap<string, Adapter>, variables: Environment['variables']): Site {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BadSite(
      `The site file ${file} cannot be read: ${(cause as Error).message}. Say where it is with --site FILE or SIGNALBOX_SITE.`,
      { cause },
    )
  }
  return parseSite(text, file, adapters, variables)
}

export function parseSite(
  text: string,
  file: string,
  adapters: ReadonlyMap<string, Adapter>,
  variables: Environment['variables'],
): Site {
  const { value, complain } = readYaml(text, file)
  const parsed = SiteFile.safeParse(value)
  if (!parsed.success) return complain(complaintsOf(parsed.error))
  const written = parsed.data
  const roles = { ...READY_ROLES, ...written.roles }
  const complaints = [...roleComplaints(written, roles), ...handleComplaints(written), ...runbookComplaints(written)]
  const vault: Vault = { variables, folder: dirname(file), secrets: [], complaints }
  const targets = new Map<Target, SiteTarget>()
  for (const [name, target] of Object.entries(written.targets)) {
    const adapter = adapters.get(target.kind)
    if (!adapter) {
      const kinds = [...adapters.keys()].join(', ')
      complaints.push({ path: ['targets', name, 'kind'], message: `there is no kind "${target.kind}"; there are ${kinds}` })
      continue
    }
    const filled = fill(target.settings, ['targets', name, 'settings'], vault)
    const settings = adapter.settings.safeParse(filled)
    if (settings.success) targets.set(name as Target, { kind: target.kind, settings: settings.data, root: target.root ?? name })
    else complaints.push(...complaintsOf(settings.error, ['targets', name, 'settings']))
  }
  const people = new Map(
    Object.entries(written.people).map(([id, person]): [Person, Member] => [
      id as Person,
      {
        name: person.name ?? id,
        roles: closure(person.roles, roles),
        handles: person.handles as readonly string[] as readonly Handle[],
      },
    ]),
  )
  const chats = chatsOf(written.channels, vault)
  const rules = written.rules.map(ruleOf)
  complaints.push(...unreachable(rules, people))
  if (complaints.length > 0) return complain(complaints)
  return {
    name: written.name,
    policy: { people, rules },
    targets,
    runbooks: written.runbooks,
    secrets: vault.secrets,
    chats,
    ...(written.health ? { health: written.health } : {}),
  }
}

function closure(roles: readonly string[], all: SiteFile['roles']): ReadonlySet<string> {
  const found = new Set<string>()
  const add = (role: string): void => {
    if (found.has(role)) return
    found.add(role)
    for (const included of all[role]?.includes ?? []) add(included)
  }
  for (const role of roles) add(role)
  return found
}

const ruleOf = (rule: SiteFile['rules'][number]): Rule => ({
  name: rule.name,
  capability: rule.capability,
  target: rule.target,
  upTo: rule['up to'],
  may: rule.may,
  ...(rule.start ? { start: approvalOf(rule.start) } : {}),
  ...(rule.before ? { before: { from: rule.before.from, rule: approvalOf(rule.before) } } : {}),
})

const approvalOf = (written: NonNullable<SiteFile['rules'][number]['start']>): ApprovalRule => ({
  role: written.role,
  quorum: written.people,
  ownRequest: written['own request'],
  within: written.within,
})
