import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SHORTEST, secretsIn } from '../kit/redact.ts'
import type { Complaint } from './complaints.ts'

/** Where secrets come from, and what is found on the way. */
export interface Vault {
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly folder: string // what `{ file: PATH }` is relative to
  readonly secrets: string[]
  readonly complaints: Complaint[]
}

type Path = Complaint['path']

/** Settings may say `{ env: NAME }` or `{ file: PATH }` in place of a secret; what they yield is redacted everywhere, and so is a secret that is written out. */
export function fill(settings: unknown, path: Path, vault: Vault): unknown {
  const filled = settled(settings, path, vault)
  for (const secret of secretsIn(settings)) keep(secret, path, vault)
  return filled
}

function settled(value: unknown, path: Path, vault: Vault): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item, n) => settled(item, [...path, n], vault))
  const [only, ...more] = Object.entries(value)
  if (only && more.length === 0 && (only[0] === 'env' || only[0] === 'file') && typeof only[1] === 'string')
    return fetched(only[0], only[1], path, vault)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, settled(item, [...path, key], vault)]))
}

function fetched(from: 'env' | 'file', name: string, path: Path, vault: Vault): string {
  const secret = from === 'env' ? variable(name, vault) : readSecret(resolve(vault.folder, name))
  if (secret === undefined || secret === '') {
    const message = from === 'env' ? `the environment has no ${name}` : `the file ${name} cannot be read or is empty`
    vault.complaints.push({ path, message })
    return STAND_IN
  }
  keep(secret, path, vault)
  return secret
}

/** In place of a secret that is not there, so that what else is wrong with the settings is found too. */
const STAND_IN = 'missing-secret'

const variable = (name: string, { variables }: Vault): string | undefined =>
  Object.hasOwn(variables, name) ? variables[name] : undefined

function keep(secret: string, path: Path, vault: Vault): void {
  if (secret.length < SHORTEST)
    vault.complaints.push({
      path,
      message: `a secret of fewer than ${SHORTEST} characters cannot be kept out of what is shown; use a longer one`,
    })
  else if (!vault.secrets.includes(secret)) vault.secrets.push(secret)
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch {
    return undefined // complained about by the caller, with the line
  }
}
