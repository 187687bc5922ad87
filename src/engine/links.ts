import type { Card, Said } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import type { Handle, Instant, Person, Target } from '../domain/ids.ts'
import type { Ledger } from '../domain/ledger.ts'
import { ask, type Code, end, HOST, type LinkVerdict, linkLines, take } from '../domain/link.ts'
import type { Action } from '../domain/plan.ts'
import { type Policy, permit } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import { HOUSE_TARGET, type Rulebook } from '../domain/rulebook.ts'
import type { Seal } from '../ports/seal.ts'
import type { Store } from '../ports/store.ts'
import { listing, no } from './replies.ts'
import type { Tries } from './tries.ts'

export type Linking = Extract<Command, { kind: 'link me' | 'link' | 'unlink' | 'show links' }>

/** What linking needs. The rulebook is the site file's: the ledger says whether another one is in force. */
export interface LinkParts {
  readonly store: Pick<Store, 'ledger' | 'keep' | 'now'>
  readonly seal: Pick<Seal, 'code' | 'hash'>
  readonly policy: () => Promise<Policy>
  readonly rulebook: () => Rulebook | Promise<Rulebook>
  readonly tries: Tries
}

/** Whose an account is: asked for, proved, ended and shown. What comes of it is for the speaker's eyes only. */
export async function links(command: Linking, said: Pick<Said, 'by'>, by: Person | undefined, parts: LinkParts): Promise<Card> {
  const site = await parts.rulebook()
  switch (command.kind) {
    case 'link me': {
      const code = fresh(parts)
      return cardOf(await kept(parts, (ledger, now) => ask(ledger, site, said.by, code, now)))
    }
    case 'link':
      return guessed(command.code, said.by, by, site, parts)
    case 'unlink': {
      const forbidden = await mayNot(by, said.by, parts)
      const { because } = command
      const ending = {
        handle: command.handle ?? said.by,
        by: said.by,
        person: by,
        ...(because === undefined ? {} : { because }),
        ...(forbidden ? { forbidden } : {}),
      }
      return cardOf(await kept(parts, ledger => end(ledger, site, ending)))
    }
    case 'show links': {
      if (by === undefined) return no({ no: 'unknown person', handle: said.by })
      const whose = (await mayNot(by, said.by, parts)) ? by : 'all'
      return shown(linkLines(await parts.store.ledger(), site, whose, await parts.store.now()))
    }
  }
}

/** Somebody at the command line vouches for an account, as a known account would in a chat. */
export async function vouch(code: string, person: Person, parts: Omit<LinkParts, 'policy' | 'tries'>): Promise<Card> {
  const [site, back] = [await parts.rulebook(), fresh(parts)]
  return cardOf(await kept(parts, (ledger, now) => take(ledger, site, parts.seal.hash(code), { by: HOST, person }, back, now)))
}

/** Ends a link from the command line: whoever is there may. */
export async function sever(handle: string, because: string, parts: Pick<LinkParts, 'store' | 'rulebook'>): Promise<Card> {
  const site = await parts.rulebook()
  return cardOf(await kept(parts, ledger => end(ledger, site, { handle, by: HOST, person: undefined, because })))
}

export async function everyLink({ store, rulebook }: Pick<LinkParts, 'store' | 'rulebook'>): Promise<Card> {
  return shown(linkLines(await store.ledger(), await rulebook(), 'all', await store.now()))
}

const shown = (lines: readonly string[]): Card => listing(lines.length > 0 ? 'Accounts' : 'No account is known.', lines)

async function guessed(typed: string, from: Handle, by: Person | undefined, site: Rulebook, parts: LinkParts): Promise<Card> {
  const tried = await parts.store.now()
  if (!parts.tries.begin(from, tried))
    return no({
      no: 'not planned',
      why: `${from} has said too many codes that were wrong`,
      instead: 'Wait ten minutes, then say `link me` from the account that you want to link.',
    })
  const back = fresh(parts)
  const code = parts.seal.hash(typed)
  const verdict = await kept(parts, (ledger, now) => take(ledger, site, code, { by: from, person: by }, back, now))
  if (!('guess' in verdict)) parts.tries.forgive(from, tried)
  return cardOf(verdict)
}

const fresh = ({ seal }: Pick<LinkParts, 'seal'>): Code => {
  const text = seal.code()
  return { text, hash: seal.hash(text) }
}

/** Why this speaker may not look at, and end, the links of others. */
async function mayNot(by: Person | undefined, handle: Handle, parts: LinkParts): Promise<Refusal | undefined> {
  return by === undefined ? { no: 'unknown person', handle } : permit(await parts.policy(), by, [UNLINK])
}

const UNLINK: Action = { capability: 'signalbox.unlink', target: HOUSE_TARGET as Target, params: {}, risk: 'routine' }

/** Decides under the ledger's lock, perhaps more than once: the last time counts. */
async function kept(
  { store }: Pick<LinkParts, 'store'>,
  decide: (ledger: Ledger, now: Instant) => LinkVerdict,
): Promise<LinkVerdict> {
  const verdicts: LinkVerdict[] = []
  await store.keep((ledger, now) => {
    const verdict = decide(ledger, now)
    verdicts.push(verdict)
    return 'events' in verdict ? verdict.events : []
  })
  const last = verdicts.at(-1)
  if (!last) throw new Error('The store kept a change without asking what it is.')
  return last
}

function cardOf(verdict: LinkVerdict): Card {
  if ('refusal' in verdict) return no(verdict.refusal)
  const [title = '', ...lines] = verdict.heard
  return listing(title, lines)
}
