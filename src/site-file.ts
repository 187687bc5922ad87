import { z } from 'zod'
import { RISKS } from './domain/plan.ts'
import { amounts, TIMES } from './language/units.ts'

/** The site file as it is written. Unknown keys are typing mistakes, and are refused. */

const Duration = z.string().transform((text, context) => {
  const parts = amounts(text.replace(/\s+/g, ''))
  const millis = parts.map(([amount, unit]) => amount * (TIMES.get(unit.toLowerCase()) ?? Number.NaN))
  const total = millis.reduce((sum, part) => sum + part, 0)
  if (parts.length > 0 && Number.isFinite(total) && total > 0) return total
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration; write it like 90s, 30min, 2h or 1d` })
  return z.NEVER
})

const Name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'a name is made of letters, digits, "_", "." and "-", and begins with a letter or digit',
  )

const Approval = z.strictObject({
  role: Name,
  people: z.number().int().min(1).max(20),
  within: Duration,
  'own request': z.boolean().default(false),
})

/** Silence is never a yes: whoever wants no approval writes `none`. */
const orNone = <T extends z.ZodType>(approval: T) =>
  z.preprocess(written => (written === 'none' ? null : written), approval.nullable().optional())

const Rule = z
  .strictObject({
    name: z.string().min(1),
    may: Name,
    capability: z.string().min(1),
    target: z.string().min(1),
    'up to': z.enum(RISKS),
    start: orNone(Approval),
    before: orNone(Approval.extend({ from: z.enum(RISKS).exclude(['none']).default('routine') })),
  })
  .superRefine((rule, context) => {
    for (const when of ['start', 'before'] as const)
      if (rule['up to'] !== 'none' && rule[when] === undefined)
        context.addIssue({
          code: 'custom',
          path: [when],
          message: `a rule for changes says who approves: \`${when}: { role: lead, people: 1, within: 4h }\`, or \`${when}: none\``,
        })
  })

export const SiteFile = z.strictObject({
  name: Name,
  roles: z.record(Name, z.strictObject({ includes: z.array(Name).default([]) })).default({}),
  people: z.record(
    Name,
    z.strictObject({
      name: z.string().min(1).optional(),
      roles: z.array(Name).min(1),
      handles: z.array(z.string().regex(/^[a-z]+:.+$/, 'a handle is written like slack:U042 or console:ann')).default([]),
    }),
  ),
  targets: z.record(
    Name,
    z.strictObject({ kind: z.string(), settings: z.record(z.string(), z.unknown()).default({}), root: z.string().optional() }),
  ),
  rules: z
    .array(Rule)
    .min(1, 'there is no rule, and without a rule nobody may do anything; deploy/site.example.yaml has some to start from'),
  // Defaults of a runbook's parameters; what reads as a duration is one.
  runbooks: z.record(Name, z.record(z.string(), z.union([Duration, z.number(), z.boolean(), z.string()]))).default({}),
  // What stands in a chat's section is checked once its secrets are there: see site-chats.ts.
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
  viewer: { includes: [] },
  operator: { includes: ['viewer'] },
  lead: { includes: ['operator'] },
}
