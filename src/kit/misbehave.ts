/** The ways in which a device lets one down. */
export const MISBEHAVIOURS = ['refuse', 'lose request', 'lose answer', 'hang', 'vanish', 'garble', 'talk forever'] as const
/**
 * refuse: it says no. lose request: the connection ends before it took effect; lose answer: after. hang: nothing happens and
 * nothing is said. vanish: nobody is there. garble: it takes effect and the answer is spoilt. talk forever: the same, endlessly.
 */
export type Misbehaviour = (typeof MISBEHAVIOURS)[number]

export interface Misbehave {
  readonly how: Misbehaviour
  readonly to?: 'changes' | 'reads' | RegExp // which commands; any by default. Nothing of it matters to `vanish`
  readonly times?: number // how many commands; 1 by default, and until `heal` for `vanish`
  readonly spoil?: (answer: string) => string // for `garble`; by default the answer is cut in the middle
}

/** The misbehaviours that still wait for their command. */
export interface Mischief {
  add(knob: Misbehave): void
  gone(): boolean
  /** Which one this command meets, used up by asking. */
  next(command: string, changes: boolean): Misbehave | undefined
  heal(): void
}

export function mischief(vanish: () => void): Mischief {
  let waiting: { readonly knob: Misbehave; left: number }[] = []
  return {
    add(knob) {
      waiting.push({ knob, left: knob.times ?? (knob.how === 'vanish' ? Number.POSITIVE_INFINITY : 1) })
      if (knob.how === 'vanish') vanish()
    },
    gone() {
      const one = waiting.find(({ knob, left }) => knob.how === 'vanish' && left > 0)
      if (one) one.left--
      return one !== undefined
    },
    next(command, changes) {
      const one = waiting.find(({ knob, left }) => left > 0 && knob.how !== 'vanish' && meant(knob, command, changes))
      if (one) one.left--
      return one?.knob
    },
    heal() {
      waiting = []
    },
  }
}

function meant({ to }: Misbehave, command: string, changes: boolean): boolean {
  if (to === undefined) return true
  if (to instanceof RegExp) return to.test(command)
  return to === (changes ? 'changes' : 'reads')
}

export const cutInTheMiddle = (answer: string): string => answer.slice(0, Math.floor(answer.length / 2))
