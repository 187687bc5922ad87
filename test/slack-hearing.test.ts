import { afterEach, describe, expect, test } from 'vitest'
import { slackChat } from '../src/chat/slack/slack.ts'
import type { Said } from '../src/domain/chat.ts'
import { openLanes } from '../src/outbox/open-lanes.ts'
import { CARD, type RigOptions, type SlackRig, settingsFor, slackRig, until, WORK } from './fakes/given-slack.ts'
import { appMessageEvent, botMessageEvent, eventOf, saidEvent, uninstalledEvent } from './fakes/slack/payloads.ts'

let rig: SlackRig
afterEach(async () => {
  await rig.stop()
  // Whatever a test was about: every request was one that Slack takes, and no token is in any line of the log.
  expect(rig.slack.invalid).toEqual([])
  expect(rig.log.join('\n')).not.toMatch(/xoxb|xapp|ticket/)
})
const start = async (options?: RigOptions): Promise<SlackRig> => {
  rig = await slackRig(options)
  return rig
}
const texts = () => rig.heard.map(({ text }) => text)
const NOTHING: Parameters<typeof slackChat>[1] = {
  lanes: openLanes({ now: () => 0, timer: () => ({ cancel() {} }) }),
  count() {},
  clock: { now: () => 0 },
  log() {},
}
const later = () => {
  let go = (): void => {}
  const wait = new Promise<void>(resolve => {
    go = resolve
  })
  return { wait, go: () => go() }
}

describe('what people say in Slack', () => {
  test('is heard however they say it, and says who and where', async () => {
    const { slack, heard } = await start()
    expect(await slack.says('olga', 'show runs')).toBe(true)
    expect(await slack.says('olga', 'subscribe #second to migrations', { via: 'command' })).toBe(true)
    expect(await slack.says('lee', 'help', { via: 'direct' })).toBe(true)
    expect(await slack.opensHome('ann')).toBe(true)
    expect(heard.map(({ text, by, at }) => [text, by, at.channel])).toEqual([
      ['show runs', 'slack:U0OLGA', 'C0MIGRATIONS'],
      ['subscribe #second to migrations', 'slack:U0OLGA', 'C0MIGRATIONS'],
      ['help', 'slack:U0LEE', 'D0LEE'],
      ['what waits for me', 'slack:U0ANN', 'home:U0ANN'],
    ])
  })

  test('is acknowledged only once it is durable', async () => {
    const { slack, hearing } = await start()
    const { wait, go } = later()
    hearing.push(() => wait)
    let acked: boolean | undefined
    const said = slack.says('olga', 'show runs').then(is => {
      acked = is
    })
    await until('it is heard', () => rig.heard.length === 1)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(acked).toBeUndefined()
    go()
    await said
    expect(acked).toBe(true)
  })

  test('and could not be written down is not acknowledged, comes again, and is heard then', async () => {
    const { slack, hearing, inbox, counts } = await start({ fake: { patience: 150, retries: [0] } })
    hearing.push(() => Promise.reject(new Error('the database is away')))
    expect(await slack.says('olga', 'show runs')).toBe(false)
    await until('it came again', () => rig.heard.length === 2)
    expect(new Set(rig.heard.map(({ id }) => id)).size).toBe(1)
    expect([...inbox.values()].map(({ text }) => text)).toEqual(['show runs'])
    expect(counts.get('not-durable')).toBe(1)
  })

  test('and was acknowledged into the void comes again under the same name: it is one sentence', async () => {
    const { slack, inbox } = await start({ fake: { patience: 150, retries: [0, 0] } })
    slack.misbehave({ how: 'drop acks', times: 1 })
    expect(await slack.says('olga', 'show runs')).toBe(false)
    await until('it came again', () => rig.heard.length === 2)
    expect(inbox.size).toBe(1)
  })

  test('is one sentence when the same envelope comes twice, though Slack calls neither a retry', async () => {
    const { slack, inbox } = await start()
    const message = slack.writes('olga', 'show runs')
    const first = await slack.deliver(saidEvent(slack.world, message, 'app_mention'))
    await first.again()
    expect(rig.heard.map(({ id }) => id)).toEqual([`C0MIGRATIONS:${message.ts}`, `C0MIGRATIONS:${message.ts}`])
    expect(inbox.size).toBe(1)
  })

  test('is heard once where we follow a channel as well', async () => {
    const { slack, heard, counts } = await start({ fake: { follows: true } })
    await slack.says('olga', 'show runs')
    expect(heard).toHaveLength(1)
    expect(counts.get('not-for-us')).toBe(1)
  })

  test('is said in a thread when it was, and an answer only the speaker sees stays in that thread', async () => {
    const { slack, chat, heard } = await start()
    const card = await chat.post(WORK, CARD, 'R1/card', 'answer')
    await slack.says('olga', 'show R1', { thread: card.message })
    const [said] = heard
    if (!said) throw new Error('nothing was heard')
    expect(said.at.thread).toBe(card.message)
    await chat.whisper(said, { title: 'R1 is going.', tone: 'calm', lines: [], buttons: [] })
    expect(slack.messages().at(-1)).toMatchObject({
      thread: card.message,
      ephemeralTo: 'U0OLGA',
      lines: ['\u{1f535} R1 is going.'],
    })
  })
})

describe('what was not said by anybody here', () => {
  test('an edit and a deletion are told of, and are not the sentence again', async () => {
    const { slack, heard } = await start()
    const { ts } = slack.writes('olga', 'show runs')
    await slack.edits('olga', ts, 'cancel R1')
    await slack.deletes('olga', ts)
    expect(heard.map(({ edits }) => edits)).toEqual([`C0MIGRATIONS:${ts}`, `C0MIGRATIONS:${ts}`])
  })

  test('other bots are marked, whether they show a name or use the token of a person', async () => {
    const { slack, heard } = await start()
    await slack.deliver(botMessageEvent(slack.world, slack.world.direct('U0OLGA').id, 'approve R1'))
    await slack.deliver(appMessageEvent(slack.world, 'C0MIGRATIONS', 'U0LEE', '<@U0SIGNALBOX> approve R1'))
    await slack.says('otherbot', 'approve R1')
    expect(heard.map(({ machine }) => machine)).toEqual([true, true, true])
  })

  test('what people of another organisation say is acknowledged, counted and not heard', async () => {
    const { slack, heard, counts } = await start()
    expect(await slack.says('sam', 'show runs', { channel: 'with-the-vendor' })).toBe(true)
    expect(await slack.says('sam', 'show runs', { via: 'command' })).toBe(true)
    expect(await slack.says('olga', 'show runs', { channel: 'with-the-vendor' })).toBe(true)
    expect(heard).toEqual([])
    expect(counts).toEqual(
      new Map([
        ['shared', 2],
        ['foreign', 1],
      ]),
    )
  })

  test('a delivery for another app is not heard, and not sent again and again', async () => {
    const { slack, heard, counts } = await start()
    const message = slack.writes('olga', 'show runs')
    const { kind, payload } = saidEvent(slack.world, message, 'app_mention')
    const delivered = await slack.deliver({ kind, payload: { ...payload, api_app_id: 'A0OTHER' } })
    expect(delivered).toMatchObject({ acked: true, attempts: 1 })
    expect(heard).toEqual([])
    expect(counts.get('wrong-app')).toBe(1)
  })
})

describe('a button', () => {
  const asking = { ...CARD, buttons: [{ label: 'Approve', says: 'approve R1', style: 'primary' as const }] }
  const denying = {
    ...CARD,
    buttons: [{ label: 'Deny', says: 'deny R1 because "..."', style: 'danger' as const, words: { asks: 'Why not?' } }],
  }

  test('says its sentence for whoever presses it, on the message it is on; two presses are two sentences', async () => {
    const { slack, chat, heard } = await start()
    const { message } = await chat.post(WORK, asking, 'R1/card', 'answer')
    expect(await slack.presses('lee', message, 'Approve', { times: 2 })).toBe(true)
    expect(heard.map(({ text, by, on, at }) => [text, by, on, at])).toEqual([
      ['approve R1', 'slack:U0LEE', message, WORK],
      ['approve R1', 'slack:U0LEE', message, WORK],
    ])
    expect(new Set(heard.map(({ id }) => id)).size).toBe(2)
  })

  test('of a message that has answers is still on the message and not in its thread', async () => {
    const { slack, chat, heard } = await start()
    const { message } = await chat.post(WORK, asking, 'R1/card', 'answer')
    await chat.post({ ...WORK, thread: message }, { ...CARD, title: 'R1 asks' }, 'R1/ring', 'answer')
    await slack.presses('lee', message, 'Approve')
    expect(heard[0]?.at).toEqual(WORK)
  })

  test('that needs words asks for them, takes none for an answer, and says its sentence with them once', async () => {
    const { slack, chat } = await start()
    const { message } = await chat.post(WORK, denying, 'R1/card', 'answer')
    await slack.presses('lee', message, 'Deny', { words: ' ' })
    expect(texts()).toEqual([])
    expect(slack.shown).toContain('Why not?')
    const [form] = slack.forms()
    expect(form?.errors).toEqual({ words: 'Say why, in a few words.' })
    await slack.submits(form?.id ?? '', 'too "early"')
    expect(texts()).toEqual([`deny R1 because "too 'early'"`])
    expect(rig.heard[0]).toMatchObject({ by: 'slack:U0LEE', on: message, at: WORK })
    expect(slack.forms()).toEqual([])
  })

  test('whose form does not open says that nothing was done', async () => {
    const { slack, chat } = await start()
    const { message } = await chat.post(WORK, denying, 'R1/card', 'answer')
    slack.misbehave({ how: 'refuse', error: 'expired_trigger_id', to: 'views.open' })
    await slack.presses('lee', message, 'Deny')
    await until('lee is told', () => slack.shown.some(line => line.includes('The form did not open, and nothing was done.')))
    expect(texts()).toEqual([])
  })

  test('of words that cannot be written down leaves the form open', async () => {
    const { slack, chat, hearing } = await start({ fake: { patience: 150 } })
    const { message } = await chat.post(WORK, denying, 'R1/card', 'answer')
    hearing.push(() => Promise.reject(new Error('the database is away')))
    expect(await slack.presses('lee', message, 'Deny', { words: 'no' })).toBe(false)
    const [form] = slack.forms()
    expect(await slack.submits(form?.id ?? '', 'no')).toBe(true)
    expect(new Set(rig.heard.map(({ id }) => id)).size).toBe(1)
  })

  test('is pressed on messages, and by a reaction nothing is', async () => {
    const { slack, chat, heard, counts } = await start()
    const { message } = await chat.post(WORK, asking, 'R1/card', 'answer')
    const reaction = {
      type: 'reaction_added',
      user: 'U0LEE',
      reaction: '+1',
      item: { type: 'message', channel: 'C0MIGRATIONS', ts: message },
    }
    await slack.deliver(eventOf(slack.world, reaction))
    expect(heard).toEqual([])
    expect(counts.get('not-for-us')).toBe(1)
  })

  test('Show run leads from a message to its run', async () => {
    const { slack, chat } = await start()
    const { message } = await chat.post(WORK, CARD, 'R1/card', 'answer')
    await slack.shortcut('olga', 'show_run', message)
    await slack.shortcut('olga', 'show_run', slack.writes('olga', 'how is R23 doing').ts)
    expect(texts()).toEqual(['show R1', 'show R23'])
  })
})

describe('the connection', () => {
  test('is made anew at once when Slack closes it, with or without a warning, and what is said then is heard', async () => {
    const { slack } = await start()
    for (const warn of [{}, { warn: true } as const]) {
      const begun = performance.now()
      slack.misbehave({ how: 'disconnect', ...warn })
      await until('the old one is closed', () => slack.sockets.count() === 0 || performance.now() - begun > 1_000)
      await slack.sockets.connected()
      // The library alone would wait for five seconds.
      expect(performance.now() - begun).toBeLessThan(4_000)
      await until('it is well', () => rig.chat.health().ok)
      expect(await slack.says('olga', 'show runs')).toBe(true)
    }
    expect(texts()).toEqual(['show runs', 'show runs'])
  })

  test('that is lost says since when, comes back by itself, and takes what Slack sends again', async () => {
    const { slack, chat } = await start({ fake: { retries: [1_500], patience: 500 } })
    slack.misbehave({ how: 'vanish' })
    await until('it is known', () => !chat.health().ok)
    expect(chat.health().says).toMatch(/^not connected since \d\d:\d\d:\d\d UTC: /)
    expect(await slack.says('olga', 'show runs')).toBe(false)
    slack.heal()
    await until('it is back', () => chat.health().ok)
    await until('it was heard', () => rig.heard.length === 1)
    expect(chat.health().says).toBe('connected as signalbox to T0HOME')
  })

  test('cannot be made with a token that is no good: the house starts all the same, and says so', async () => {
    const { chat, log } = await start({ settings: { token: 'xoxb-wrong' } })
    expect(chat.health()).toMatchObject({ ok: false })
    expect(chat.health().says).toContain('invalid_auth')
    expect(log.join('\n')).not.toContain('xoxb-wrong')
  })

  test('cannot be made with an app token that is no good either, which is another thing to put right', async () => {
    const { chat } = await start({ settings: { appToken: 'xapp-wrong' } })
    expect(chat.health().says).toContain('the token of the app')
  })

  test('for another workspace than the site names is none', async () => {
    const { chat } = await start({ settings: { team: 'T0OTHER' } })
    expect(chat.health().says).toContain('the token is for the workspace T0HOME, and the site file names T0OTHER')
  })

  test('of an app that was removed is no connection any more', async () => {
    const { slack, chat } = await start()
    await slack.deliver(uninstalledEvent(slack.world))
    expect(chat.health()).toMatchObject({ ok: false })
    expect(chat.health().says).toContain('the app was removed from the workspace')
  })

  test('needs a way in: without any the chat cannot be made', async () => {
    const { slack } = await start()
    const { appToken: _, ...settings } = settingsFor(slack)
    expect(() => slackChat(settings, NOTHING)).toThrow('Slack has no way to reach the bot')
  })
})

test('what is kept of a delivery is its sentence, and nothing that Slack or a proxy put beside it', async () => {
  const { slack, heard } = await start()
  await slack.says('olga', 'show runs')
  await slack.says('olga', 'show runs', { via: 'command' })
  const fields: readonly (keyof Said)[] = ['id', 'text', 'by', 'at', 'when']
  for (const said of heard) for (const field of Object.keys(said)) expect(fields).toContain(field)
  expect(JSON.stringify(heard)).not.toMatch(/token|respond/)
})
