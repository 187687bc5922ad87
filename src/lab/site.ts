/** The lab's people: whoever sits at the terminal may be any of them. */
export const PEOPLE = ['operator', 'lead', 'deputy', 'viewer'] as const

/** The site file of the lab, written where people can read it: it is an example too. */
export const labSite = (
  targets: Readonly<Record<string, { readonly kind: string; readonly settings: object }>>,
): string => `# The lab's site file, made anew at each start. A site of your own looks like this: see deploy/site.example.yaml.
name: lab

people:
  operator: { name: Olga Operator, roles: [operator], handles: ["console:operator"] }
  lead: { name: Lee Lead, roles: [lead], handles: ["console:lead"] }
  deputy: { name: Dee Deputy, roles: [lead], handles: ["console:deputy"] }
  viewer: { name: Vic Viewer, roles: [viewer], handles: ["console:viewer"] }

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

channels: { console: {} }

targets: ${JSON.stringify(targets, undefined, 2)}
`
