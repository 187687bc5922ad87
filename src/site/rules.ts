import { z } from 'zod'
import { hours, type Millis, minutes } from '../domain/ids.ts'
import { RISKS, type Risk } from '../domain/plan.ts'
import { Duration, Glob, Labels, Name, Open, ValueGlob, Words, Zone } from './values.ts'

/** How long a question stands where the file does not say, by the worst that the gate opens. */
export const STANDS: Readonly<Record<Risk, Millis>> = {
  none: hours(8),
  routine: hours(8),
  disruptive: hours(4),
  destructive: hours(1),
}

/** How old the last yes may be when what it opens is sent, where the file does not say. */
export const GOOD_FOR: Readonly<Record<Risk, Millis>> = {
  none: hours(8),
  routine: hours(8),
  disruptive: hours(1),
  destructive: minutes(15),
}

/** A yes to something that cannot be taken back is not for tomorrow morning. */
const LONGEST_YES = hours(1)
const LONGEST_GLASS = hours(1)

const People = z.number().int().min(1).max(20)

const Approval = z.strictObject({
  role: Name,
  people: People,
  within: Duration.optional(),
  'good for': Duration.optional(),
  'own request': z.boolean().default(false),
  denies: People.default(1),
  and: z.preprocess(
    none,
    z
      .array(z.strictObject({ role: Name, people: People }))
      .min(1)
      .max(5)
      .nullable()
      .optional(),
  ),
  reason: Words.optional(),
  'step-up': z.boolean().optional(),
})
export type WrittenApproval = z.infer<typeof Approval>

/** Silence is never a yes: whoever wants no approval writes `none`. */
function none(written: unknown): unknown {
  return written === 'none' ? null : written
}
const orNone = <T extends z.ZodType>(approval: T) => z.preprocess(none, approval.nullable().optional())

/** What a gate can want beside people, with what is written where it wants nothing of it. */
const BESIDE = { and: 'and: none', reason: 'reason: none', 'step-up': 'step-up: false' } as const
const beside = Object.keys(BESIDE) as readonly (keyof typeof BESIDE)[]

export const Rule = z
  .strictObject({
    name: z.string().min(1).max(120),
    may: Name,
    capability: Glob,
    target: Glob.optional(),
    on: Labels.optional(),
    params: z.record(Name, ValueGlob).optional(),
    'up to': z.enum(RISKS),
    reason: Words.optional(),
    takes: Duration.optional(),
    start: orNone(Approval),
    before: orNone(Approval.extend({ from: z.enum(RISKS).exclude(['none']).default('routine') })),
  })
  .superRefine((rule, context) => {
    const complain = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message })
    if (rule.target === undefined && (rule.on === undefined || Object.keys(rule.on).length === 0))
      complain(['target'], 'say which targets it is for: `target: "prod-*"`, or `on: { env: production }`')
    const gates = (['start', 'before'] as const).map(when => ({ when, gate: rule[when] }))
    if (rule['up to'] !== 'none')
      for (const { when, gate } of gates)
        if (gate === undefined)
          complain(
            [when],
            `a rule for changes says who approves: \`${when}: { role: lead, people: 1, within: 4h }\`, or \`${when}: none\``,
          )
    // What is asked for beside people would else be lost with one line, unnoticed: all of it is said, or nothing.
    const full = rule.reason !== undefined || gates.some(({ gate }) => gate && says(gate))
    if (full && rule.reason === undefined)
      complain(['reason'], `${ALL}: \`reason: none\` of the rule is missing, or what a request has to say`)
    for (const { when, gate } of gates) {
      if (!gate) continue
      if (full)
        for (const key of beside) if (gate[key] === undefined) complain([when, key], `${ALL}: \`${BESIDE[key]}\` is missing`)
      const goodFor = gate['good for']
      if (rule['up to'] === 'destructive' && goodFor !== undefined && goodFor > LONGEST_YES)
        complain([when, 'good for'], 'a yes to what cannot be taken back is good for 1h at most')
    }
  })

const says = (gate: WrittenApproval): boolean => beside.some(key => gate[key] !== undefined)
const ALL = 'a rule that asks for more than people says so in full, so that nothing is lost with one line'

export const Window = z
  .strictObject({
    on: Labels.optional(),
    target: Glob.optional(),
    from: z.enum(RISKS).exclude(['none']).default('routine'),
    zone: Zone.optional(),
    open: Open,
  })
  .refine(window => window.target !== undefined || Object.keys(window.on ?? {}).length > 0, {
    message: 'say which targets it is for: `on: { env: production }`, or `target: "prod-*"`',
  })

export const Glass = z
  .strictObject({
    may: Name,
    within: Duration.refine(within => within <= LONGEST_GLASS, 'a broken glass is worth 1h at most').default(minutes(30)),
    approval: Approval,
  })
  .superRefine(({ approval }, context) => {
    const complain = (path: readonly string[], message: string): void =>
      context.addIssue({ code: 'custom', path: ['approval', ...path], message })
    if (says(approval))
      for (const key of beside) if (approval[key] === undefined) complain([key], `${ALL}: \`${BESIDE[key]}\` is missing`)
    if ((approval['good for'] ?? 0) > LONGEST_YES) complain(['good for'], 'a yes that breaks the glass is good for 1h at most')
    if (approval['own request'] && approval.people + (approval.and ?? []).length < 2)
      complain(['own request'], 'nobody breaks the glass alone: leave it out, or want two people')
  })
