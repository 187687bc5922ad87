import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { slackChat } from '../src/chat/slack/slack.ts'
import { openLanes } from '../src/outbox/open-lanes.ts'
import { CARD, type SlackRig, settingsFor, slackRig, until, WORK } from './fakes/given-slack.ts'
import type { Delivery } from './fakes/slack/delivery.ts'
import { appMessageEvent, botMessageEvent, editedEvent, saidEvent } from './fakes/slack/payloads.ts'
import { formOf, signatureOf } from './fakes/slack/signed-http.ts'
import { startFakeSlack } from './fakes/slack/start.ts'

const SECRET = 'the-signing-secret'
let rig: SlackRig
let url = ''
beforeEach(async () => {
  rig = await slackRig({ fake: { retries: [] }, settings: { http: { port: 0, signingSecret: SECRET } } })
  const port = /listens on 127\.0\.0\.1:(\d+)/.exec(rig.chat.health().says)?.[1]
  url = `http://127.0.0.1:${port}/slack/events`
  rig.slack.serve({ url, signingSecret: SECRET })
})
afterEach(async () => {
  await rig.stop()
  expect(rig.slack.invalid).toEqual([])
  expect(rig.log.join('\n')).not.toContain(SECRET)
})

const now = () => Math.floor(Date.now() / 1000)
const mention = (text = 'show runs'): Delivery => saidEvent(rig.slack.world, rig.slack.writes('olga', text), 'app_mention')
const counts = () => Object.fromEntries(rig.counts)

describe('the eleven deliveries that Bolt lets through: how often each begins something', () => {
  /** Who may act is the engine's to say: what comes with a mark, it drops. Here it counts as heard when it is a sentence of a person. */
  const begun = () => new Set(rig.heard.filter(({ machine, edits }) => !machine && edits === undefined).map(({ id }) => id)).size

  test('a fresh message: once', async () => {
    expect(await rig.slack.deliver(mention())).toMatchObject({ status: 200 })
    expect([begun(), rig.heard.length]).toEqual([1, 1])
  })

  test('the same bytes again: not even heard', async () => {
    const first = await rig.slack.deliver(mention())
    expect(await first.again()).toMatchObject({ status: 200 })
    expect([begun(), rig.heard.length]).toEqual([1, 1])
    expect(counts()).toEqual({ replay: 1 })
  })

  test('from an hour ahead: turned away', async () => {
    expect(await rig.slack.deliver(mention(), { timestamp: now() + 3600 })).toMatchObject({ status: 401 })
    expect([begun(), counts()]).toEqual([0, { stale: 1 }])
  })

  test('six minutes old: turned away', async () => {
    expect(await rig.slack.deliver(mention(), { timestamp: now() - 360 })).toMatchObject({ status: 401 })
    expect([begun(), counts()]).toEqual([0, { stale: 1 }])
  })

  test('the same event, said to be a retry: heard again under the same name', async () => {
    const delivery = mention()
    await rig.slack.deliver(delivery)
    await rig.slack.deliver(delivery, { retry: 1, timestamp: now() - 1 })
    expect([begun(), rig.heard.length]).toEqual([1, 2])
  })

  test('a retry whose first delivery was lost: once', async () => {
    await rig.slack.deliver(mention(), { retry: 1 })
    expect(begun()).toBe(1)
  })

  test('of another bot: never', async () => {
    await rig.slack.deliver(botMessageEvent(rig.slack.world, rig.slack.world.direct('U0OLGA').id, 'show runs'))
    expect([begun(), rig.heard.length]).toEqual([0, 1])
  })

  test('of an app with the token of a person: never', async () => {
    await rig.slack.deliver(appMessageEvent(rig.slack.world, 'C0MIGRATIONS', 'U0LEE', '<@U0SIGNALBOX> show runs'))
    expect([begun(), rig.heard.length]).toEqual([0, 1])
  })

  test('an edit: never', async () => {
    const message = rig.slack.writes('olga', 'cancel R1')
    await rig.slack.deliver(editedEvent(rig.slack.world, message, '<@U0SIGNALBOX> show runs'))
    expect([begun(), rig.heard.length]).toEqual([0, 1])
  })

  test('of somebody of another organisation, in a channel that is shared: not heard', async () => {
    expect(await rig.slack.says('sam', 'show runs', { channel: 'with-the-vendor' })).toBe(true)
    const quietly = saidEvent(rig.slack.world, rig.slack.writes('sam', 'show runs'), 'app_mention')
    expect(await rig.slack.deliver(quietly)).toMatchObject({ status: 200 })
    expect([rig.heard, counts()]).toEqual([[], { shared: 1, foreign: 1 }])
  })

  test('a press by somebody of another organisation: not heard; a press that comes twice: heard under one name', async () => {
    const { message } = await rig.chat.post(
      WORK,
      { ...CARD, buttons: [{ label: 'Approve', says: 'approve R1' }] },
      'R1/card',
      'answer',
    )
    expect(await rig.slack.presses('sam', message, 'Approve')).toBe(true)
    expect([rig.heard, counts()]).toEqual([[], { foreign: 1 }])
    expect(await rig.slack.presses('lee', message, 'Approve')).toBe(true)
    expect(begun()).toBe(1)
  })
})

describe('a request that Slack has not signed', () => {
  const right = (body: string, at = String(now())) => ({ time: at, signature: signatureOf(SECRET, at, body) })

  test.each<readonly [string, (signature: string) => string | readonly string[]]>([
    ['without a signature', () => ''],
    ['with half a signature', signature => signature.slice(0, 40)],
    ['with one letter of it changed', signature => signature.slice(0, -1) + (signature.endsWith('0') ? '1' : '0')],
    ['in capitals', signature => signature.toUpperCase()],
    ['of another version', signature => signature.replace('v0', 'v1')],
    ['with something after it', signature => `${signature}=x`],
    ['with two of them', signature => [signature, signature]],
    ['with a right one among wrong ones', signature => ['v0=0', signature]],
  ])('%s is turned away, and nothing of it is heard', async (_, spoilt) => {
    const body = formOf(mention())
    const { time, signature } = right(body)
    const { status } = await rig.slack.deliver(mention(), { body, timestamp: Number(time), signature: spoilt(signature) })
    expect(status).toBe(401)
    expect([rig.heard, counts()]).toEqual([[], { 'bad-signature': 1 }])
  })

  test('but somebody else, or whose body was changed on its way, is turned away', async () => {
    expect(await rig.slack.deliver(mention(), { secret: 'another secret' })).toMatchObject({ status: 401 })
    const body = formOf(mention())
    const { time, signature } = right(body)
    const altered = body.replace('show runs', 'show all!')
    expect(await rig.slack.deliver(mention(), { body: altered, timestamp: Number(time), signature })).toMatchObject({
      status: 401,
    })
    expect([rig.heard, counts()]).toEqual([[], { 'bad-signature': 2 }])
  })

  test('with the time in another spelling is turned away: the window cannot be talked round', async () => {
    for (const time of ['1e12', '-1', ' ', '0x10', `${now()}.5`, 'NaN'])
      expect(await rig.slack.deliver(mention(), { headers: { 'x-slack-request-timestamp': time } }), time).toMatchObject({
        status: 401,
      })
    expect([rig.heard, counts()]).toEqual([[], { 'bad-signature': 6 }])
  })

  test('in pieces of unknown length is refused before it is read', async () => {
    const body = formOf(mention())
    const { time, signature } = right(body)
    const headers = {
      'content-type': 'application/json',
      'x-slack-request-timestamp': time,
      'x-slack-signature': signature,
      'transfer-encoding': 'chunked',
    }
    expect(await sent(headers, body)).toBe(411)
    expect(rig.heard).toEqual([])
  })

  test('that is too large is refused before it is read', async () => {
    const headers = {
      'content-type': 'application/json',
      'content-length': '1000001',
      ...{ 'x-slack-request-timestamp': '1', 'x-slack-signature': 'v0=0' },
    }
    expect(await sent(headers, '')).toBe(413)
    expect(counts()).toEqual({ 'too-large': 1 })
  })

  test('cannot hide a sentence in the probe of the certificate, which needs no signature', async () => {
    const payload = encodeURIComponent(JSON.stringify(mention().payload))
    const body = `ssl_check=1&payload=${payload}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) }
    expect(await sent(headers, body)).toBe(200)
    expect(rig.heard).toEqual([])
  })

  test('can only be told from others with a secret: an empty one makes no chat', async () => {
    const slack = await startFakeSlack()
    const lanes = openLanes({ now: () => 0, timer: () => ({ cancel() {} }) })
    const parts = { lanes, count() {}, clock: { now: () => 0 }, log() {} }
    for (const signingSecret of ['', '  '])
      expect(() => slackChat(settingsFor(slack, { http: { port: 0, signingSecret } }), parts)).toThrow(
        'signing secret of the Slack app is empty',
      )
    await slack.stop()
  })

  const sent = (headers: Readonly<Record<string, string>>, body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const req = request(url, { method: 'POST', headers, agent: false }, response => {
        response.resume()
        resolve(response.statusCode ?? 0)
        req.destroy()
      })
      req.on('error', reject)
      if (body === '') req.flushHeaders()
      else req.end(body)
    })
})

describe('over HTTP', () => {
  test('what could not be written down is answered with 503, so that Slack sends it again; the very same request is then no replay', async () => {
    rig.hearing.push(() => Promise.reject(new Error('the database is away')))
    const first = await rig.slack.deliver(mention())
    expect(first.status).toBe(503)
    expect(await first.again()).toMatchObject({ status: 200 })
    expect(rig.inbox.size).toBe(1)
  })

  test('what is not written down within three seconds is answered with 503, and counts when it is', async () => {
    let go = (): void => {}
    rig.hearing.push(
      () =>
        new Promise(resolve => {
          go = resolve
        }),
    )
    const { status } = await rig.slack.deliver(mention(), { retries: false })
    expect(status === 503 || status === undefined).toBe(true)
    go()
    await until('it is written down', () => rig.inbox.size === 1)
    expect(await rig.slack.says('olga', 'show targets')).toBe(true)
  })

  test('a delivery for another app is turned away', async () => {
    const { kind, payload } = mention()
    expect(await rig.slack.deliver({ kind, payload: { ...payload, api_app_id: 'A0OTHER' } })).toMatchObject({ status: 401 })
    expect([rig.heard, counts()]).toEqual([[], { 'wrong-app': 1 }])
  })

  test('commands, presses and forms work as over a socket', async () => {
    expect(await rig.slack.says('olga', 'show runs', { via: 'command' })).toBe(true)
    const buttons = [{ label: 'Deny', says: 'deny R1 because "..."', words: { asks: 'Why not?' } }]
    const { message } = await rig.chat.post(WORK, { ...CARD, buttons }, 'R1/card', 'answer')
    expect(await rig.slack.presses('lee', message, 'Deny', { words: 'too early' })).toBe(true)
    expect(rig.heard.map(({ text }) => text)).toEqual(['show runs', 'deny R1 because "too early"'])
    expect(rig.chat.health()).toMatchObject({ ok: true })
  })

  test('when the port is taken, starting says so', async () => {
    const port = Number(new URL(url).port)
    await expect(slackRig({ settings: { http: { port, signingSecret: SECRET } } })).rejects.toThrow(`127.0.0.1:${port}`)
  })
})
