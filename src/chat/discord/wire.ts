import { z } from 'zod'

/** What Discord sends, as far as we read it. Everything else in it is dropped at this door. */
const Snowflake = z.string().regex(/^\d{1,20}$/)
const User = z.object({ id: Snowflake, bot: z.boolean().optional(), system: z.boolean().optional() })
const Member = z.object({ user: User.optional(), pending: z.boolean().optional() })

/** Threads say in which channel they are. */
export const Channel = z.object({ id: Snowflake, type: z.number(), parent_id: Snowflake.nullish() })
export const THREADS: ReadonlySet<number> = new Set([10, 11, 12])
export const DIRECT: ReadonlySet<number> = new Set([1, 3])

const Embed = z.object({
  title: z.string().nullish(),
  footer: z.object({ text: z.string() }).nullish(),
})

export const Message = z.object({
  id: Snowflake,
  channel_id: Snowflake,
  guild_id: Snowflake.optional(),
  author: User.optional(),
  content: z.string().optional(),
  edited_timestamp: z.string().nullish(),
  webhook_id: Snowflake.nullish(),
  application_id: Snowflake.nullish(),
  embeds: z.array(Embed).optional(),
})
export type Message = z.infer<typeof Message>

const Option = z.object({
  name: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]).optional(),
  focused: z.boolean().optional(),
})

/** A form's fields lie in rows or in labels, depending on its age. */
const Field = z.object({ type: z.number(), custom_id: z.string().optional(), value: z.string().optional() })
const Part = z.object({ component: Field.optional(), components: z.array(Field).optional() })

export const Interaction = z.object({
  id: Snowflake,
  application_id: Snowflake,
  type: z.number(),
  token: z.string().min(1),
  guild_id: Snowflake.nullish(),
  channel: Channel.optional(),
  channel_id: Snowflake.nullish(),
  member: Member.optional(),
  user: User.optional(),
  message: Message.optional(),
  data: z
    .object({
      name: z.string().optional(),
      type: z.number().optional(),
      options: z.array(Option).optional(),
      target_id: Snowflake.optional(),
      resolved: z.object({ messages: z.record(z.string(), Message).optional() }).optional(),
      custom_id: z.string().optional(),
      components: z.array(Part).optional(),
    })
    .optional(),
})
export type Interaction = z.infer<typeof Interaction>

export const Deleted = z.object({ id: Snowflake, channel_id: Snowflake, guild_id: Snowflake.optional() })
export const Ready = z.object({
  user: z.object({ id: Snowflake, username: z.string() }),
  guilds: z.array(z.object({ id: Snowflake })),
})
export const Guild = z.object({ id: Snowflake, unavailable: z.boolean().optional() })

/** What the API answers. */
export const Posted = z.object({ id: Snowflake, channel_id: Snowflake })
export const Messages = z.array(Message)
export const Named = z.object({ id: Snowflake })

const Overwrite = z.object({ id: Snowflake, type: z.number(), allow: z.string(), deny: z.string() })
export const Place = Channel.extend({
  name: z.string().nullish(),
  guild_id: Snowflake.nullish(),
  permission_overwrites: z.array(Overwrite).optional(),
})
export type Place = z.infer<typeof Place>
export const Roles = z.array(z.object({ id: Snowflake, name: z.string(), permissions: z.string() }))
export type Roles = z.infer<typeof Roles>
export const GuildMember = Member.extend({ roles: z.array(Snowflake), flags: z.number().optional() })
/** In a member's flags: somebody who was invited as a guest, for one voice channel. */
export const GUEST = 1 << 4

export const Commands = z.array(
  z.object({
    name: z.string(),
    type: z.number().optional(),
    description: z.string().optional(),
    contexts: z.array(z.number()).nullish(),
    options: z
      .array(
        z.object({
          type: z.number(),
          name: z.string(),
          description: z.string(),
          required: z.boolean().optional(),
          autocomplete: z.boolean().optional(),
          max_length: z.number().optional(),
        }),
      )
      .optional(),
  }),
)
export type Commands = z.infer<typeof Commands>
export const Application = z.object({
  id: Snowflake,
  flags: z.number().optional(),
  bot_public: z.boolean().optional(),
  interactions_endpoint_url: z.string().nullish(),
})
export type Application = z.infer<typeof Application>
