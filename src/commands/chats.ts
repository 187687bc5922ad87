import type { Command } from 'commander'
import { checkDiscord } from '../chat/discord/check.ts'
import { registerDiscord } from '../chat/discord/commands.ts'
import { checkSlack } from '../chat/slack/check.ts'
import { redactor } from '../kit/redact.ts'
import { loadAdapters } from '../registry.ts'
import type { Environment } from '../site/environment.ts'
import { readSite, type Site } from '../site/site.ts'
import { BadUse } from './bad-use.ts'

interface Finding {
  readonly ok: boolean
  readonly what: string
  readonly fix?: string
}

/** Commands about the chats of a site: whether they are set up as they have to be, and what to do where they are not. */
export function chats(program: Command, settings: () => Environment, done: (status: number) => void): void {
  const site = async (): Promise<Site> => {
    const environment = settings()
    if (environment.siteFile === undefined) throw new BadUse('Say which site: signalbox --site site.yaml slack check.')
    return readSite(environment.siteFile, await loadAdapters(), environment.variables)
  }
  const report = (findings: readonly Finding[], secrets: readonly string[]): void => {
    const redact = redactor(secrets)
    for (const { ok, what, fix } of findings)
      console.log(redact(`${ok ? 'ok ' : 'NO '} ${what}${fix === undefined ? '' : `\n     ${fix}`}`))
    const wrong = findings.filter(({ ok }) => !ok).length
    console.log(wrong === 0 ? 'Everything is as it has to be.' : `${wrong} of ${findings.length} are not as they have to be.`)
    if (wrong > 0) done(1)
  }

  const slack = program.command('slack').description('the Slack workspace of a site')
  slack
    .command('check')
    .description('tokens, scopes and channels: what is missing, and how to fix it; status 1 when something is')
    .action(async () => {
      const { chats, secrets } = await site()
      if (!chats.slack) throw new BadUse('The site file has no `slack` under `channels`; docs/slack.md says what to write.')
      report(await checkSlack(chats.slack), secrets)
    })

  const discord = program.command('discord').description('the Discord server of a site')
  discord
    .command('check')
    .description('token, permissions, channels and commands: what is missing, and how to fix it; status 1 when something is')
    .action(async () => {
      const { chats, secrets } = await site()
      if (!chats.discord) throw new BadUse('The site file has no `discord` under `channels`; docs/discord.md says what to write.')
      report(await checkDiscord(chats.discord), secrets)
    })
  discord
    .command('register')
    .description('make the slash command and the message command known to the server; again after an upgrade')
    .action(async () => {
      const { chats } = await site()
      if (!chats.discord) throw new BadUse('The site file has no `discord` under `channels`; docs/discord.md says what to write.')
      console.log(await registerDiscord(chats.discord))
    })
}
