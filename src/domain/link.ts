import { accounts, closure, inForce, linkState, listed, listedOwners } from './accounts.ts'
import { type Digest, type Handle, type Instant, type Millis, minutes, type Person } from './ids.ts'
import type { Ledger, LedgerEvent, LinkOffer } from './ledger.ts'
import type { Refusal } from './refusal.ts'
import type { Rulebook } from './rulebook.ts'
import { duration } from './words.ts'

/** How long there is for all of it: from `link me` to the second code, said where the first one came from. */
export const GOOD_FOR: Millis = minutes(10)
/** Codes that one account can have asked for in that time. */
const MOST_OFFERS = 5

/** A code as people see it, and as the ledger keeps it. */
export interface Code {
  readonly text: string
  readonly hash: Digest
}

/** What a sentence about links comes to: events, and lines for the speaker; or a no. `guess`: the code was not one to say there. */
export type LinkVerdict =
  | { readonly events: readonly LedgerEvent[]; readonly heard: readonly string[] }
  | { readonly refusal: Refusal; readonly guess?: true }

/** Whoever has a shell on the host speaks for the people of the site file. */
export const HOST = 'command line'

/** Who takes a code somewhere: an account, and whose it is; or a person at the command line. */
export interface Voucher {
  readonly by: Handle | typeof HOST
  readonly person: Person | undefined
}

/** `link me`: the account that speaks wants to belong to somebody, or to prove again that it does. */
export function ask(ledger: Ledger, site: Rulebook, handle: Handle, code: Code, now: Instant): LinkVerdict {
  const owner = listedOwners(inForce(ledger, site)).get(handle)
  if (owner !== undefined)
    return no(`${handle} stands in the site file already, for ${owner}`, 'It needs no link, and it cannot be linked.')
  const asked = [...ledger.offers.values()].filter(offer => offer.handle === handle && offer.until > now)
  if (asked.length >= MOST_OFFERS) return { refusal: { no: 'too fast' } }
  return {
    events: [{ type: 'link.asked', code: code.hash, handle, until: now + GOOD_FOR }],
    heard: [
      `Your code is ${code.text}`,
      `It is good once, for ${duration(GOOD_FOR)}, and for this account, ${handle}. Show it to nobody.`,
      `Say \`link ${code.text}\` in another chat where I know you, or have somebody on the host type: signalbox link ${code.text} --as PERSON`,
      'There you are told a second code. Say that one here.',
    ],
  }
}

/** `link CODE`: the first code, said by somebody who is known; or the second one, brought back to where the first one came from. */
export function take(ledger: Ledger, site: Rulebook, typed: Digest, who: Voucher, back: Code, now: Instant): LinkVerdict {
  const first = ledger.offers.get(typed)
  if (first) return current(ledger, first, now) ? answer(ledger, site, typed, first, who, back, now) : UNKNOWN
  const second = [...ledger.offers.values()].find(offer => offer.answered?.back === typed)
  return second && current(ledger, second, now) ? confirm(ledger, site, second, who, now) : UNKNOWN
}

/** Somebody who is known says that the account is theirs. The account itself has still to say that it is this person's. */
function answer(
  ledger: Ledger,
  site: Rulebook,
  typed: Digest,
  { handle, until, answered }: LinkOffer,
  { by, person }: Voucher,
  back: Code,
  now: Instant,
): LinkVerdict {
  if (by === handle)
    return no(
      'That is the code to take elsewhere: this account cannot speak for itself',
      'Say it in another chat where I know you, or have somebody on the host type it.',
    )
  const rulebook = inForce(ledger, site)
  // Looked up under the lock: the account that speaks may have been unlinked a moment ago.
  const known = by === HOST ? person : accounts(ledger, rulebook, now).get(by)?.person
  if (person === undefined || known !== person) return { refusal: { no: 'unknown person', handle: by }, guess: true }
  if (answered) return no('That code was used already, and each is good once', 'Say `link me` again where it came from.')
  const wrong = unfit(ledger, rulebook, handle, person, now)
  if (wrong) return wrong
  return {
    events: [{ type: 'link.answered', code: typed, back: back.hash, person, by, until }],
    heard: [
      `${handle} is to speak as ${person}. Go on only if it is ${by === HOST ? `the account of ${person}` : 'your own account'}`,
      ...(by === HOST ? forTheHost : forOneself)(handle, person, `\`link ${back.text}\``, duration(until - now)),
    ],
  }
}

const forOneself = (handle: Handle, person: Person, sentence: string, within: string): readonly string[] => [
  `If it is, say ${sentence} from ${handle}, and nowhere else, within ${within}. Show that code to nobody.`,
  `If somebody sent you the first code, ${handle} is theirs, and it would approve things in the name of ${person}. Then do nothing: the code is forgotten by itself.`,
]

const forTheHost = (handle: Handle, person: Person, sentence: string, within: string): readonly string[] => [
  `If it is, ${person} has to say ${sentence} from ${handle} within ${within}.`,
  `Make sure of it where you know ${person}, by phone or face to face, and give the code there: whoever has ${handle} will approve things in that name.`,
]

/** The account itself brings the second code back. Nobody else's saying it counts, whoever they are. */
function confirm(ledger: Ledger, site: Rulebook, { handle, answered }: LinkOffer, { by }: Voucher, now: Instant): LinkVerdict {
  if (!answered || now >= answered.until) return UNKNOWN
  const { person } = answered
  if (by !== handle)
    return by === answered.by
      ? {
          ...no(
            `That code is to be said by ${handle}, and not here`,
            `Say it there if ${handle} is the account of ${person}. If it is not, say it nowhere.`,
          ),
          guess: true,
        }
      : UNKNOWN
  const rulebook = inForce(ledger, site)
  const wrong = unfit(ledger, rulebook, handle, person, now)
  if (wrong) return wrong
  const { expire, coolDown } = rulebook.links
  const roles = [...closure(listed(rulebook, person)?.roles ?? [], rulebook.roles)].sort()
  return {
    events: [{ type: 'link.made', handle, person, until: now + expire, roles }],
    heard: [
      `${handle} speaks as ${person} from now on`,
      `On ${day(now + expire)} it has to be proved again, and sooner if ${person} is given another role: say \`link me\` then.`,
      ...(coolDown > 0 ? [`For the first ${duration(coolDown)} it approves nothing that cannot be taken back.`] : []),
      'If this is not what you wanted, say `unlink me`.',
    ],
  }
}

/** Why this account cannot become this person's. */
function unfit(ledger: Ledger, rulebook: Rulebook, handle: Handle, person: Person, now: Instant): LinkVerdict | undefined {
  const member = listed(rulebook, person)
  if (!member)
    return no(`There is nobody called ${person} under \`people\` in the site file`, 'Say it for somebody who is there.')
  if (member.machine)
    return no(`${person} is a service account, and accounts are linked to people`, 'Its handles stand in the site file.')
  const owner = listedOwners(rulebook).get(handle)
  if (owner !== undefined)
    return no(`${handle} stands in the site file, for ${owner}`, 'Take it out there first, or use another account.')
  const link = ledger.links.get(handle)
  // A link that has run out still names its person: an account changes hands only after somebody has said so.
  return link && link.person !== person && linkState(link, rulebook, now) !== 'nobody'
    ? no(`${handle} is linked to ${link.person}`, `Say \`unlink me\` from it first, or \`unlink ${handle} because "..."\`.`)
    : undefined
}

/** Who wants a link to end: `may` is the refusal for ending somebody else's, where there is one. */
export interface Ending {
  readonly handle: string // as it was typed
  readonly by: Handle | typeof HOST
  readonly person: Person | undefined
  readonly because?: string
  readonly forbidden?: Refusal
}

/** `unlink me`, or `unlink HANDLE because "..."`. One's own: always; somebody else's: where a rule allows it. */
export function end(ledger: Ledger, site: Rulebook, ending: Ending): LinkVerdict {
  const { by, person, because, forbidden } = ending
  const handle = spelt(ledger, site, ending.handle)
  const link = ledger.links.get(handle)
  const own = handle === by || (person !== undefined && link?.person === person)
  if (!own && forbidden) return { refusal: forbidden }
  const owner = listedOwners(inForce(ledger, site)).get(handle)
  if (owner !== undefined && !link)
    return no(`${handle} is known from the site file, as ${owner}`, 'Take it out there, and accept the change.')
  if (!link) return no(`${handle} is not linked to anybody`, 'Say `show links` to see what is.')
  return {
    events: [{ type: 'link.ended', handle, by: person ?? by, ...(because === undefined ? {} : { because }) }],
    heard: [`${handle} does not speak as ${link.person} any more`, 'To link it again, say `link me` from it.'],
  }
}

/** A handle as the ledger or the site file spells it, however it was typed. */
function spelt(ledger: Ledger, site: Rulebook, typed: string): Handle {
  const known = [...ledger.links.keys(), ...listedOwners(inForce(ledger, site)).keys()]
  const alike = known.find(handle => handle === typed) ?? known.find(handle => handle.toLowerCase() === typed.toLowerCase())
  return alike ?? (typed as Handle)
}

/** An account whose link counts no more is told so, and what to do, instead of being told that nobody knows it. */
export function lapsed(ledger: Ledger, site: Rulebook, handle: Handle, now: Instant): Refusal | undefined {
  const link = ledger.links.get(handle)
  if (!link) return undefined
  const instead = 'Say `link me` here, and take the code that you get to another account of yours.'
  switch (linkState(link, inForce(ledger, site), now)) {
    case 'good':
      return undefined
    case 'run out':
      return { no: 'not planned', why: `The link of ${handle} to ${link.person} ran out on ${day(link.until)}`, instead }
    case 'raised':
      return {
        no: 'not planned',
        why: `${link.person} has been given a new role, so ${handle} has to be proved again`,
        instead,
      }
    case 'nobody':
      return {
        no: 'not planned',
        why: `${handle} was linked to ${link.person}, who is not in the site file any more`,
        instead: 'Ask whoever keeps the site file.',
      }
  }
}

/** Who is who, for people: of one person, or of all. */
export function linkLines(ledger: Ledger, site: Rulebook, whose: Person | 'all', now: Instant): readonly string[] {
  const rulebook = inForce(ledger, site)
  const owners = listedOwners(rulebook)
  const lines: readonly (readonly [Person, string])[] = [
    ...[...owners].flatMap(([handle, person]) =>
      person === 'nobody' ? [] : [[person, `${handle}  ${person}  from the site file`] as const],
    ),
    ...[...ledger.links].map(([handle, link]) => {
      const cool = link.since + rulebook.links.coolDown
      const state = owners.has(handle)
        ? 'does not count, because it stands in the site file'
        : {
            good: `linked until ${day(link.until)}${cool > now ? `; approves nothing that cannot be taken back for ${duration(cool - now)}` : ''}`,
            'run out': `ran out on ${day(link.until)}`,
            raised: 'has to be proved again, because of a new role',
            nobody: 'does not count, because they are not in the site file',
          }[linkState(link, rulebook, now)]
      return [link.person, `${handle}  ${link.person}  ${state}`] as const
    }),
  ]
  return lines.filter(([person]) => whose === 'all' || person === whose).map(([, line]) => line)
}

/** Of several codes that an account has asked for, the last one counts. */
const current = (ledger: Ledger, offer: LinkOffer, now: Instant): boolean =>
  offer.until > now && [...ledger.offers.values()].findLast(one => one.handle === offer.handle) === offer

const no = (why: string, instead: string): { readonly refusal: Refusal } => ({ refusal: { no: 'not planned', why, instead } })

/** The same words for a code that never was and for one that is somebody else's: a guess learns nothing. */
const UNKNOWN: LinkVerdict = {
  ...no('There is no such code for you, or it has run out', 'Say `link me` from the account that you want to link.'),
  guess: true,
}

const day = (at: Instant): string => new Date(at).toISOString().slice(0, 10)
