import type { Seal } from '../ports/seal.ts'

/** Worked out apart from this code, with Python's hashlib, hmac and cryptography. */
export const KNOWN = {
  key: Uint8Array.from({ length: 32 }, (_, n) => n),
  text: 'nobody cuts over alone',
  mac: 'gJCLV0Gt9OV1UZ9eoF9Dg67WqbQfOBPZ9HNEDamfJrY',
  sealed: 'v1.AAECAwQFBgcICQoLKHJ_t_71bUS0GHrY5LPqxxuP-Rib1gnCGAibZCF1VkvXrr_rTQI',
  code: 'K7QX-92MF',
  hash: '0fcddefd43350de30fc16108dadcaf3705c7dfd17a959f028fe92e4016f463e1',
} as const

/** What is wrong, if anything is: `known` has the known key, `ours` the one that will be used. */
export function faultOf(known: Seal, ours: Seal): string | undefined {
  const { text, mac, sealed, code, hash } = KNOWN
  if (known.sign(text) !== mac) return 'it signs otherwise than it is known to'
  if (opened(known, sealed) !== text) return 'it does not open what is known to open'
  if (known.hash(code) !== hash || known.hash(code.toLowerCase()) !== hash) return 'it hashes otherwise than it is known to'
  return untrue(ours)
}

function untrue(seal: Seal): string | undefined {
  const { text, mac, sealed } = KNOWN
  const [closed, again] = [seal.close(text), seal.close(text)]
  const [one, other] = [seal.code(), seal.code()]
  if (closed.includes(text) || encodings(text).some(encoded => closed.includes(encoded))) return 'what it seals can be read'
  if (closed === again) return 'it seals the same secret the same way twice'
  if (opened(seal, closed) !== text) return 'it does not open what it has sealed'
  if (opened(seal, spoilt(closed)) !== undefined || opened(seal, sealed) !== undefined) return 'it opens what it has not sealed'
  if (!seal.matches(text, seal.sign(text)) || seal.matches(text, mac) || seal.matches(`${text}.`, seal.sign(text)))
    return 'it does not know its own signature from others'
  return one === other ? 'its codes are not by chance' : undefined
}

const opened = (seal: Seal, sealed: string): string | undefined => {
  try {
    return seal.open(sealed)
  } catch {
    return undefined
  }
}

/** One bit in the middle of it is another one. */
const spoilt = (sealed: string): string => {
  const middle = Math.floor(sealed.length / 2)
  return `${sealed.slice(0, middle)}${sealed[middle] === 'A' ? 'B' : 'A'}${sealed.slice(middle + 1)}`
}

/** Of text within something else, whose start shifts what base64 makes of it: the parts that stay the same. */
const encodings = (text: string): readonly string[] => [
  Buffer.from(text).toString('hex'),
  ...[0, 1, 2].map(shift => Buffer.from(text.slice(shift, shift + 18)).toString('base64url')),
]
