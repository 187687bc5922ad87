import type { Instant } from '../../domain/ids.ts'
import { clockTime } from '../../domain/words.ts'
import type { Health, NotShown } from '../../ports/chat.ts'

/** How the chat does, for people and for readiness: pieced together from what calls and connections tell. */
export interface Condition {
  connected(as: string): void
  disconnected(why: string): void
  /** What a call came to. Only a token that is not good any more says something of the chat as a whole. */
  learned(trouble: NotShown | undefined): void
  shut(why: string): void
  stopped(): void
  health(): Health
}

export function newCondition(team: string, now: () => Instant): Condition {
  let link: { readonly up: boolean; readonly says: string; readonly since: Instant } = {
    up: false,
    says: 'not started yet',
    since: now(),
  }
  let refused: string | undefined
  const down = (says: string): void => {
    // The beginning of a trouble is worth more than its latest word.
    link = { up: false, says, since: link.up ? now() : link.since }
  }
  return {
    connected(as) {
      link = { up: true, says: as, since: now() }
    },
    disconnected: down,
    learned(trouble) {
      if (trouble === undefined) refused = undefined
      // A missing scope stops one kind of call; the check says which, and everything else goes on.
      else if (trouble.how === 'revoked' && !trouble.message.includes('missing_scope')) refused = trouble.message
    },
    shut(why) {
      refused = why
    },
    stopped: () => down('stopped'),
    health() {
      if (refused !== undefined)
        return { ok: false, says: `${refused}. Install the app again, give its new token to Signalbox and start it anew.` }
      return link.up
        ? { ok: true, says: `${link.says} to ${team}` }
        : { ok: false, says: `not connected since ${clockTime(link.since)}: ${link.says}` }
    },
  }
}
