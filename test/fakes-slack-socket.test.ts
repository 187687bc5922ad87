import { describe, expect, test } from 'vitest'
import { type Arrived, button, clientOf, listens, ROOM, slack } from './fakes/slack/clients.ts'
import * as payloads from './fakes/slack/payloads.ts'
import { saidEvent } from './fakes/slack/payloads.ts'
import { slackSpec } from './fakes/slack/spec.ts'
import { pushedTime } from './fakes/workspace.ts'

describe('Socket Mode', () => {
  test('a mention, a command, a direct message and an opened home arrive, and are acknowledged', async () => {
    const fake = await slack()
    const heard: Arrived[] = []
    await listens(fake, arrived => {
      heard.push(arrived)
      return arrived.ack()
    })
    expect(await fake.says('olga', 'migrate <this> with @lee')).toBe(true)
    expect(await fake.says('olga', 'show runs', { via: 'command' })).toBe(true)
    expect(await fake.says('olga', 'help', { via: 'direct' })).toBe(true)
    expect(await fake.opensHome('olga')).toBe(true)
    const [mention, command, direct, home] = heard.map(({ body }) => body)
    expect(mention?.['event']).toMatchObject({
      type: 'app_mention',
      text: '<@U0SIGNALBOX> migrate &lt;this&gt; with <@U0LEE>',
      channel: ROOM,
    })
    expect(command).toMatchObject({ command: '/signalbox', text: 'show runs', user_id: 'U0OLGA', api_app_id: 'A0SIGNALBOX' })
    expect(direct?.['event']).toMatchObject({ type: 'message', channel_type: 'im', text: 'help' })
    expect(home?.['event']).toMatchObject({ type: 'app_home_opened', user: 'U0OLGA' })
  })

  test('an envelope that is not acknowledged is delivered again, at once, after a minute and after five', async () => {
    const time = pushedTime()
    const fake = await slack({ time })
    const heard: Arrived[] = []
    let more = () => {}
    await listens(fake, arrived => {
      heard.push(arrived)
      more()
    })
    const until = (count: number) =>
      new Promise<void>(done => {
        more = () => {
          if (heard.length >= count) done()
        }
        more()
      })
    const said = fake.says('olga', 'help')
    await until(1)
    time.push(3_000)
    expect(await said).toBe(false)
    await until(2)
    time.push(3_000)
    await Promise.resolve()
    await settled()
    time.push(60_000)
    await until(3)
    await heard[2]?.ack()
    expect(heard.map(({ retry_num }) => retry_num)).toEqual([0, 1, 2])
    expect(new Set(heard.map(({ body }) => body['event_id'])).size).toBe(1)
    expect(new Set(heard.map(({ envelope_id }) => envelope_id)).size).toBe(3)
  })

  test('the very same envelope can come twice with retry_attempt 0', async () => {
    const fake = await slack()
    const heard: Arrived[] = []
    await listens(fake, arrived => {
      heard.push(arrived)
      return arrived.ack()
    })
    const message = fake.writes('olga', 'help')
    const delivered = await fake.deliver(saidEvent(fake.world, message, 'app_mention'))
    expect((await delivered.again()).acked).toBe(true)
    expect(heard.map(({ retry_num }) => retry_num)).toEqual([0, 0])
    expect(heard[0]?.envelope_id).toBe(heard[1]?.envelope_id)
  })

  test('a press opens a dialog, the words go back, and what the bot objects to is shown', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const heard: Arrived[] = []
    await listens(fake, async arrived => {
      heard.push(arrived)
      if (arrived.body['type'] !== 'view_submission') {
        await arrived.ack()
        await client.views.open({
          trigger_id: String(arrived.body['trigger_id']),
          view: {
            type: 'modal',
            callback_id: 'words',
            title: { type: 'plain_text', text: 'Deny R7' },
            submit: { type: 'plain_text', text: 'Send' },
            blocks: [
              {
                type: 'input',
                block_id: 'why',
                label: { type: 'plain_text', text: 'Why?' },
                element: { type: 'plain_text_input', action_id: 'typed' },
              },
            ],
          },
        })
      } else if (heard.length < 3) await arrived.ack({ response_action: 'errors', errors: { why: 'That is no reason.' } })
      else await arrived.ack()
    })
    const { ts = '' } = await client.chat.postMessage({
      channel: ROOM,
      text: 'card',
      blocks: [{ type: 'actions', elements: [button('Deny') as never] }],
    })
    expect(fake.messages()[0]?.lines).toEqual(['[Deny]'])
    expect(await fake.presses('lee', ts, 'Deny', { words: 'because' })).toBe(true)
    expect(fake.forms().length).toBe(1)
    expect(fake.shown).toContain('That is no reason.')
    expect(await fake.submits(fake.forms()[0]?.id ?? '', 'the host is down')).toBe(true)
    expect(fake.forms()).toEqual([])
    expect(heard[0]?.body).toMatchObject({
      type: 'block_actions',
      user: { id: 'U0LEE' },
      message: { ts },
      actions: [{ value: 'Deny' }],
    })
    expect(heard[2]?.body).toMatchObject({ view: { state: { values: { why: { typed: { value: 'the host is down' } } } } } })
    await expect(fake.presses('lee', ts, 'Approve')).rejects.toThrow('there is no button Approve')
  })

  test('a connection that is to be refreshed is closed, and what was not acknowledged comes over the next one', async () => {
    const fake = await slack({ retries: [0, 50, 50, 50] })
    const first = await listens(fake, () => fake.misbehave({ how: 'disconnect' }))
    const gone = new Promise(done => void first.once('disconnected', done))
    const said = fake.says('olga', 'help')
    await gone
    expect(await said).toBe(false)
    const heard = new Promise<Arrived>(done => {
      void listens(fake, async arrived => {
        await arrived.ack()
        done(arrived)
      })
    })
    expect((await heard).body['event']).toMatchObject({ type: 'app_mention' })
  })

  test('an event is wrapped as Slack describes it', async () => {
    const { world, writes } = await slack()
    const message = writes('olga', 'help')
    const events = [
      payloads.saidEvent(world, message, 'app_mention'),
      payloads.saidEvent(world, message, 'message'),
      payloads.editedEvent(world, message, 'before'),
      payloads.deletedEvent(world, message),
      payloads.botMessageEvent(world, ROOM, 'help'),
      payloads.appMessageEvent(world, ROOM, 'U0LEE', 'help'),
      payloads.homeOpenedEvent(world, 'U0OLGA'),
      payloads.channelEvent(world, 'channel_shared', ROOM),
      payloads.userChangeEvent(world, 'olga'),
      payloads.revokedEvent(world),
      payloads.uninstalledEvent(world),
    ]
    expect(events.flatMap(({ payload }) => slackSpec().event(payload))).toEqual([])
    expect(new Set(events.map(({ payload }) => payload['event_id'])).size).toBe(events.length)
  })

  test('two connections share what comes, and one may be closed without the other', async () => {
    const fake = await slack()
    const heard: string[] = []
    for (const name of ['one', 'two'])
      await listens(fake, arrived => {
        heard.push(name)
        return arrived.ack()
      })
    await fake.says('olga', 'help')
    await fake.says('olga', 'help')
    expect(heard.sort()).toEqual(['one', 'two'])
    expect(fake.sockets.count()).toBe(2)
  })

  test('a lost acknowledgement is none', async () => {
    const fake = await slack({ patience: 50, retries: [0] })
    const heard: Arrived[] = []
    await listens(fake, arrived => {
      heard.push(arrived)
      return arrived.ack()
    })
    fake.misbehave({ how: 'drop acks', times: 1 })
    const delivered = await fake.deliver(saidEvent(fake.world, fake.writes('olga', 'help'), 'app_mention'))
    expect(delivered).toMatchObject({ acked: true, attempts: 2 })
    expect(heard.length).toBe(2)
  })
})

/** Everything that was already on its way over loopback has arrived. */
const settled = (): Promise<void> => new Promise(done => void setImmediate(() => setImmediate(done)))
