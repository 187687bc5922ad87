/** The lab's people: whoever sits at the terminal may be any of them. */
export const PEOPLE = ['operator', 'lead', 'deputy', 'viewer'] as const

/** A chat of the lab beside the terminal: how its people are called there, and what the site file says of it. */
export interface LabChat {
  readonly name: string
  readonly users: Readonly<Record<(typeof PEOPLE)[number], string>>
  readonly section: object
}

/** The site file of the lab, written where people can read it: it is an example too. */
export const labSite = (
  targets: Readonly<Record<string, { readonly kind: string; readonly settings: object }>>,
  chat?: LabChat,
): string => `# The lab's site file, made anew at each start. A site of your own looks like this: see deploy/site.example.yaml.
name: lab

people:
  operator: { name: Olga Operator, roles: [operator], handles: ${handles('operator', chat)} }
  lead: { name: Lee Lead, roles: [lead], handles: ${handles('lead', chat)} }
  deputy: { name: Dee Deputy, roles: [lead], handles: ${handles('deputy', chat)} }
  viewer: { name: Vic Viewer, roles: [viewer], handles: ${handles('viewer', chat)} }

rules:
  - { name: anyone may look, may: viewer, capability: "*", target: "*", up to: none }
  - name: operators ask, leads approve what people may notice
    may: operator
    capability: "*"
    target: "*"
    up to: destructive
    start: none
    before: { from: disruptive, role: lead, people: 1, within: 4h }

# In the lab nobody waits for an hour of soak.
runbooks:
  migrate: { throttle: 2, soak: 3s, look: 500, stall: 20s, timeout: 5s }

channels: ${JSON.stringify({ console: {}, ...(chat ? { [chat.name]: chat.section } : {}) })}

targets: ${JSON.stringify(targets, undefined, 2)}
`

const handles = (person: (typeof PEOPLE)[number], chat: LabChat | undefined): string =>
  JSON.stringify([`console:${person}`, ...(chat ? [`${chat.name}:${chat.users[person]}`] : [])])
