import { z } from 'zod'
import type { Opening } from '../domain/calendar.ts'
import { amounts, TIMES } from '../language/units.ts'
import { openingsOf } from './openings.ts'
import { objection } from './pattern.ts'

/** What the values of a site file may look like. */

export const Duration = z.string().transform((text, context) => {
  const parts = amounts(text.replace(/\s+/g, ''))
  const millis = parts.map(([amount, unit]) => amount * (TIMES.get(unit.toLowerCase()) ?? Number.NaN))
  const total = millis.reduce((sum, part) => sum + part, 0)
  if (parts.length > 0 && Number.isFinite(total) && total > 0) return total
  context.addIssue({ code: 'custom', message: `"${text}" is not a duration; write it like 90s, 30min, 2h or 1d` })
  return z.NEVER
})

export const Name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'a name is made of letters, digits, "_", "." and "-", and begins with a letter or digit',
  )

/** A name in which a star stands for any characters. Of what it looks through, each star is another place to try. */
export const Glob = z
  .string()
  .regex(
    /^(?=.{1,63}$)[A-Za-z0-9_.-]*(?:\*[A-Za-z0-9_.-]*){0,3}$/,
    'a name, in which up to three times a * stands for any characters',
  )

/** Of a parameter: what a device's words may be made of, and stars. */
export const ValueGlob = z
  .string()
  .regex(/^(?=.{1,100}$)[^*\p{Cc}]*(?:\*[^*\p{Cc}]*){0,3}$/u, 'a text, in which up to three times a * stands for any characters')

/** What words must contain: `required` for any words at all, `none` for nothing, else a regular expression. Null stands for none. */
export const Words = z
  .string()
  .min(1)
  .transform((text, context) => {
    if (text === 'none') return null
    if (text === 'required') return '\\S'
    const why = objection(text)
    if (why === undefined) return text
    context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} cannot be used: ${why}` })
    return z.NEVER
  })

export const Zone = z.string().refine(zone => isZone(zone), {
  error: ({ input }) => `there is no time zone ${JSON.stringify(input)}; write it as in Europe/Berlin, America/New_York or UTC`,
})

function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false // +02:00 is known to Intl, and to no calendar with a summer
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return false
  }
}

export const Labels = z.record(
  z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a label is named in small letters, digits and "-"'),
  Name,
)

export const Open = z
  .array(z.string())
  .min(1, 'say at least once when it is open')
  .transform((texts, context) =>
    texts.flatMap((text, n): readonly Opening[] => {
      const found = openingsOf(text)
      if (typeof found !== 'string') return found
      context.addIssue({ code: 'custom', path: [n], message: found })
      return []
    }),
  )

export const Group = z
  .string()
  .regex(
    /^(?:slack:S[A-Z0-9]{2,}|discord:\d{17,20})$/,
    'a group is written like slack:S0LEADS or discord:1100000000000000003: the id, not the name',
  )
