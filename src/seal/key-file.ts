import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotSeal } from './cannot-seal.ts'

const BYTES = 32
export const KEY_FILE = 'seal.key'
export const KEY_VARIABLE = 'SIGNALBOX_SEAL_KEY'

/**
 * The key to seal with: the one that is given, else the one in the folder, which is made there at first use. Whoever loses it loses
 * the second factors and cannot verify the log any more; it is not in the database on purpose. Throws CannotSeal.
 */
export function sealKey(folder: string, given: string | undefined): Buffer {
  if (given !== undefined) return keyOf(given, KEY_VARIABLE)
  const file = join(folder, KEY_FILE)
  const kept = readKey(file)
  if (kept) return kept
  makeKey(folder, file)
  const made = readKey(file)
  if (!made) throw new CannotSeal(`${file} was made and is gone again. Start once more, and see what removes it.`)
  return made
}

/** Hexadecimal or base64, of 32 bytes or more. */
function keyOf(text: string, from: string): Buffer {
  const written = text.trim()
  const key = /^[0-9a-f]*$/i.test(written)
    ? Buffer.from(written.length % 2 === 0 ? written : '', 'hex')
    : /^[\w+/-]+={0,2}$/.test(written)
      ? Buffer.from(written, 'base64')
      : Buffer.alloc(0)
  if (key.length >= BYTES) return key
  throw new CannotSeal(
    `${from} is no seal key: that is ${BYTES} bytes or more, in hexadecimal or base64. Make one with: openssl rand -base64 ${BYTES}`,
  )
}

function readKey(file: string): Buffer | undefined {
  let opened: number
  try {
    opened = openSync(file, 'r')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw cannot(`${file} cannot be read`, cause)
  }
  try {
    // Of what is open, not of the name: another file could come to lie there in between.
    if (process.platform !== 'win32' && (fstatSync(opened).mode & 0o077) !== 0)
      throw new CannotSeal(
        `${file} can be read by others on this machine, so it may not be secret any more. Keep it to yourself with: chmod 600 ${file}`,
      )
    return keyOf(readFileSync(opened, 'utf8'), file)
  } finally {
    closeSync(opened)
  }
}

/** Written whole beside it and then given its name, which only one of two processes can do: whoever comes second finds that key. */
function makeKey(folder: string, file: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(folder, { recursive: true })
    const opened = openSync(draft, 'wx', 0o600)
    try {
      writeFileSync(opened, `${randomBytes(BYTES).toString('base64')}\n`)
      fsyncSync(opened)
    } finally {
      closeSync(opened)
    }
    try {
      linkSync(draft, file)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    } finally {
      unlinkSync(draft)
    }
  } catch (cause) {
    throw cannot(`${file} cannot be made`, cause)
  }
}

const cannot = (what: string, cause: unknown): CannotSeal =>
  new CannotSeal(`${what} (${codeOf(cause) ?? String(cause)}). Make room for it there, or give the key in ${KEY_VARIABLE}.`, {
    cause,
  })

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
