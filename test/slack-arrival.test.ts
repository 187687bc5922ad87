import { describe, expect, test } from 'vitest'
import { type Arrival, arrivalOf, type Us } from '../src/chat/slack/arrival.ts'
import { carriedBy } from '../src/chat/slack/button-value.ts'
import { formOf } from '../src/chat/slack/form.ts'
import type { Said } from '../src/domain/chat.ts'

const US: Us = { app: 'A0SIGNALBOX', team: 'T0HOME', user: 'U0SIGNALBOX', bot: 'B0SIGNALBOX' }
const MENTION = {
  type: 'app_mention',
  user: 'U0OLGA',
  text: '<@U0SIGNALBOX> show runs',
  ts: '1763640000.000200',
  channel: 'C0MIG',
  team: 'T0HOME',
}

const event = (event: object, over: object = {}): unknown => ({
  token: 'verification-token-of-slack',
  team_id: 'T0HOME',
  api_app_id: 'A0SIGNALBOX',
  type: 'event_callback',
  event_id: 'Ev1',
  event_time: 1763640000,
  event,
  authorizations: [{ enterprise_id: null, team_id: 'T0HOME', user_id: 'U0SIGNALBOX', is_bot: true }],
  ...over,
})
const interaction = (more: object): unknown => ({
  token: 'verification-token-of-slack',
  api_app_id: 'A0SIGNALBOX',
  team: { id: 'T0HOME', domain: 'home' },
  user: { id: 'U0LEE', team_id: 'T0HOME', username: 'lee' },
  trigger_id: '17.42.abc',
  ...more,
})
const press = (value: string, over: object = {}): unknown =>
  interaction({
    type: 'block_actions',
    channel: { id: 'C0MIG', name: 'migrations' },
    message: { ts: '1763640001.000100', thread_ts: '1763640001.000100' },
    actions: [{ type: 'button', action_id: 'say:0', block_id: 'x', value, action_ts: '1763640002.5' }],
    ...over,
  })
const submission = (private_metadata: string, typed: string | null, over: object = {}): unknown =>
  interaction({
    type: 'view_submission',
    view: {
      id: 'V1',
      callback_id: 'words',
      private_metadata,
      state: { values: { words: { typed: { type: 'plain_text_input', value: typed } } } },
    },
    ...over,
  })
const command = (over: object = {}): unknown => ({
  token: 'verification-token-of-slack',
  api_app_id: 'A0SIGNALBOX',
  command: '/signalbox',
  text: 'show runs',
  team_id: 'T0HOME',
  user_id: 'U0OLGA',
  channel_id: 'C0MIG',
  trigger_id: '13.37.def',
  response_url: 'https://hooks.slack.com/commands/secret',
  ...over,
})

const arrive = (body: unknown, us: Us = US): Arrival => arrivalOf(body, us)
const said = (body: unknown, us?: Us): Said | undefined => {
  const arrival = arrive(body, us)
  return arrival.is === 'said' ? arrival.said : undefined
}
const why = (body: unknown): string => {
  const arrival = arrive(body)
  return arrival.is === 'dropped' ? arrival.why : arrival.is
}

describe('what is said to the bot in Slack', () => {
  test('is the sentence after the mention, by whom Slack names, at the time and in the place it was written', () => {
    expect(said(event(MENTION))).toEqual({
      id: 'C0MIG:1763640000.000200',
      text: 'show runs',
      by: 'slack:U0OLGA',
      at: { chat: 'slack', channel: 'C0MIG' },
      when: 1763640000000,
    })
  })

  test('keeps its thread, but a message that has a thread is not in it', () => {
    expect(said(event({ ...MENTION, thread_ts: '1763630000.000100' }))?.at.thread).toBe('1763630000.000100')
    expect(said(event({ ...MENTION, thread_ts: MENTION.ts }))?.at.thread).toBeUndefined()
  })

  test.each([
    ['<@U0SIGNALBOX>: show runs', 'show runs'],
    ['please <@U0SIGNALBOX|signalbox> show runs', 'please   show runs'],
    ['<@U0SIGNALBOX> subscribe <#C0STORAGE|storage> to migrations on vmax-*', 'subscribe #C0STORAGE to migrations on vmax-*'],
    ['<@U0SIGNALBOX> deny R7 because "<@U0LEE> &amp; I say &lt;no&gt;"', 'deny R7 because "@U0LEE & I say <no>"'],
    ['<@U0SIGNALBOX> show paths on <http://sql01.example|sql01.example>', 'show paths on sql01.example'],
    ['<@U0SIGNALBOX> look at <https://example.org/x>', 'look at https://example.org/x'],
    ['<@U0SIGNALBOX> tell <!here> and <!subteam^S1|@leads>', 'tell @here and @subteam'],
    ['<@U0SIGNALBOX> deny R7 because \u201cno\u201d', 'deny R7 because \u201cno\u201d'],
    ['<@U0SIGNALBOX> say &amp;lt;', 'say &lt;'],
  ])('%s is understood as it was typed', (text, sentence) => {
    expect(said(event({ ...MENTION, text }))?.text).toBe(sentence)
  })

  test('is known by who Slack says the bot is, even before anybody has asked Slack who we are', () => {
    expect(said(event(MENTION), { app: US.app, team: US.team })?.text).toBe('show runs')
  })

  test('in a direct message needs no mention', () => {
    const direct = {
      type: 'message',
      channel_type: 'im',
      user: 'U0OLGA',
      text: 'help',
      ts: '1763640000.000300',
      channel: 'D0OLGA',
    }
    expect(said(event(direct))).toMatchObject({ id: 'D0OLGA:1763640000.000300', text: 'help', at: { channel: 'D0OLGA' } })
  })

  test('as a slash command is its text; with none it asks for help', () => {
    expect(said(command())).toEqual({
      id: 'cmd:13.37.def',
      text: 'show runs',
      by: 'slack:U0OLGA',
      at: { chat: 'slack', channel: 'C0MIG' },
    })
    expect(said(command({ text: '  ' }))?.text).toBe('help')
  })

  test('by opening the home of the bot is a question what waits; its tab of messages asks nothing', () => {
    const opened = { type: 'app_home_opened', user: 'U0OLGA', channel: 'D0OLGA', tab: 'home' }
    expect(said(event(opened))).toMatchObject({ id: 'event:Ev1', text: 'what waits for me', at: { channel: 'home:U0OLGA' } })
    expect(why(event({ ...opened, tab: 'messages' }))).toBe('not-for-us')
  })

  test('of any length is cut to what is certainly too long', () => {
    expect(said(event({ ...MENTION, text: `<@U0SIGNALBOX> ${'x'.repeat(40_000)}` }))?.text).toHaveLength(4_000)
    expect(said(command({ text: 'x'.repeat(40_000) }))?.text).toHaveLength(4_000)
  })

  test('by a machine is marked as such, whichever way Slack has of telling', () => {
    for (const mark of [
      { bot_id: 'B1' },
      { app_id: 'A1' },
      { bot_profile: { id: 'B1' } },
      { subtype: 'bot_message' },
      { user: undefined },
    ])
      expect(said(event({ ...MENTION, ...mark }))?.machine, JSON.stringify(mark)).toBe(true)
    expect(said(event(MENTION))).not.toHaveProperty('machine')
  })
})

describe('what nobody said', () => {
  test('is not heard: a message without a mention, news of a channel, a reaction', () => {
    expect(why(event({ ...MENTION, type: 'message', channel_type: 'group' }))).toBe('not-for-us')
    expect(
      why(event({ type: 'message', subtype: 'channel_join', channel_type: 'im', user: 'U1', ts: '1.1', channel: 'D1' })),
    ).toBe('not-for-us')
    expect(
      why(
        event({ type: 'reaction_added', user: 'U0LEE', reaction: '+1', item: { type: 'message', channel: 'C0MIG', ts: '1.1' } }),
      ),
    ).toBe('not-for-us')
    expect(why(interaction({ type: 'view_closed' }))).toBe('not-for-us')
  })

  test('is what we wrote ourselves: no loop begins with an answer of ours', () => {
    for (const mark of [{ user: 'U0SIGNALBOX' }, { bot_id: 'B0SIGNALBOX' }, { app_id: 'A0SIGNALBOX' }])
      expect(why(event({ ...MENTION, ...mark })), JSON.stringify(mark)).toBe('own')
  })

  test('an edit and a deletion name the sentence they are of, and are never that sentence', () => {
    const before = { ...MENTION, type: 'message' }
    const after = { ...before, text: '<@U0SIGNALBOX> cancel R1', edited: { user: 'U0OLGA', ts: '1763640009.0' } }
    const changed = {
      type: 'message',
      subtype: 'message_changed',
      channel: 'C0MIG',
      channel_type: 'group',
      ts: '1763640009.1',
      message: after,
      previous_message: before,
    }
    expect(said(event(changed))).toMatchObject({
      id: 'event:Ev1',
      text: 'cancel R1',
      edits: 'C0MIG:1763640000.000200',
      by: 'slack:U0OLGA',
    })
    const deleted = {
      type: 'message',
      subtype: 'message_deleted',
      channel: 'C0MIG',
      channel_type: 'group',
      ts: '1763640009.2',
      deleted_ts: MENTION.ts,
      previous_message: before,
    }
    expect(said(event(deleted))).toMatchObject({ edits: 'C0MIG:1763640000.000200', text: '' })
    // A mention that is edited into an old message comes as a mention.
    expect(said(event({ ...MENTION, edited: { user: 'U0OLGA', ts: '1763640009.0' } }))).toMatchObject({
      id: 'event:Ev1',
      edits: 'C0MIG:1763640000.000200',
    })
  })

  test('an edit that has nothing to do with us, or changes no word, is nothing', () => {
    const edit = (text: string, was: string, more: object = {}) =>
      event({
        type: 'message',
        subtype: 'message_changed',
        channel: 'C0MIG',
        channel_type: 'group',
        ts: '1.2',
        message: { user: 'U1', text, ts: '1.1', ...more },
        previous_message: { user: 'U1', text: was, ts: '1.1' },
      })
    expect(why(edit('lunch at one', 'lunch'))).toBe('not-for-us')
    expect(why(edit('<@U0SIGNALBOX> help', '<@U0SIGNALBOX> help'))).toBe('not-for-us')
    expect(why(edit('R7 copy 40 %', 'R7 copy 39 %', { bot_id: 'B0SIGNALBOX' }))).toBe('own')
  })
})

describe('another app, another workspace, another organisation', () => {
  test.each([
    ['an event for another app', event(MENTION, { api_app_id: 'A0OTHER' }), 'wrong-app'],
    ['a command that another app has registered', command({ api_app_id: 'A0OTHER' }), 'wrong-app'],
    ['a press for another app', press(carriedBy({ says: 'approve R1' }), { api_app_id: 'A0OTHER' }), 'wrong-app'],
    ['an event of another workspace', event(MENTION, { team_id: 'T0OTHER' }), 'foreign'],
    ['a command of another workspace', command({ team_id: 'T0OTHER' }), 'foreign'],
    ['somebody of another workspace', event({ ...MENTION, user_team: 'T0OTHER' }), 'foreign'],
    ['somebody whose message came from another workspace', event({ ...MENTION, source_team: 'T0OTHER' }), 'foreign'],
    [
      'a press by somebody of another workspace',
      press(carriedBy({ says: 'approve R1' }), { user: { id: 'U0SAM', team_id: 'T0OTHER' } }),
      'foreign',
    ],
    ['a press in another workspace', press(carriedBy({ says: 'approve R1' }), { team: { id: 'T0OTHER' } }), 'foreign'],
    ['a press without a workspace', press(carriedBy({ says: 'approve R1' }), { team: null }), 'foreign'],
    ['a channel that is shared', event(MENTION, { is_ext_shared_channel: true }), 'shared'],
  ])('%s is dropped before anything of it is read', (_, body, reason) => {
    expect(why(body)).toBe(reason)
  })

  test('nobody speaks for somebody else: two users in one command are none, and what a form remembers names nobody', () => {
    expect(why(command({ user_id: ['U0OLGA', 'U0LEE'] }))).toBe('malformed')
    expect(said(event({ ...MENTION, text: '<@U0SIGNALBOX> show runs user_id=U0LEE' }))?.by).toBe('slack:U0OLGA')
    const forged = JSON.stringify({ says: 'approve R1', on: '1.1', channel: 'C0MIG', user: 'U0ANN', by: 'slack:U0ANN' })
    expect(said(submission(forged, ''))?.by).toBeUndefined()
    const asking = JSON.stringify({
      says: 'deny R1 because "..."',
      on: '1.1',
      channel: 'C0MIG',
      words: { asks: 'Why?' },
      by: 'slack:U0ANN',
    })
    expect(said(submission(asking, 'too early'))?.by).toBe('slack:U0LEE')
  })

  test('nothing that Slack sends for itself comes along: neither its token nor where it could be answered', () => {
    for (const body of [event(MENTION), command(), press(carriedBy({ says: 'approve R1' }))])
      expect(JSON.stringify(arrive(body))).not.toMatch(/verification-token|hooks\.slack|response_url/)
  })

  test('what is no delivery at all is malformed', () => {
    for (const body of [
      undefined,
      null,
      7,
      'x',
      [],
      {},
      { api_app_id: US.app },
      { api_app_id: US.app, type: 'event_callback' },
      event({}),
    ])
      expect(why(body), JSON.stringify(body)).toBe('malformed')
  })
})

describe('a press', () => {
  test('is its sentence, said by whoever pressed, on that message', () => {
    expect(said(press(carriedBy({ says: 'approve R7 cutover as 0123456789' })))).toEqual({
      id: 'act:17.42.abc',
      text: 'approve R7 cutover as 0123456789',
      by: 'slack:U0LEE',
      at: { chat: 'slack', channel: 'C0MIG' },
      on: '1763640001.000100',
      when: 1763640002500,
    })
  })

  test('that needs words opens a form, whose sentence has them', () => {
    const asks = arrive(press(carriedBy({ says: 'deny R7 because "..."', words: { asks: 'Why not?' } })))
    expect(asks).toMatchObject({
      is: 'asks',
      trigger: '17.42.abc',
      asking: { says: 'deny R7 because "..."', on: '1763640001.000100', channel: 'C0MIG' },
    })
    if (asks.is !== 'asks') return
    const metadata = String(formOf(asks.asking)['private_metadata'])
    expect(said(submission(metadata, 'not "today"\nplease'))).toEqual({
      id: 'view:V1',
      text: `deny R7 because "not 'today' please"`,
      by: 'slack:U0LEE',
      at: { chat: 'slack', channel: 'C0MIG' },
      on: '1763640001.000100',
    })
    expect(arrive(submission(metadata, '  '))).toEqual({ is: 'wrong words', errors: { words: 'Say why, in a few words.' } })
  })

  test('that cannot be taken back wants its words to the letter', () => {
    const metadata = JSON.stringify({
      says: 'give up R7',
      on: '1.1',
      channel: 'C0MIG',
      words: { asks: 'Type vol-1', must: 'vol-1' },
    })
    expect(arrive(submission(metadata, 'vol-2'))).toEqual({
      is: 'wrong words',
      errors: { words: 'Nothing was done. Type vol-1 to the letter.' },
    })
    expect(said(submission(metadata, 'vol-1'))?.text).toBe('give up R7')
  })

  test('with a value that is none of ours says nothing: whatever bit of it was turned, it is text for the grammar or nothing', () => {
    const value = carriedBy({ says: 'approve R7 cutover as 0123456789' })
    for (let at = 0; at < value.length; at++)
      for (const bit of [1, 2, 4, 8, 16, 32]) {
        const turned = value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ bit) + value.slice(at + 1)
        const arrival = arrive(press(turned))
        if (arrival.is === 'said') expect(Object.keys(arrival.said).sort()).toEqual(['at', 'by', 'id', 'on', 'text', 'when'])
        else expect(arrival).toEqual({ is: 'dropped', why: 'not-for-us' })
      }
  })

  test('on something that is no message says nothing', () => {
    expect(why(press(carriedBy({ says: 'approve R1' }), { message: undefined, container: { type: 'view' } }))).toBe('not-for-us')
  })
})

describe('the shortcut', () => {
  const shortcut = (message: object) =>
    said(
      interaction({
        type: 'message_action',
        callback_id: 'show_run',
        channel: { id: 'C0MIG' },
        message: { ts: '1.1', ...message },
      }),
    )

  test('shows the run that a message shows or speaks of, and else what is running', () => {
    expect(shortcut({ metadata: { event_type: 'signalbox', event_payload: { key: 'R12/card' } }, text: 'R7' })?.text).toBe(
      'show R12',
    )
    expect(shortcut({ text: 'Is R7 still copying?' })?.text).toBe('show R7')
    expect(shortcut({ text: 'lunch' })?.text).toBe('show runs')
  })
})

test('news of people and channels only makes us ask again; being removed is known at once', () => {
  expect(arrive(event({ type: 'channel_shared', channel: 'C0MIG', connected_team_id: 'T0OTHER' }))).toEqual({
    is: 'changed',
    channel: 'C0MIG',
  })
  expect(arrive(event({ type: 'user_change', user: { id: 'U0LEE', deleted: true } }))).toEqual({ is: 'changed', user: 'U0LEE' })
  expect(arrive(event({ type: 'app_uninstalled' }))).toMatchObject({ is: 'shut' })
  expect(arrive(event({ type: 'tokens_revoked', tokens: { bot: ['U0SIGNALBOX'] } }))).toMatchObject({ is: 'shut' })
})
