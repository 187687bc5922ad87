import { type DiscordKnob, type Faults, meetsCalls } from './faults.ts'
import type { Gateway } from './gateway.ts'
import type { People } from './people.ts'
import { VIEW } from './permissions.ts'
import type { Channel, World } from './world.ts'

export interface Trouble {
  misbehave(knob: DiscordKnob): void
  /** Undoes everything but deletions: the bot is let in again, and its token is what it was. */
  heal(): void
}

interface Stage {
  readonly world: World
  readonly gateway: Gateway
  readonly faults: Faults
  readonly people: People
  readonly away: (gone: boolean) => void
}

export function createTrouble({ world, gateway, faults, people, away }: Stage): Trouble {
  const { token } = world
  const closed = new Map<Channel, Channel['overwrites']>()
  return {
    misbehave(knob) {
      if (meetsCalls(knob)) faults.add(knob)
      else befall(knob)
    },
    heal() {
      away(false)
      faults.heal()
      gateway.replayTwice(false)
      world.token = token
      for (const [channel, overwrites] of closed) {
        channel.overwrites = overwrites
        world.happened({ t: 'CHANNEL_UPDATE', channel })
      }
      closed.clear()
      if (world.bot.member) return
      world.bot.member = true
      world.happened({ t: 'GUILD_CREATE' })
    },
  }

  function befall(knob: Exclude<DiscordKnob, Parameters<Faults['add']>[0]>): void {
    switch (knob.how) {
      case 'vanish':
        away(true)
        break
      case 'deleted':
        people.deletes(knob.message)
        break
      case 'archived': {
        // What Slack archives is deleted on Discord; a thread is locked.
        const channel = world.channelOf(knob.channel)
        const thread = channel.kind === 'thread'
        if (thread) channel.locked = true
        else channel.gone = true
        world.happened({ t: thread ? 'THREAD_UPDATE' : 'CHANNEL_DELETE', channel })
        break
      }
      case 'removed': {
        const channel = world.channelOf(knob.channel)
        if (!closed.has(channel)) closed.set(channel, channel.overwrites)
        const others = channel.overwrites.filter(one => one.id !== world.bot.id)
        channel.overwrites = [...others, { id: world.bot.id, type: 1, allow: 0n, deny: VIEW }]
        world.happened({ t: 'CHANNEL_UPDATE', channel })
        break
      }
      case 'revoked':
        world.token = 'nobody has this token'
        gateway.close(4004)
        break
      case 'kicked':
        world.bot.member = false
        world.happened({ t: 'GUILD_DELETE' })
        break
      case 'drop acks':
        faults.dropAcks(knob.times)
        break
      case 'disconnect':
        if (knob.warn) gateway.reconnect()
        else gateway.close(4000)
        if (knob.resumable === false) gateway.forget()
        break
      case 'zombie':
        gateway.zombie()
        break
      case 'replay twice':
        gateway.replayTwice(true)
        break
      case 'invalid session':
        gateway.invalidate(knob.resumable)
        break
      case 'close':
        gateway.close(knob.code)
        break
    }
  }
}
