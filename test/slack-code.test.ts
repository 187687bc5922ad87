import { afterEach, describe, expect, test } from 'vitest'
import { arrivalOf } from '../src/chat/slack/arrival.ts'
import type { Card } from '../src/domain/chat.ts'
import { type SlackRig, slackRig, WORK } from './fakes/given-slack.ts'
import { memoryInbox } from './fakes/memory-messages.ts'

let rig: SlackRig
afterEach(async () => {
  await rig.stop()
  expect(rig.slack.invalid).toEqual([])
})

/** Eight digits that no time and no id will have in it by chance. */
const CODE = '80402060'
const CARD: Card = {
  title: 'R7 migrate ora_data_01',
  tone: 'waiting',
  state: 'waits for cutover',
  lines: [],
  buttons: [
    { label: 'Approve', says: 'approve R7 cutover as 0123456789', words: { asks: 'Code of your second factor', code: true } },
    {
      label: 'Approve it',
      says: 'approve R7 cutover as 0123456789 because "..."',
      words: { asks: 'Code, then a note or a ticket', code: true },
    },
  ],
}
const card = async (): Promise<string> => {
  rig = await slackRig()
  return (await rig.chat.post(WORK, CARD, 'R7/card', 'answer')).message
}

/** Everything that our side has sent to Slack or shown, written to a log, or would have kept. */
async function left(): Promise<string> {
  const inbox = memoryInbox(() => 0)
  for (const said of rig.heard) await inbox.receive(said)
  const { ledger, shown, world } = rig.slack
  const views = [...world.views.values()].map(({ shape, errors }) => ({ shape, errors }))
  return JSON.stringify([ledger, shown, world.messages, views, rig.log, [...rig.counts], await inbox.unanswered(0)])
}

describe('a button that wants a code of the second factor', () => {
  test('asks for it in a form, and says its sentence with the code beside it', async () => {
    const message = await card()
    expect(await rig.slack.presses('lee', message, 'Approve', { words: CODE })).toBe(true)
    expect(rig.slack.shown).toContain('Code of your second factor')
    expect(rig.slack.shown).toContain('This says: approve R7 cutover')
    expect(rig.heard).toEqual([
      {
        id: expect.stringMatching(/^view:/),
        text: 'approve R7 cutover as 0123456789',
        by: 'slack:U0LEE',
        at: WORK,
        on: message,
        code: CODE,
      },
    ])
    expect(rig.slack.forms()).toEqual([])
  })

  test.each([
    ['in two halves, as an authenticator shows it', '493 817', '493817'],
    ['of eight digits', '12345678', '12345678'],
    ['with a blank at its end', '493817 ', '493817'],
  ])('takes one %s', async (_, words, code) => {
    const message = await card()
    await rig.slack.presses('lee', message, 'Approve', { words })
    expect(rig.heard.map(({ code, text }) => [code, text])).toEqual([[code, 'approve R7 cutover as 0123456789']])
  })

  test.each(['98760', '987605432', 'abcdef', '49a817', '-49381', '\u0664\u0669\u0663\u0668\u0661\u0667'])(
    'says what is wrong with %j in the form, does not repeat it, and says nothing',
    async words => {
      const message = await card()
      await rig.slack.presses('lee', message, 'Approve', { words })
      expect(rig.heard).toEqual([])
      const [form] = rig.slack.forms()
      expect(form?.errors).toEqual({ words: 'Nothing was done. Type the 6 to 8 digits of your code.' })
      expect(await left()).not.toContain(words)
      await rig.slack.submits(form?.id ?? '', CODE)
      expect(rig.heard.map(({ code }) => code)).toEqual([CODE])
    },
  )

  test('and a reason takes both in one field: the reason goes into the sentence, the code beside it', async () => {
    const message = await card()
    await rig.slack.presses('lee', message, 'Approve it', { words: CODE })
    expect(rig.heard).toEqual([])
    const [form] = rig.slack.forms()
    expect(form?.errors).toEqual({ words: 'Nothing was done. Type the 6 to 8 digits of your code, then a few words.' })
    await rig.slack.submits(form?.id ?? '', `${CODE} CHG0041`)
    expect(rig.heard.map(({ code, text }) => [code, text])).toEqual([
      [CODE, 'approve R7 cutover as 0123456789 because "CHG0041"'],
    ])
    expect(await left()).not.toContain(CODE)
  })

  test('leaves no trace of the code: not in what was sent, shown, logged or kept, whatever becomes of the sentence', async () => {
    const message = await card()
    await rig.slack.presses('lee', message, 'Approve', { words: CODE })
    rig.hearing.push(() => Promise.reject(new Error('the database is away')))
    await rig.slack.presses('ann', message, 'Approve', { words: CODE })
    await rig.slack.submits(rig.slack.forms()[0]?.id ?? '', CODE).catch(() => false)
    const [said] = rig.heard
    if (!said) throw new Error('nothing was heard')
    await rig.chat.whisper(said, { ...CARD, title: 'R7 wants another code.', where: { ...WORK, message } })
    await rig.chat.edit({ ...WORK, message }, CARD, 'answer')
    expect(rig.heard.length).toBeGreaterThan(1)
    expect(rig.heard.every(({ code }) => code === CODE)).toBe(true)
    expect(await left()).not.toContain(CODE)
  })

  test('takes no code for a button that wants none: it is a reason there, and a sentence has none', async () => {
    rig = await slackRig()
    const denial: Card = { ...CARD, buttons: [{ label: 'Deny', says: 'deny R7 because "..."', words: { asks: 'Why not?' } }] }
    const { message } = await rig.chat.post(WORK, denial, 'R7/card', 'answer')
    await rig.slack.presses('lee', message, 'Deny', { words: CODE })
    await rig.slack.says('lee', `approve R7 cutover ${CODE}`)
    expect(rig.heard.map(({ text, code }) => [text, code])).toEqual([
      [`deny R7 because "${CODE}"`, undefined],
      [`approve R7 cutover ${CODE}`, undefined],
    ])
  })

  test('is no button of ours when another app or another Signalbox made it', async () => {
    rig = await slackRig()
    const value = JSON.stringify({ says: 'approve R7', words: { asks: 'Code', code: true } })
    const press = (app: string): unknown => ({
      type: 'block_actions',
      api_app_id: app,
      team: { id: 'T0HOME' },
      user: { id: 'U0LEE', team_id: 'T0HOME' },
      trigger_id: '1.2.3',
      channel: { id: 'C0MIGRATIONS' },
      message: { ts: '1.1' },
      actions: [{ value, action_ts: '2.2' }],
    })
    const us = { app: 'A0SIGNALBOX', team: 'T0HOME' }
    expect(arrivalOf(press('A0STAGING'), us)).toEqual({ is: 'dropped', why: 'wrong-app' })
    // Of our own app it is heard as pressed on that very message, by which the engine knows that it is none of its cards.
    expect(arrivalOf(press('A0SIGNALBOX'), us)).toMatchObject({ is: 'asks', asking: { on: '1.1' } })
  })
})
