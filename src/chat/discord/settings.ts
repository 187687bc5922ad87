/** What the site file says of its Discord guild. Ids are snowflakes, as "Copy ID" gives them. */
export interface DiscordSettings {
  readonly token: string // of the bot
  readonly application: string
  readonly guild: string // ours; whatever comes from another one is not heard
  readonly channels: readonly string[] // where work is asked for and approved
  readonly groups?: readonly string[] // roles of the guild that give roles here
  readonly publicChannels: boolean // may a listed channel be one that everybody in the guild sees
  readonly api: string // 'https://discord.com/api' unless the site says otherwise
}

/** The chat's name, in places and before handles. */
export const DISCORD = 'discord'
/** Of Discord's API. */
export const VERSION = '10'
