import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Instant, Person } from '../domain/ids.ts'
import type { Factor } from '../domain/ledger.ts'
import { mayTry } from '../domain/step-up.ts'
import { duration } from '../domain/words.ts'
import { enrol, readable, removeFactor } from '../engine/step-up.ts'
import type { Seal } from '../ports/seal.ts'
import { openPage } from '../seal/page.ts'
import { qrLines } from '../seal/qr.ts'
import { newSecret, readSecret, spaced, uri } from '../seal/totp.ts'
import type { Environment } from '../site/environment.ts'
import { BadUse } from './bad-use.ts'
import { type StepUpHouse, type Surroundings, surroundings } from './step-up-house.ts'

const BY = 'command line'
const TRIES = 3

interface EnrolOptions {
  readonly replace?: true
  readonly page?: true
  readonly secret?: string
  readonly code?: string
}

/** A person, the secret that was made for them, and what their code is worth. */
interface Offer {
  readonly person: Person
  readonly site: string
  readonly secret: string
  take(code: string): ReturnType<typeof enrol>
}

/** Commands about second factors. None of them is in a chat: whoever has taken a chat session must not enrol with it. */
export function stepUpCommands(
  program: Command,
  settings: () => Environment,
  done: (status: number) => void,
  around: Surroundings = surroundings(),
): void {
  const within = async (body: (house: StepUpHouse, environment: Environment) => Promise<void>): Promise<void> => {
    const environment = settings()
    const house = await around.open(environment)
    try {
      await body(house, environment)
    } finally {
      await house.close()
    }
  }
  const ended = (says: string, ok: boolean): void => {
    console.log(says)
    if (!ok) done(1)
  }
  const commands = program.command('step-up').description('second factors of people, for the gates that want one')

  commands
    .command('enrol <person>')
    .description('give a person a second factor: a code that an authenticator app shows')
    .option('--replace', 'in place of the one that they have')
    .option('--page', 'show it on a page of this machine, for ten minutes and one browser, instead of in the terminal')
    .option('--secret <file>', 'without a terminal: a secret that was made elsewhere, in base32')
    .option('--code <code>', 'without a terminal: the code that belongs to that secret now')
    .action((name: string, options: EnrolOptions) =>
      within(async (house, environment) => {
        const offer = await offered(name, options, house)
        if (options.secret !== undefined) return ended(...outcome(offer.person, await offer.take(options.code ?? '')))
        if (options.page) return ended(...(await onPage(offer, around)))
        if (!around.ask)
          throw new BadUse('There is no terminal to show a picture in. Use --page, or --secret FILE with --code CODE.')
        return ended(...(await atTerminal(offer, around.ask, !environment.plain)))
      }),
    )

  commands
    .command('remove <person>')
    .description('take a second factor away: gates that want one then stay shut for that person')
    .requiredOption('--because <words>', 'why; it is kept')
    .action((name: string, { because }: { readonly because: string }) =>
      within(async ({ parts }) => {
        if (because.trim() === '') throw new BadUse('Say why: --because "lost phone".')
        const removed = await removeFactor({ person: name as Person, by: BY, because: because.trim() }, parts)
        if (!removed) throw new BadUse(`${name} has no second factor. To see who has: signalbox step-up list`)
        console.log(`${name} has no second factor any more.`)
      }),
    )

  commands
    .command('list')
    .description('who has a second factor, since when, and whether it is locked')
    .action(() =>
      within(async ({ people, parts: { store, seal }, now: time }) => {
        const [{ factors }, now] = [await store.ledger(), await time()]
        const all = [...new Set([...people, ...factors.keys()])]
        const lines = all.map(person => `${person}  ${standing(person, factors.get(person), seal, now, people.includes(person))}`)
        console.log(lines.join('\n') || 'The site file names nobody.')
      }),
    )
}

/** Everything that would be refused in the end is refused before somebody takes up a phone. */
async function offered(name: string, options: EnrolOptions, { site, people, parts }: StepUpHouse): Promise<Offer> {
  const person = people.find(one => one === name)
  if (person === undefined) throw new BadUse(`The site file knows no person ${name}. It knows ${people.join(', ') || 'nobody'}.`)
  if ((options.secret === undefined) !== (options.code === undefined) || (options.page && options.secret !== undefined))
    throw new BadUse('--secret FILE and --code CODE go together, and without --page.')
  if (!options.replace && (await parts.store.ledger()).factors.has(person)) throw new BadUse(outcome(person, 'has one')[0])
  const secret = options.secret === undefined ? newSecret() : secretIn(options.secret)
  const take = (code: string) => enrol({ person, secret, code, by: BY, replace: options.replace ?? false }, parts)
  return { person, site, secret, take }
}

function secretIn(file: string): string {
  let written: string
  try {
    written = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new BadUse(`${file} cannot be read. Say where the secret is with --secret FILE.`, { cause })
  }
  const secret = readSecret(written)
  if (secret === undefined)
    throw new BadUse(`${file} has no secret in it: that is 26 characters of base32 or more, and nothing else.`)
  return secret
}

const outcome = (person: Person, how: 'enrolled' | 'has one' | 'wrong code'): readonly [says: string, ok: boolean] => {
  switch (how) {
    case 'enrolled':
      return [`${person} has a second factor now.`, true]
    case 'has one':
      return [
        `${person} has a second factor already, and it was left as it is. Another in its place: signalbox step-up enrol ${person} --replace`,
        false,
      ]
    case 'wrong code':
      return [
        'That code is not right, and nothing was changed. See that the clock of the phone sets itself, and start again.',
        false,
      ]
  }
}

async function atTerminal(
  { person, site, secret, take }: Offer,
  ask: (question: string) => Promise<string>,
  colours: boolean,
): Promise<readonly [says: string, ok: boolean]> {
  console.log(`The second factor of ${person}, for Signalbox, site ${site}. Take this picture with your authenticator app.\n`)
  console.log(qrLines(uri(secret, person, site), colours).join('\n'))
  console.log(`\nWithout a camera, type this key: ${spaced(secret)}\n`)
  for (let left = TRIES; left > 0; left--) {
    const how = await take(await ask('The code that the app shows now: '))
    if (how === 'enrolled')
      return [`${outcome(person, how)[0]} Clear this terminal: whoever reads the picture has the second factor too.`, true]
    if (how === 'has one' || left === 1) return outcome(person, how)
    console.log('That code is not right.')
  }
  return outcome(person, 'wrong code')
}

/** The address has no secret in it; the page does. */
async function onPage(
  { person, site, secret, take }: Offer,
  { clock }: Surroundings,
): Promise<readonly [says: string, ok: boolean]> {
  const page = await openPage({ person, site, secret }, clock, take)
  console.log(`Open this in a browser on this machine, within ten minutes, and in one browser only:\n\n  ${page.url}\n`)
  const how = await page.ended
  await page.stop()
  switch (how) {
    case 'enrolled':
    case 'has one':
      return outcome(person, how)
    case 'too many':
      return outcome(person, 'wrong code')
    case 'expired':
      return ['Ten minutes are over, and nothing was changed. Start the command again for another page.', false]
  }
}

function standing(person: Person, factor: Factor | undefined, seal: Seal, now: Instant, known: boolean): string {
  if (!factor) return 'none'
  const may = mayTry(factor, now)
  return [
    `since ${new Date(factor.since).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    ...('until' in may ? [`LOCKED for ${duration(may.until - now)} after wrong codes`] : []),
    ...(readable(person, factor, seal) ? [] : ['NOT READABLE with the seal key that is here']),
    ...(known ? [] : ['not in the site file']),
  ].join(', ')
}
