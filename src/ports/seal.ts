import type { Digest, Instant } from '../domain/ids.ts'

/** What is done with the key that is not in the database: whoever has only the database forges nothing and reads nothing of it. */
export interface Seal {
  /** A MAC of the text. */
  sign(text: string): string
  matches(text: string, mac: string): boolean
  /** Another text each time, even for the same secret. */
  close(secret: string): string
  /** Throws NotOurs for what was closed with another key, or was changed since. */
  open(sealed: string): string
  /** A fresh code to link an account with, such as K7QX-92MF: 40 bits, in letters that nobody takes for each other. */
  code(): string
  /** Of a code, however it is typed. Keyed: a look into the database tells no code. */
  hash(code: string): Digest
}

/** Codes of a second factor that change with time (RFC 6238). */
export interface Totp {
  /** The time step that the code belongs to, of those that count at that time; undefined where it belongs to none. */
  counterOf(secret: string, code: string, at: Instant): number | undefined
}

export class NotOurs extends Error {
  override name = 'NotOurs'
}
