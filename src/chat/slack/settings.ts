/** What the site file says of its Slack workspace. */
export interface SlackSettings {
  readonly token: string // of the bot, xoxb-...
  readonly appToken?: string // xapp-...: for Socket Mode, the default
  readonly http?: SlackHttp // instead of Socket Mode
  readonly team: string // T...: the home workspace; whoever belongs to another one is foreign
  readonly app: string // A...: our app; what is meant for another one is refused
  readonly channels: readonly string[] // C... or G...: where work is asked for and approved
  readonly groups?: readonly string[] // S...: the user groups that give roles
  readonly publicChannels: boolean // may a listed channel be one that anybody may join
  readonly api: string // 'https://slack.com/api/' unless the site says otherwise
}

export interface SlackHttp {
  readonly port: number
  readonly signingSecret: string
  readonly host?: string
}

/** The chat's name, in places and before handles. */
export const SLACK = 'slack'
