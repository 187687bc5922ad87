import { z } from 'zod'
import { hours } from '../domain/ids.ts'
import { Glass, Rule, Window } from './rules.ts'
import { Duration, Group, Labels, Name, Zone } from './values.ts'

/** The site file as it is written. Unknown keys are typing mistakes, and are refused. */
export const SiteFile = z.strictObject({
  name: Name,
  zone: Zone.default('UTC'), // of times that name none
  roles: z.record(Name, z.strictObject({ includes: z.array(Name).default([]), groups: z.array(Group).default([]) })).default({}),
  people: z.record(
    Name,
    z.strictObject({
      name: z.string().min(1).optional(),
      roles: z.array(Name),
      handles: z.array(z.string().regex(/^[a-z]+:.+$/, 'a handle is written like slack:U042 or console:ann')).default([]),
      machine: z.boolean().default(false),
    }),
  ),
  targets: z.record(
    Name,
    z.strictObject({
      kind: z.string(),
      settings: z.record(z.string(), z.unknown()).default({}),
      root: z.string().optional(),
      labels: Labels.default({}),
    }),
  ),
  rules: z
    .array(Rule)
    .min(1, 'there is no rule, and without a rule nobody may do anything; deploy/site.example.yaml has some to start from'),
  windows: z.record(Name, Window).default({}),
  'break glass': Glass.optional(), // absent: there is none to break
  // How long a proof that a handle is a person's holds, and how long a new one opens nothing that cannot be taken back.
  links: z.strictObject({ expire: Duration, 'cool down': Duration }).default({ expire: hours(24 * 90), 'cool down': hours(24) }),
  // The key that approvals are sealed with. Never in the file: whoever reads a policy must not be able to forge a vote.
  seal: z
    .union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })], {
      error: 'write `{ env: NAME }` or `{ file: PATH }`; the key itself never stands here',
    })
    .optional(),
  anchor: z.string().optional(), // the channel that is told each day how the logs end
  // Defaults of a runbook's parameters; what reads as a duration is one.
  runbooks: z.record(Name, z.record(z.string(), z.union([Duration, z.number(), z.boolean(), z.string()]))).default({}),
  // What stands in a chat's section is checked once its secrets are there: see chats.ts.
  channels: z
    .strictObject({
      console: z.strictObject({}).optional(),
      slack: z.record(z.string(), z.unknown()).optional(),
      discord: z.record(z.string(), z.unknown()).optional(),
      fallback: z.string().optional(),
    })
    .default({}),
  // Where /live, /ready and /metrics answer; on this machine alone unless the site says otherwise.
  health: z.strictObject({ port: z.number().int().min(1).max(65_535), host: z.string().default('127.0.0.1') }).optional(),
})
export type SiteFile = z.infer<typeof SiteFile>

/** Ready for use: whoever may approve may ask, and whoever may ask may read. */
export const READY_ROLES: SiteFile['roles'] = {
  viewer: { includes: [], groups: [] },
  operator: { includes: ['viewer'], groups: [] },
  lead: { includes: ['operator'], groups: [] },
}
