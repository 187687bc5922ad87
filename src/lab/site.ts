/** The lab's people: whoever sits at the terminal may be any of them. */
export const PEOPLE = ['operator', 'lead', 'deputy', 'viewer', 'owner'] as const
type Somebody = (typeof PEOPLE)[number]

/** A chat of the lab beside the terminal: how its people are called there, and what the site file says of it. */
export interface LabChat {
  readonly name: string
  readonly users: Readonly<Record<Somebody, string>>
  readonly section: object
}

export interface LabTarget {
  readonly kind: string
  readonly settings: object
  readonly labels?: Readonly<Record<string, string>>
  readonly images?: string // the folder of its images
}

/** A change window as the site file writes it; `on: { env: office }` is what the lab's is for. */
export interface LabWindow {
  readonly on?: Readonly<Record<string, string>>
  readonly target?: string
  readonly from?: string
  readonly zone?: string
  readonly open: readonly string[]
}

/** Open for one minute in the night: whoever wants it open or closed at a certain time says so. */
const NIGHTS: LabWindow = { on: { env: 'office' }, from: 'disruptive', open: ['03:00 to 03:01'] }

/** Hosts of the lab for which more is asked than for the others. */
const ENVIRONMENTS: Readonly<Record<string, string>> = { erp01: 'shared', vault01: 'vault', office01: 'office' }

/** What a target's `env` adds to the rules of the lab; of all others only what everybody sees. */
const RULES: Readonly<Record<string, string>> = {
  shared: `  - name: what is shared wants the owner's yes beside a lead's
    may: operator
    capability: "*"
    on: { env: shared }
    up to: destructive
    reason: none
    start: none
    before: { from: disruptive, role: lead, people: 1, within: 4h, and: [{ role: app-owner, people: 1 }], reason: none, step-up: false }
`,
  vault: `  - name: what is in the vault wants a second factor
    may: operator
    capability: "*"
    on: { env: vault }
    up to: destructive
    reason: none
    start: none
    before: { from: disruptive, role: lead, people: 1, within: 4h, and: none, reason: none, step-up: true }
`,
}

/** The site file of the lab, written where people can read it: it is an example too. */
export const labSite = (
  targets: Readonly<Record<string, LabTarget>>,
  chat?: LabChat,
  windows: Readonly<Record<string, LabWindow>> = { nights: NIGHTS },
): string => `# The lab's site file, made anew at each start. A site of your own looks like this: see deploy/site.example.yaml.
name: lab

roles:
  app-owner: { includes: [viewer] }

people:
  operator: { name: Olga Operator, roles: [operator], handles: ${handles('operator', chat)} }
  lead: { name: Lee Lead, roles: [lead], handles: ${handles('lead', chat)} }
  deputy: { name: Dee Deputy, roles: [lead], handles: ${handles('deputy', chat)} }
  viewer: { name: Vic Viewer, roles: [viewer], handles: ${handles('viewer', chat)} }
  owner: { name: Ona Owner, roles: [app-owner], handles: ${handles('owner', chat)} }

rules:
  - { name: anyone may look, may: viewer, capability: "*", target: "*", up to: none }
${environments(targets)
  .map(env => RULES[env] ?? '')
  .join('')}  - name: operators ask, leads approve what people may notice
    may: operator
    capability: "*"
    target: "*"
    up to: destructive
    start: none
    before: { from: disruptive, role: lead, people: 1, within: 4h }

# When somebody has to act at once: one lead besides whoever asks, and a review that somebody else has to close.
break glass:
  may: operator
  within: 30min
  approval: { role: lead, people: 1, within: 30min }

windows: ${JSON.stringify(Object.fromEntries(Object.entries(windows).filter(([, window]) => isNeeded(window, targets))))}

# In the lab nobody waits for an hour of soak. \`speed\` is in bytes per second; an image without a path is in \`images\`.
runbooks:
  migrate: { throttle: 2, speed: 25000000, images: ${JSON.stringify(imagesOf(targets))}, soak: 3s, look: 500, stall: 20s, timeout: 5s }

channels: ${JSON.stringify({ console: {}, ...(chat ? { [chat.name]: chat.section } : {}) })}

targets: ${JSON.stringify(labelled(targets), undefined, 2)}
`

/** Rules and windows go by `env`, and so every target has one. */
const labelled = (targets: Readonly<Record<string, LabTarget>>): Readonly<Record<string, Omit<LabTarget, 'images'>>> =>
  Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [
      name,
      { kind: target.kind, settings: target.settings, labels: { env: ENVIRONMENTS[name] ?? 'lab', ...target.labels } },
    ]),
  )

const imagesOf = (targets: Readonly<Record<string, LabTarget>>): string =>
  Object.values(targets).find(({ images }) => images !== undefined)?.images ?? '/srv'

const environments = (targets: Readonly<Record<string, LabTarget>>): readonly string[] => [
  ...new Set(Object.values(labelled(targets)).flatMap(({ labels }) => labels?.['env'] ?? [])),
]

/** A window for what no target has would be a typing mistake. */
const isNeeded = ({ on }: LabWindow, targets: Readonly<Record<string, LabTarget>>): boolean =>
  Object.entries(on ?? {}).every(([key, value]) => Object.values(labelled(targets)).some(({ labels }) => labels?.[key] === value))

const handles = (person: Somebody, chat: LabChat | undefined): string => {
  return JSON.stringify([`console:${person}`, ...(chat ? [`${chat.name}:${chat.users[person]}`] : [])])
}
