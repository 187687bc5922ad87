import { afterEach, describe, expect, test } from 'vitest'
import { checkSlack } from '../src/chat/slack/check.ts'
import { leastScopes } from '../src/chat/slack/scopes.ts'
import type { Handle } from '../src/domain/ids.ts'
import { NotShown } from '../src/ports/chat.ts'
import { type RigOptions, type SlackRig, settingsFor, slackRig } from './fakes/given-slack.ts'
import { userChangeEvent } from './fakes/slack/payloads.ts'

let rig: SlackRig
afterEach(async () => {
  await rig.stop()
  expect(rig.slack.invalid).toEqual([])
  expect(rig.slack.unlike).toEqual([])
})
const GROUPS = ['S0LEADS', 'S0OLD', 'S0NONE']
const start = async ({ fake = {}, settings }: RigOptions = {}): Promise<SlackRig> => {
  rig = await slackRig({ idle: true, fake, settings: { groups: GROUPS, ...settings } })
  return rig
}
const of = async (user: string) => {
  const answer = await rig.chat.membership?.(`slack:${user}` as Handle)
  return answer && [answer.active, [...answer.groups]]
}
const asked = (method: string): number => rig.slack.ledger.filter(one => one.method === method).length
const notShown = (doing: Promise<unknown>): Promise<NotShown> =>
  doing.then(
    () => expect.unreachable('it should not be known'),
    (error: unknown) => (error instanceof NotShown ? error : expect.unreachable(String(error))),
  )

describe('who is still one of us, and in which groups', () => {
  test('is what Slack says, in a process that hears nobody too', async () => {
    await start()
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    expect(await of('U0OLGA')).toEqual([true, []])
    for (const user of ['U0GUS', 'U0SAM', 'U0GONE', 'U0OTHERBOT', 'U0NOBODY']) expect(await of(user), user).toEqual([false, []])
  })

  test('of an account that is deactivated, or taken out of a group, is over within a minute, and no sooner asked again', async () => {
    const { slack, clock } = await start()
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    slack.world.groups.get('S0LEADS')?.users.delete('U0LEE')
    slack.deactivated('ann')
    expect(await of('U0ANN')).toEqual([false, []])
    clock.ahead += 59_000
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    clock.ahead += 1_001
    expect(await of('U0LEE')).toEqual([true, []])
    slack.deactivated('lee')
    clock.ahead += 60_001
    expect(await of('U0LEE')).toEqual([false, []])
  })

  test('is known at once where Slack tells of it', async () => {
    rig = await slackRig({ settings: { groups: GROUPS } })
    const { slack } = rig
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    slack.deactivated('lee')
    await slack.deliver(userChangeEvent(slack.world, 'U0LEE'))
    expect(await of('U0LEE')).toEqual([false, []])
  })

  test('takes one call for each group and minute, however many ask', async () => {
    const { clock } = await start()
    await Promise.all(Array.from({ length: 20 }, (_, n) => of(n % 2 ? 'U0LEE' : 'U0ANN')))
    expect([asked('usergroups.users.list'), asked('users.info')]).toEqual([GROUPS.length, 2])
    clock.ahead += 60_001
    await Promise.all([of('U0LEE'), of('U0ANN'), of('U0OLGA')])
    expect(asked('usergroups.users.list')).toBe(2 * GROUPS.length)
  })

  test('is not guessed when Slack cannot be asked and the last answer is older than a minute', async () => {
    const { slack, clock } = await start({ settings: { groups: ['S0LEADS'] } })
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    slack.misbehave({ how: 'fail', to: 'usergroups.users.list' })
    clock.ahead += 59_000
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    clock.ahead += 1_001
    expect((await notShown(of('U0LEE'))).how).toBe('later')
    slack.heal()
    expect(await of('U0LEE')).toEqual([true, ['S0LEADS']])
    slack.misbehave({ how: 'vanish' })
    clock.ahead += 60_001
    expect((await notShown(of('U0LEE'))).how).toBe('later')
  })

  test('cannot be asked without the scope, and nobody is in anything for that', async () => {
    await start({ fake: { scopes: [...leastScopes({ publicChannels: false }).keys()] } })
    expect((await notShown(of('U0LEE'))).message).toContain('missing_scope (usergroups:read)')
  })

  test('needs neither call nor scope where the site names no group', async () => {
    await start({ settings: { groups: [] }, fake: { scopes: [...leastScopes({ publicChannels: false }).keys()] } })
    expect(await of('U0LEE')).toEqual([true, []])
    expect(asked('usergroups.users.list')).toBe(0)
  })

  test('a sentence says in which workspace it was said', async () => {
    await start()
    const said = { id: '1', text: 'x', by: 'slack:U0LEE' as Handle, at: { chat: 'slack', channel: 'C0MIGRATIONS' } }
    expect(await rig.chat.standing(said)).toEqual({ speaker: 'member', place: 'work', workspace: 'T0HOME' })
  })
})

describe('the check of the groups', () => {
  const findings = async (groups: readonly string[], scopes: readonly string[]) => {
    await start({ fake: { scopes } })
    return checkSlack(settingsFor(rig.slack, { channels: ['C0MIGRATIONS'], groups }))
  }
  const ALL = [...leastScopes({ publicChannels: false, groups: ['S1'] }).keys()]
  const BARE = ALL.filter(scope => scope !== 'usergroups:read')

  test('complains of one that is not there, that is disabled, and that is empty', async () => {
    const found = await findings(['S0LEADS', ...GROUPS.slice(1), 'S0EMPTY'], ALL)
    expect(found.slice(-4).map(({ ok, what }) => [ok, what])).toEqual([
      [true, 'The user group @leads (S0LEADS) is there, with 2 people in it.'],
      [false, "The user group @old-leads (S0OLD) is disabled, so the role that it gives is nobody's."],
      [false, "There is no user group S0NONE, so the role that it gives is nobody's."],
      [false, 'Nobody is in the user group @s0empty (S0EMPTY).'],
    ])
    for (const { ok, fix } of found) expect(ok === false).toBe(fix !== undefined)
  })

  test('asks for its scope where the site names a group, and not where it names none', async () => {
    const wrong = (await findings(['S0LEADS'], BARE)).filter(({ ok }) => !ok).map(({ what }) => what)
    expect(wrong).toEqual([
      'The scope usergroups:read is missing: it is needed to see who is in the user groups that give roles.',
      'The user groups cannot be seen: Slack does not do usergroups.list: missing_scope (usergroups:read).',
    ])
    await rig.stop()
    expect((await findings([], BARE)).filter(({ ok }) => !ok)).toEqual([])
    expect(asked('usergroups.list')).toBe(0)
  })
})
