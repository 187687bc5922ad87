import type { Said } from '../../domain/chat.ts'
import { type Arrival, arrivalOf, type Us } from './arrival.ts'
import type { Asking } from './button-value.ts'
import type { Drop } from './drops.ts'
import { type Delivery, Unwelcome } from './receiving.ts'

export interface GateParts {
  us(): Us
  hear(said: Said): Promise<void>
  ask(trigger: string, asking: Asking, said: Said): Promise<void>
  forget(what: { readonly channel?: string; readonly user?: string }): void
  shut(why: string): void
  count(outcome: Drop): void
  log(line: string): void
}

/**
 * What happens to each delivery, and in which order: it is looked at, heard, and only then acknowledged. Whoever dies in between gets
 * it again. Rejects where it must not be acknowledged.
 */
export function gate(parts: GateParts): (delivery: Delivery) => Promise<void> {
  const { us, hear, ask, forget, shut, count, log } = parts
  return async delivery => {
    const arrival = arrivalOf(delivery.body, us())
    switch (arrival.is) {
      case 'said':
        await heard(arrival.said)
        return acknowledge(delivery)
      case 'asks':
        // Nothing has changed yet, so nothing needs to last; and the form must open within three seconds of the press.
        await acknowledge(delivery)
        return ask(arrival.trigger, arrival.asking, arrival.said)
      case 'wrong words':
        return acknowledge(delivery, { response_action: 'errors', errors: arrival.errors })
      case 'changed':
        forget(arrival)
        return acknowledge(delivery)
      case 'shut':
        shut(arrival.why)
        return acknowledge(delivery)
      case 'dropped':
        return drop(arrival, delivery)
    }
  }

  async function heard(said: Said): Promise<void> {
    try {
      await hear(said)
    } catch (error) {
      count('not-durable')
      log(`${said.id} could not be written down, and Slack is left to send it again`)
      throw error
    }
  }

  /** Sent again, it would come to the same: it is acknowledged, or turned away where it was never meant for us. */
  function drop({ why }: Extract<Arrival, { is: 'dropped' }>, delivery: Delivery): Promise<void> {
    count(why)
    if (why === 'wrong-app') return Promise.reject(new Unwelcome('This was sent for another app.'))
    return acknowledge(delivery)
  }

  /** Heard and not acknowledged is heard again, which comes to the same: its id is known. */
  async function acknowledge(delivery: Delivery, answer?: unknown): Promise<void> {
    try {
      await delivery.ack(answer)
    } catch {
      log('a delivery could not be acknowledged any more, and comes again')
    }
  }
}
