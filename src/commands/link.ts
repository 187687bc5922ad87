import type { Command } from 'commander'
import type { Card } from '../domain/chat.ts'
import type { Person } from '../domain/ids.ts'
import { everyLink, type LinkParts, sever, vouch } from '../engine/links.ts'
import { loadAdapters } from '../registry.ts'
import { KEY_VARIABLE, sealKey } from '../seal/key-file.ts'
import { openSeal } from '../seal/seal.ts'
import { dataFolder, type Environment } from '../site/environment.ts'
import { BadUse } from './bad-use.ts'
import { openDatabase } from './database.ts'
import { siteFor } from './sites.ts'

/** What the commands about links work on. */
export interface LinkHouse extends Pick<LinkParts, 'store' | 'seal' | 'rulebook'> {
  close(): Promise<void>
}

/** Commands about whose which account is. Whoever has a shell on the host speaks for the people of the site file. */
export function linkCommands(
  program: Command,
  settings: () => Environment,
  done: (status: number) => void,
  open: (environment: Environment) => Promise<LinkHouse> = openHouse,
): void {
  const answered = async (body: (house: LinkHouse) => Promise<Card>): Promise<void> => {
    const house = await open(settings())
    try {
      const { title, lines, tone } = await body(house)
      console.log([title, ...lines].join('\n'))
      if (tone === 'bad') done(1)
    } finally {
      await house.close()
    }
  }

  program
    .command('link <code>')
    .description('say whose the account is that was told this code by `link me`; prints the code to say there')
    .requiredOption('--as <person>', 'a person of the site file')
    .action((code: string, { as }: { readonly as: string }) => answered(house => vouch(code, as as Person, house)))

  program
    .command('links')
    .description('whose which account is, and until when')
    .action(() => answered(everyLink))

  program
    .command('unlink <handle>')
    .description('end the link of an account, written like slack:U042')
    .requiredOption('--because <words>', 'why; it is kept')
    .action((handle: string, { because }: { readonly because: string }) => {
      if (because.trim() === '') throw new BadUse('Say why: --because "left the company".')
      return answered(house => sever(handle, because.trim(), house))
    })
}

async function openHouse(environment: Environment): Promise<LinkHouse> {
  const folder = dataFolder(environment)
  const { site, close: closeSite } = await siteFor(environment, await loadAdapters())
  await closeSite()
  const seal = openSeal(sealKey(folder, site.seal ?? environment.variables[KEY_VARIABLE]))
  // Signed as the bot signs: it believes nothing in the ledger that is not.
  const { store, close } = await openDatabase(environment, folder, 'look', undefined, { sign: seal.sign })
  return { store, seal, rulebook: () => site.rulebook, close }
}
