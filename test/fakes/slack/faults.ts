import type { Knob } from '../workspace.ts'

/** The knobs that a call meets on its way; those that happen to the workspace are turned by whoever keeps it. */
export type CallFault = Extract<
  Knob,
  { how: 'limit' | 'fail' | 'garble' | 'lose request' | 'lose answer' | 'hang' | 'refuse' | 'slow' }
>

export interface Faults {
  add(fault: CallFault): void
  vanish(): void
  dropAcks(times: number): void
  gone(): boolean
  /** Which one this call meets, used up by asking. */
  next(method: string): CallFault | undefined
  /** Whether this acknowledgement gets lost, used up by asking. */
  losesAck(): boolean
  heal(): void
}

export function createFaults(): Faults {
  let waiting: { readonly fault: CallFault; left: number }[] = []
  let gone = false
  let acks = 0
  return {
    add: fault => void waiting.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
    vanish() {
      gone = true
    },
    dropAcks(times) {
      acks = times
    },
    gone: () => gone,
    next(method) {
      const one = waiting.find(({ fault, left }) => left > 0 && meant(fault, method))
      if (one) one.left--
      return one?.fault
    },
    losesAck() {
      if (acks <= 0) return false
      acks--
      return true
    },
    heal() {
      waiting = []
      gone = false
      acks = 0
    },
  }
}

function meant({ to }: CallFault, method: string): boolean {
  if (to === undefined) return true
  return typeof to === 'string' ? to === method : to.test(method)
}
