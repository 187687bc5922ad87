import type { Said } from '../domain/chat.ts'
import type { Instant, Person } from '../domain/ids.ts'
import type { Factor } from '../domain/ledger.ts'
import {
  bound,
  explainStepUp,
  type Lack,
  looksLikeACode,
  type StepUpRefusal,
  secretOf,
  type Tried,
  tried,
} from '../domain/step-up.ts'
import { NotOurs, type Seal, type Totp } from '../ports/seal.ts'
import type { Store } from '../ports/store.ts'

export interface StepUpParts {
  readonly store: Pick<Store, 'ledger' | 'keep'>
  readonly seal: Seal
  readonly totp: Totp
}

/**
 * Whether this person has shown their second factor with this sentence. The code is spent by that, whatever comes of the sentence:
 * so it is asked for last, when nothing else stands in the way. Only the database's time counts.
 */
export async function stepUp(
  { code }: Pick<Said, 'code'>,
  by: Person,
  { store, seal, totp }: StepUpParts,
): Promise<'totp' | StepUpRefusal> {
  const no = (lack: Lack): StepUpRefusal => explainStepUp(lack, by)
  if (code === undefined || code.trim() === '')
    return no((await store.ledger()).factors.has(by) ? { lack: 'code' } : { lack: 'factor' })
  if (!looksLikeACode(code)) return no({ lack: 'six digits' })
  // The change may be called again, on a later state: what the last call found is what was written down.
  let found: ReturnType<typeof tried> | undefined
  await store.keep((ledger, now) => {
    found = tried(ledger, by, now, ({ sealed }) => attempt(by, sealed, code, now, { seal, totp }))
    return found.events
  })
  if (found?.events.some(event => event.type === 'factor.used')) return 'totp'
  return no(found?.lack ?? { lack: 'code' })
}

function attempt(by: Person, sealed: string, code: string, now: Instant, { seal, totp }: Omit<StepUpParts, 'store'>): Tried {
  const secret = opened(by, sealed, seal)
  return secret === undefined ? 'unreadable' : { counter: totp.counterOf(secret, code, now) }
}

/** Whether the key that is here is the one that this factor was sealed with, for this person. */
export const readable = (person: Person, { sealed }: Pick<Factor, 'sealed'>, seal: Seal): boolean =>
  opened(person, sealed, seal) !== undefined

function opened(person: Person, sealed: string, seal: Seal): string | undefined {
  try {
    return secretOf(person, seal.open(sealed))
  } catch (error) {
    if (error instanceof NotOurs) return undefined
    throw error
  }
}

export interface Enrolment {
  readonly person: Person
  readonly secret: string
  readonly code: string // shows that the person has taken it up
  readonly by: string
  readonly replace: boolean
}

/** The code that shows it is spent: it opens no gate afterwards. */
export async function enrol(
  { person, secret, code, by, replace }: Enrolment,
  { store, seal, totp }: StepUpParts,
): Promise<'enrolled' | 'has one' | 'wrong code'> {
  const sealed = seal.close(bound(person, secret))
  let outcome: 'enrolled' | 'has one' | 'wrong code' = 'wrong code'
  await store.keep((ledger, now) => {
    const counter = totp.counterOf(secret, code, now)
    outcome = !replace && ledger.factors.has(person) ? 'has one' : counter === undefined ? 'wrong code' : 'enrolled'
    return outcome === 'enrolled' && counter !== undefined
      ? [
          { type: 'factor.enrolled', person, sealed, by },
          { type: 'factor.used', person, counter },
        ]
      : []
  })
  return outcome
}

/** False when there was none. */
export async function removeFactor(
  { person, by, because }: { readonly person: Person; readonly by: string; readonly because: string },
  { store }: Pick<StepUpParts, 'store'>,
): Promise<boolean> {
  let removed = false
  await store.keep(ledger => {
    removed = ledger.factors.has(person)
    return removed ? [{ type: 'factor.removed', person, by, because }] : []
  })
  return removed
}
