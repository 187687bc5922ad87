import { afterEach, describe, expect, test } from 'vitest'
import { checkDiscord } from '../src/chat/discord/check.ts'
import type { Handle } from '../src/domain/ids.ts'
import { NotShown } from '../src/ports/chat.ts'
import { closeRooms, type Room, type RoomOptions, room } from './discord-room.ts'

afterEach(closeRooms)

const PEOPLE = [
  { id: '1100000000000000102', name: 'lee', roles: ['crew', 'leads'] },
  { id: '1100000000000000103', name: 'ann' },
  { id: '1100000000000000104', name: 'gus', kind: 'guest' as const },
  { id: '1100000000000000105', name: 'sam', kind: 'stranger' as const },
  { id: '1100000000000000106', name: 'otherbot', kind: 'bot' as const },
]
const open = (more: RoomOptions = {}): Promise<Room> => room({ idle: true, people: PEOPLE, groups: ['leads'], ...more })
const of = async ({ chat }: Room, user: string) => {
  const answer = await chat.membership?.(`discord:${user}` as Handle)
  return answer && [answer.active, [...answer.groups]]
}
const asked = ({ fake }: Room): number => fake.ledger.filter(({ method }) => method.endsWith('/members/{user_id}')).length

describe('who is still one of us, and in which roles', () => {
  test('is what Discord says, in a process that hears nobody too; only roles that the site names are told', async () => {
    const here = await open()
    expect(await of(here, here.fake.person('lee'))).toEqual([true, [here.fake.role('leads')]])
    expect(await of(here, here.fake.person('ann'))).toEqual([true, []])
    for (const name of ['gus', 'sam', 'otherbot']) expect(await of(here, here.fake.person(name)), name).toEqual([false, []])
    expect(await of(here, '1100000000000000999')).toEqual([false, []])
    expect(here.fake.invalid).toEqual([])
  })

  test('of whom a role was taken, and of whom has left, is over within a minute, and no sooner asked again', async () => {
    const here = await open()
    const lee = here.fake.person('lee')
    const leads = here.fake.role('leads')
    expect(await of(here, lee)).toEqual([true, [leads]])
    here.fake.has('lee', ['crew'])
    here.time.push(59_000)
    expect(await of(here, lee)).toEqual([true, [leads]])
    expect(asked(here)).toBe(1)
    here.time.push(1_001)
    expect(await of(here, lee)).toEqual([true, []])
    here.fake.leaves('lee')
    here.time.push(60_001)
    expect(await of(here, lee)).toEqual([false, []])
  })

  test('takes one call for each account and minute, and none beside that of standing', async () => {
    const here = await open()
    const lee = here.fake.person('lee')
    await Promise.all(Array.from({ length: 10 }, () => of(here, lee)))
    const said = { id: '1', text: 'x', by: `discord:${lee}` as Handle, at: here.at }
    expect(await here.chat.standing(said)).toEqual({ speaker: 'member', place: 'work', workspace: here.fake.guild })
    expect(asked(here)).toBe(1)
  })

  test('is not guessed when Discord cannot be asked and the last answer is older than a minute', async () => {
    const here = await open()
    const lee = here.fake.person('lee')
    const leads = here.fake.role('leads')
    expect(await of(here, lee)).toEqual([true, [leads]])
    here.fake.misbehave({ how: 'fail', to: /members/ })
    expect(await of(here, lee)).toEqual([true, [leads]])
    here.time.push(60_001)
    await expect(of(here, lee)).rejects.toThrow(NotShown)
    here.fake.heal()
    expect(await of(here, lee)).toEqual([true, [leads]])
  })
})

test('the check complains of a role that is not there, and of the one that everybody has', async () => {
  const { fake } = await open()
  const { token, application, guild, api, channels } = fake
  const groups = [fake.role('leads'), '1100000000000000999', guild]
  const settings = { token, application, guild, api, channels: channels.slice(0, 1), groups, publicChannels: false }
  const found = (await checkDiscord(settings)).filter(({ what }) => / role /.test(what))
  expect(found.map(({ ok, what }) => [ok, what])).toEqual([
    [true, 'the role @leads is there'],
    [false, "there is no role 1100000000000000999, so what it gives is nobody's"],
    [false, 'the site file names the role @everyone as a group'],
  ])
})
