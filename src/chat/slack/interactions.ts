import { z } from 'zod'
import { type Place, type Said, saysWith, saysWithCode } from '../../domain/chat.ts'
import { type Arrival, dropped, type Us } from './arrival.ts'
import { askingOf, pressedOf } from './button-value.ts'
import { handle, instant } from './events.ts'
import { BLOCK, FIELD, FORM, wrongWords } from './form.ts'
import { SLACK } from './settings.ts'
import { undone } from './undo.ts'

const Id = z.object({ id: z.string() })
const Interaction = z.object({
  type: z.string(),
  team: Id.nullish(),
  user: Id.extend({ team_id: z.string().optional() }),
  trigger_id: z.string().optional(),
})
type Interaction = z.infer<typeof Interaction>

/** A slash command, a press, a form that was sent, or a shortcut. */
export function interactionOf(body: unknown, us: Us): Arrival {
  const command = Command.safeParse(body).data
  if (command) return commanded(command, us)
  const interaction = Interaction.safeParse(body).data
  if (!interaction) return dropped('malformed')
  const { team, user } = interaction
  if (team?.id !== us.team || (user.team_id !== undefined && user.team_id !== us.team)) return dropped('foreign')
  switch (interaction.type) {
    case 'block_actions':
      return pressed(body, interaction)
    case 'view_submission':
      return submitted(body, interaction)
    case 'message_action':
      return shortcut(body, interaction)
    default:
      return dropped('not-for-us')
  }
}

/** Everything is one string: a field that was sent twice would be a list, and is refused. */
const Command = z.object({
  command: z.string().startsWith('/'),
  text: z.string().default(''),
  team_id: z.string(),
  user_id: z.string(),
  channel_id: z.string(),
  trigger_id: z.string(),
})

function commanded({ text, team_id, user_id, channel_id, trigger_id }: z.infer<typeof Command>, us: Us): Arrival {
  if (team_id !== us.team) return dropped('foreign')
  const at: Place = { chat: SLACK, channel: channel_id }
  const said = undone(text).trim()
  return { is: 'said', said: { id: `cmd:${trigger_id}`, text: said === '' ? 'help' : said, by: handle(user_id), at } }
}

const Message = z.object({ ts: z.string(), thread_ts: z.string().optional() })
const Press = z.object({
  channel: Id.optional(),
  message: Message.optional(),
  actions: z.array(z.object({ value: z.string().optional(), action_ts: z.string().optional() })),
})

/** A press of a button on a message. A button is a canned sentence: it is heard as if the person had typed it. */
function pressed(body: unknown, { user, trigger_id }: Interaction): Arrival {
  const { channel, message, actions } = Press.safeParse(body).data ?? {}
  const [action] = actions ?? []
  if (!channel || !message || !action) return dropped('not-for-us')
  const button = pressedOf(action.value)
  if (!button) return dropped('not-for-us')
  const at = placeOf(channel.id, message)
  const said: Said = {
    id: `act:${trigger_id ?? `${action.action_ts}/${user.id}/${message.ts}`}`,
    text: button.says,
    by: handle(user.id),
    at,
    on: message.ts,
    ...(action.action_ts === undefined ? {} : { when: instant(action.action_ts) }),
  }
  if (!button.words) return { is: 'said', said }
  if (trigger_id === undefined) return dropped('malformed')
  const asking = { ...button, on: message.ts, channel: channel.id, ...(at.thread === undefined ? {} : { thread: at.thread }) }
  return { is: 'asks', trigger: trigger_id, asking, said }
}

const Submission = z.object({
  view: z.object({
    id: z.string(),
    callback_id: z.string(),
    private_metadata: z.string(),
    state: z.object({ values: z.record(z.string(), z.record(z.string(), z.object({ value: z.string().nullish() }).loose())) }),
  }),
})

/** A form that was sent: the sentence of its button with the words in it and the code beside it, or what is wrong with them. */
function submitted(body: unknown, { user }: Interaction): Arrival {
  const view = Submission.safeParse(body).data?.view
  if (view?.callback_id !== FORM) return dropped('not-for-us')
  const asking = askingOf(view.private_metadata)
  if (!asking) return dropped('malformed')
  const typed = view.state.values[BLOCK]?.[FIELD]?.value ?? ''
  const coded = asking.words?.code ? saysWithCode(asking, typed) : undefined
  const text = asking.words?.code ? coded?.says : saysWith(asking, typed)
  if (text === undefined) return { is: 'wrong words', errors: wrongWords(asking) }
  const { on, channel, thread } = asking
  const at: Place = { chat: SLACK, channel, ...(thread === undefined ? {} : { thread }) }
  const said = { id: `view:${view.id}`, text, by: handle(user.id), at, on }
  return { is: 'said', said: coded ? { ...said, code: coded.code } : said }
}

const Shortcut = z.object({
  callback_id: z.string(),
  channel: Id,
  message: Message.extend({
    text: z.string().optional(),
    metadata: z.object({ event_payload: z.object({ key: z.string().optional() }).optional() }).optional(),
  }),
  action_ts: z.string().optional(),
})

const RUN = /\bR[1-9]\d{0,8}\b/

/** `Show run` on a message: of the run that it shows or speaks of, or of all that are going on. Nothing but a question. */
function shortcut(body: unknown, { user, trigger_id }: Interaction): Arrival {
  const found = Shortcut.safeParse(body).data
  if (found?.callback_id !== 'show_run' || trigger_id === undefined) return dropped('not-for-us')
  const { channel, message } = found
  const run = RUN.exec(message.metadata?.event_payload?.key ?? '')?.[0] ?? RUN.exec(message.text ?? '')?.[0]
  return {
    is: 'said',
    said: {
      id: `act:${trigger_id}`,
      text: run === undefined ? 'show runs' : `show ${run}`,
      by: handle(user.id),
      at: placeOf(channel.id, message),
    },
  }
}

/** A message that has a thread names itself as its thread; it is not in it. */
const placeOf = (channel: string, { ts, thread_ts }: z.infer<typeof Message>): Place => ({
  chat: SLACK,
  channel,
  ...(thread_ts === undefined || thread_ts === ts ? {} : { thread: thread_ts }),
})
