import { Commands } from './bodies.ts'
import { sees } from './permissions.ts'
import { type Call, type House, No, ok, plain, type Route, route } from './routes.ts'
import { channelOf, guildOf, memberOf, placesOf, rolesOf, userOf } from './wire.ts'
import type { World } from './world.ts'

const GUILD = '/guilds/{guild_id}'
const COMMANDS = '/applications/{application_id}/guilds/{guild_id}/commands'

/** A command as it stands in the guild. */
export type Registered = Commands[number] & { readonly id: string }

/** What a person's client offers: `sight` is what `GET` of the gateway says of starts. */
export function guildRoutes(registered: Registered[], starts: () => object): readonly Route[] {
  return [
    plain('GET', '/gateway/bot', () => ok(starts())),
    plain('GET', '/users/@me', house =>
      ok({ ...userOf(house.world.bot), mfa_enabled: true, locale: 'en-US', verified: true, bot: true }),
    ),
    plain('GET', '/applications/@me', house => ok(applicationOf(house.world))),
    plain('GET', '/oauth2/applications/@me', house => ok(applicationOf(house.world))),
    plain('GET', '/users/@me/guilds', house => ok(house.world.bot.member ? [partialGuild(house.world)] : [])),
    plain('GET', GUILD, (house, call) => ok(guildOf(inside(house, call)))),
    plain('GET', `${GUILD}/channels`, (house, call) => {
      const world = inside(house, call)
      return ok(placesOf(world).map(channel => channelOf(world, channel)))
    }),
    plain('GET', `${GUILD}/roles`, (house, call) => ok(rolesOf(inside(house, call)))),
    plain('GET', `${GUILD}/threads/active`, (house, call) => {
      const world = inside(house, call)
      const threads = [...world.channels.values()].filter(
        one => one.kind === 'thread' && !one.locked && sees(world, world.bot, one),
      )
      return ok({ threads: threads.map(one => channelOf(world, one)), members: [], has_more: false })
    }),
    plain('GET', `${GUILD}/members/{user_id}`, (house, call) => {
      const world = inside(house, call)
      const id = call.path['user_id']
      const user = world.users.get(id === '@me' ? world.bot.id : (id ?? ''))
      if (!user) throw new No(404, 10013, 'Unknown User')
      if (!user.member) throw new No(404, 10007, 'Unknown Member')
      return ok(memberOf(user))
    }),
    plain('GET', COMMANDS, (house, call) => {
      ours(house, call)
      return ok(registered.map(one => commandOf(house.world, one)))
    }),
    route('PUT', COMMANDS, Commands, (house, call, body) => {
      ours(house, call)
      registered.splice(0, registered.length, ...body.map(one => ({ ...one, id: house.world.snowflake() })))
      return ok(registered.map(one => commandOf(house.world, one)))
    }),
  ]
}

function inside({ world }: House, call: Call): World {
  if (call.path['guild_id'] !== world.guild) throw new No(404, 10004, 'Unknown Guild')
  if (!world.bot.member) throw new No(403, 50001, 'Missing Access')
  return world
}

function ours(house: House, call: Call): void {
  if (call.path['application_id'] !== house.world.application) throw new No(404, 10002, 'Unknown Application')
  inside(house, call)
}

const partialGuild = (world: World): object => ({
  id: world.guild,
  name: 'Data centre operations',
  icon: null,
  banner: null,
  owner: false,
  permissions: `${world.roles.reduce((all, role) => all | role.permissions, 0n)}`,
  features: [],
})

const commandOf = (world: World, { type = 1, description = '', ...one }: Registered): object => ({
  ...one,
  type,
  description,
  application_id: world.application,
  guild_id: world.guild,
  version: one.id,
  default_member_permissions: one.default_member_permissions ?? null,
})

const applicationOf = (world: World): object => ({
  id: world.application,
  name: 'signalbox',
  icon: null,
  description: '',
  type: null,
  bot: userOf(world.bot),
  bot_public: false,
  bot_require_code_grant: false,
  verify_key: '00'.repeat(32),
  flags: 0,
  flags_new: '0',
  redirect_uris: [],
  interactions_endpoint_url: null,
  role_connections_verification_url: null,
  owner: { ...userOf(world.bot), id: '1', username: 'owner' },
  approximate_guild_count: 1,
  approximate_user_install_count: 0,
  approximate_user_authorization_count: 0,
  explicit_content_filter: 0,
  team: null,
  eligible_oauth2_scopes: [],
})

/** Our own commands, where a test is not about registering them. */
export const OURS: readonly Registered[] = [
  {
    id: '1100000000000000201',
    name: 'signalbox',
    type: 1,
    description: 'Say a sentence to Signalbox',
    options: [{ type: 3, name: 'say', description: 'The sentence', required: true, autocomplete: true }],
  },
  { id: '1100000000000000202', name: 'Show run', type: 3 },
]
