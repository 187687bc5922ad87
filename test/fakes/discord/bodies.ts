import { z } from 'zod'

/**
 * What Discord takes, with its documented limits: the doors of the fake. The vendor's own description is checked beside it, and does
 * not know all of them. Lengths are counted in UTF-16 units, which is never less than what Discord counts.
 */
const most = (n: number) => z.string().max(n)
const snowflake = z.string().regex(/^(0|[1-9]\d*)$/)

const Media = z.looseObject({ url: most(2048) })
export const Embed = z
  .looseObject({
    title: most(256).optional(),
    description: most(4096).optional(),
    url: most(2048).optional(),
    color: z.number().int().min(0).max(0xffffff).optional(),
    timestamp: z.string().optional(),
    author: z.looseObject({ name: most(256) }).optional(),
    footer: z.looseObject({ text: most(2048) }).optional(),
    image: Media.optional(),
    thumbnail: Media.optional(),
    fields: z
      .array(
        z.looseObject({ name: z.string().min(1).max(256), value: z.string().min(1).max(1024), inline: z.boolean().optional() }),
      )
      .max(25)
      .optional(),
  })
  .refine(embed => sizeOf(embed) > 0 || embed.image !== undefined, 'an embed without anything in it')
export type Embed = z.infer<typeof Embed>

function sizeOf(embed: {
  title?: string | undefined
  description?: string | undefined
  author?: { name: string } | undefined
  footer?: { text: string } | undefined
  fields?: readonly { name: string; value: string }[] | undefined
}): number {
  const texts = [embed.title, embed.description, embed.author?.name, embed.footer?.text]
  for (const { name, value } of embed.fields ?? []) texts.push(name, value)
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 0)
}

const LINK = 5
export const Button = z
  .looseObject({
    type: z.literal(2),
    style: z.number().int().min(1).max(5),
    label: z.string().min(1).max(80).optional(),
    custom_id: z.string().min(1).max(100).optional(),
    url: z.string().max(512).optional(),
    disabled: z.boolean().optional(),
    emoji: z.looseObject({ name: z.string().nullish() }).optional(),
  })
  .refine(one => one.label !== undefined || one.emoji !== undefined, 'a button without a label')
  .refine(one => (one.style === LINK ? one.url : one.custom_id) !== undefined, 'a button that leads nowhere')
export type Button = z.infer<typeof Button>

const Row = z.looseObject({ type: z.literal(1), components: z.array(Button).min(1).max(5) })
export type Row = z.infer<typeof Row>
const Rows = z.array(Row).max(5).refine(noTwins, 'two buttons with one custom_id')

function noTwins(rows: readonly { components: readonly { custom_id?: string | undefined }[] }[]): boolean {
  const ids = rows.flatMap(row => row.components.flatMap(one => (one.custom_id === undefined ? [] : [one.custom_id])))
  return new Set(ids).size === ids.length
}

const Mentions = z.looseObject({
  parse: z.array(z.string()).length(0, 'allowed_mentions.parse names somebody'),
  users: z.array(snowflake).max(100).optional(),
  roles: z.array(snowflake).max(100).optional(),
})

const common = {
  content: most(2000).nullish(),
  embeds: z
    .array(Embed)
    .max(10)
    .refine(embeds => embeds.reduce((sum, one) => sum + sizeOf(one), 0) <= 6000, 'more than 6000 characters in all embeds')
    .nullish(),
  components: Rows.nullish(),
  flags: z.number().int().nullish(),
  attachments: z
    .array(z.looseObject({ id: z.union([z.string(), z.number()]), filename: z.string().optional() }))
    .max(10)
    .nullish(),
  // Without it everybody whom a text names is pinged, so the fake takes no message without it.
  allowed_mentions: Mentions,
}

export const MessageBody = z.looseObject(common)
export type MessageBody = z.infer<typeof MessageBody>

export const NewMessage = z
  .looseObject({
    ...common,
    nonce: z.union([most(25), z.number().int()]).nullish(),
    enforce_nonce: z.boolean().nullish(),
    message_reference: z.looseObject({ message_id: snowflake }).nullish(),
  })
  .refine(one => one.enforce_nonce !== true || one.nonce != null, 'enforce_nonce without a nonce')
  // Discord would take it; a bot that may ring somebody whom it does not name has lost track of whom it rings.
  .refine(
    one => (one.allowed_mentions.users ?? []).every(id => one.content?.includes(`<@${id}>`)),
    'allowed_mentions.users names somebody whom the content does not',
  )

const TextInput = z.looseObject({
  type: z.literal(4),
  custom_id: z.string().min(1).max(100),
  style: z.union([z.literal(1), z.literal(2)]),
  label: z.string().min(1).max(45).nullish(),
  required: z.boolean().nullish(),
  placeholder: most(100).nullish(),
  value: most(4000).nullish(),
  min_length: z.number().int().min(0).max(4000).nullish(),
  max_length: z.number().int().min(1).max(4000).nullish(),
})
const Label = z.looseObject({
  type: z.literal(18),
  label: z.string().min(1).max(45),
  description: most(100).nullish(),
  component: TextInput,
})
const InputRow = z.looseObject({ type: z.literal(1), components: z.array(TextInput).length(1) })
const TextDisplay = z.looseObject({ type: z.literal(10), content: z.string().min(1).max(2000) })

export const Modal = z.looseObject({
  custom_id: z.string().min(1).max(100),
  title: z.string().min(1).max(45),
  components: z
    .array(z.union([InputRow, Label, TextDisplay]))
    .min(1)
    .max(5),
})
export type Modal = z.infer<typeof Modal>

const Choice = z.looseObject({ name: z.string().min(1).max(100), value: z.string().min(1).max(100) })
/** Messages, deferrals (which carry no text and so need no allowed_mentions), updates, choices and modals. */
export const Callback = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal(4), data: MessageBody }),
  z.looseObject({ type: z.literal(5), data: z.looseObject({ flags: z.number().int().nullish() }).nullish() }),
  z.looseObject({ type: z.literal(6) }),
  z.looseObject({ type: z.literal(7), data: MessageBody }),
  z.looseObject({ type: z.literal(8), data: z.looseObject({ choices: z.array(Choice).max(25) }) }),
  z.looseObject({ type: z.literal(9), data: Modal }),
])
export type Callback = z.infer<typeof Callback>

const Option = z.looseObject({
  type: z.number().int(),
  name: z.string().regex(/^[-_'\p{L}\p{N}]{1,32}$/u),
  description: z.string().min(1).max(100),
  required: z.boolean().optional(),
  autocomplete: z.boolean().optional(),
})
export const Commands = z
  .array(
    z.looseObject({
      name: z.string().min(1).max(32),
      type: z.number().int().min(1).max(4).optional(),
      description: most(100).optional(),
      options: z.array(Option).max(25).optional(),
      contexts: z.array(z.number().int()).nullish(),
      default_member_permissions: z.string().nullish(),
    }),
  )
  .max(130)
  .refine(all => all.every(one => (one.type ?? 1) !== 1 || (one.description ?? '') !== ''), 'a command without a description')
export type Commands = z.infer<typeof Commands>

export const NewThread = z.looseObject({
  name: z.string().min(1).max(100),
  auto_archive_duration: z.union([z.literal(60), z.literal(1440), z.literal(4320), z.literal(10080)]).nullish(),
})
export const NewDirect = z.looseObject({ recipient_id: snowflake })
