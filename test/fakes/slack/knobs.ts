import type { Knob } from '../workspace.ts'
import type { Deliver } from './deliver.ts'
import type { Faults } from './faults.ts'
import { BOT } from './options.ts'
import { revokedEvent } from './payloads.ts'
import type { Sockets } from './sockets.ts'
import type { World } from './world.ts'

/** What a test turns to make the workspace let the bot down, and how it is all put right again. A deleted message stays deleted. */
export function createKnobs(world: World, faults: Faults, sockets: Sockets, deliver: Deliver) {
  let undo: (() => void)[] = []
  return {
    turn(knob: Knob): void {
      switch (knob.how) {
        case 'vanish':
          faults.vanish()
          sockets.cut()
          break
        case 'deleted': {
          const message = world.messages.find(
            one => one.ts === knob.message && (knob.channel === undefined || one.channel === knob.channel),
          )
          if (!message) throw new Error(`the fake Slack has no message ${knob.message}`)
          message.deleted = true
          world.tell({ is: 'deletion', message })
          break
        }
        case 'archived': {
          const channel = world.channel(knob.channel)
          channel.archived = true
          undo.push(() => {
            channel.archived = false
          })
          break
        }
        case 'removed': {
          const { members } = world.channel(knob.channel)
          members.delete(BOT.user)
          undo.push(() => void members.add(BOT.user))
          break
        }
        case 'revoked':
          world.revoked = true
          undo.push(() => {
            world.revoked = false
          })
          // Whoever revokes it need not wait for the app to take note.
          void deliver(revokedEvent(world), { retries: false })
          break
        case 'drop acks':
          faults.dropAcks(knob.times ?? Number.POSITIVE_INFINITY)
          break
        case 'disconnect':
          sockets.disconnect(knob.warn ? 'warning' : 'refresh_requested')
          break
        case 'limit':
        case 'fail':
        case 'garble':
        case 'lose request':
        case 'lose answer':
        case 'hang':
        case 'refuse':
        case 'slow':
          faults.add(knob)
          break
      }
    },
    heal(): void {
      faults.heal()
      for (const one of undo) one()
      undo = []
    },
  }
}
