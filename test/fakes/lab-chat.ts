import type { House } from '../../src/house.ts'
import type { LabChat } from '../../src/lab/site.ts'
import type { Say } from '../../src/lab/transcript.ts'
import { type FakeDiscord, startFakeDiscord } from './discord/start.ts'
import { DEFAULTS as SLACK } from './slack/options.ts'
import { type FakeSlack, startFakeSlack } from './slack/start.ts'
import type { FakeTime, FakeWorkspace } from './workspace.ts'

/** The lab's people in a chat that is not ours: a fake of it, and what the site file says to be in it. */
export interface FakeLab {
  readonly fake: FakeWorkspace
  readonly chat: LabChat
  /** A person gives the slash command; resolves when the sentence has been answered. */
  say(house: House): Say
}

const SLACK_USERS = { operator: 'U0OPERATOR', lead: 'U0LEAD', deputy: 'U0DEPUTY', viewer: 'U0VIEWER', owner: 'U0OWNER' }
const DISCORD_USERS = {
  operator: '1100000000000000201',
  lead: '1100000000000000202',
  deputy: '1100000000000000203',
  viewer: '1100000000000000204',
  owner: '1100000000000000205',
}

interface Strictness {
  /** The vendors' own limits, as people meet them; without them a story need not wait for its turn. */
  readonly limits: 'real' | 'none'
  readonly port?: number
  readonly time?: FakeTime // what the chat's own clock shows
}

export async function slackLab({ limits, port, time }: Strictness): Promise<FakeLab & { readonly fake: FakeSlack }> {
  const fake = await startFakeSlack({
    people: Object.entries(SLACK_USERS).map(([name, id]) => ({ id, name })),
    channels: [{ id: 'C0STORAGE', name: 'storage', private: true }],
    tiers: limits === 'real' ? 1 : 'none',
    ...(port === undefined ? {} : { port }),
    ...(time === undefined ? {} : { time }),
  })
  const section = {
    token: SLACK.token,
    'app token': SLACK.appToken,
    team: SLACK.team,
    app: SLACK.app,
    channels: ['C0STORAGE'],
    api: fake.api,
  }
  return { fake, chat: { name: 'slack', users: SLACK_USERS, section }, say: said(fake, SLACK_USERS) }
}

export async function discordLab({ limits, port, time }: Strictness): Promise<FakeLab & { readonly fake: FakeDiscord }> {
  const fake = await startFakeDiscord({
    people: Object.entries(DISCORD_USERS).map(([name, id]) => ({ id, name })),
    channels: [{ id: '1100000000000000010', name: 'storage', private: true }],
    ...(limits === 'real' ? {} : { limits: 'none' as const }),
    ...(port === undefined ? {} : { port }),
    ...(time === undefined ? {} : { time }),
  })
  const section = {
    token: fake.token,
    application: fake.application,
    guild: fake.guild,
    channels: fake.channels.slice(0, 1),
    api: fake.api,
  }
  return { fake, chat: { name: 'discord', users: DISCORD_USERS, section }, say: said(fake, DISCORD_USERS) }
}

const said =
  (fake: FakeWorkspace, users: Readonly<Record<string, string>>): FakeLab['say'] =>
  house =>
  async (who, sentence, code) => {
    const user = users[who]
    if (user === undefined) throw new Error(`nobody here is called ${who}`)
    if (code !== undefined) {
      // A code is typed into a form, and a form comes from a button: that of the latest card that has it.
      const label = sentence.replace(/^(\w)(\w*) R\d+ /, (_, first: string, rest: string) => `${first.toUpperCase()}${rest} `)
      const card = fake.messages().findLast(({ buttons, deleted }) => !deleted && buttons.includes(label))
      if (!card) throw new Error(`no card has a button "${label}"`)
      if (!(await fake.presses(user, card.message, label, { channel: card.channel, words: code })))
        throw new Error(`the press of "${label}" was not acknowledged in time`)
      return house.answered()
    }
    if (!(await fake.says(user, sentence, { via: 'command' }))) throw new Error(`"${sentence}" was not acknowledged in time`)
    await house.answered()
  }
