import { Routes } from 'discord.js'
import { callsOnce } from './once.ts'
import type { DiscordSettings } from './settings.ts'
import { Commands } from './wire.ts'

/** What people type after the slash, and the option that takes the sentence. */
export const SAY = 'signalbox'
export const SENTENCE = 'say'
/** The entry in the menu of a message. */
export const SHOW_RUN = 'Show run'

const CHAT_INPUT = 1
const MESSAGE = 3
const STRING = 3
const GUILD = 0

/** Our two commands, for the guild alone: in direct messages nobody would see what was decided. */
export const COMMANDS = [
  {
    name: SAY,
    type: CHAT_INPUT,
    description: 'Say a sentence to Signalbox, such as: show runs',
    contexts: [GUILD],
    options: [
      {
        type: STRING,
        name: SENTENCE,
        description: 'The sentence; the words that can follow are offered',
        required: true,
        autocomplete: true,
        max_length: 500,
      },
    ],
  },
  { name: SHOW_RUN, type: MESSAGE, contexts: [GUILD] },
] as const

/** Makes our commands known to the guild, in place of whatever this app had there. Resolves with what to tell whoever did it. */
export async function registerDiscord(settings: DiscordSettings): Promise<string> {
  const { application, guild } = settings
  return await callsOnce(settings, async calls => {
    const route = Routes.applicationGuildCommands(application, guild)
    const answer = await calls.ask({ verb: 'PUT', route, lane: 'answer', budgets: {}, body: COMMANDS }, Commands)
    const names =
      answer.is === 'ok'
        ? answer.value.map(({ name, type }) => (type === MESSAGE ? `"${name}" in the menu of a message` : `/${name}`))
        : []
    return `Registered in ${guild}: ${names.join(', ')}. People see them once their client has looked again; Ctrl-R makes it.`
  })
}
