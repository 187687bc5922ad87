/** What stands where a secret was. */
export const REDACTED = '[redacted]'

/** A key whose value is nobody's business, in an object or before a `=`. */
const SECRET_KEY =
  /(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|private[-_]?key|credential|authorization|cookie|chap)/i

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\b((?:proxy-)?authorization\s*:\s*)[^\r\n]+/gi, `$1${REDACTED}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, REDACTED],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+(@)/gi, `$1${REDACTED}$2`],
  // naviseccli, plink and CLIQ take secrets as words of the command line, and CLIQ reads CHAP secrets back.
  [/((?:^|\s)-{1,2}(?:pw|pass(?:word|phrase)?|secret|token)(?:\s+|=))("[^"]*"|'[^']*'|\S+)/gi, `$1${REDACTED}`],
  [
    /((?:\b|_)(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|(?:aws_)?secret_access_key|(?:chap|initiator|target|mutual)[-_ ]?secret)"?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&}]+)/gi,
    `$1${REDACTED}`,
  ],
]

/** Texts shorter than this would be found everywhere; a site file refuses such secrets. */
export const SHORTEST = 4

/** Takes the named secrets, however they are encoded, and everything that looks like one, out of a text. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets.filter(secret => secret.length >= SHORTEST).flatMap(spellings))].sort(
    (a, b) => b.length - a.length,
  )
  return text => {
    const named = known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text)
    return PATTERNS.reduce((rest, [pattern, with_]) => rest.replace(pattern, with_), named)
  }
}

/** The same secret as it looks in a URL, in JSON and in a basic-auth header. */
const spellings = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64'),
]

/** The same for a JSON value: every string in it, and whatever stands under a key that names a secret. */
export function redactedValue<T>(value: T, redact: (text: string) => string): T {
  return deep(value, redact) as T
}

function deep(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map(item => deep(item, redact))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      redact(key),
      SECRET_KEY.test(key) && typeof item === 'string' && item !== '' ? REDACTED : deep(item, redact),
    ]),
  )
}

/** The secrets among the settings of a target: every text under a key that names one. */
export function secretsIn(settings: unknown): readonly string[] {
  if (typeof settings !== 'object' || settings === null) return []
  return Object.entries(settings).flatMap(([key, value]) =>
    typeof value === 'string' ? (SECRET_KEY.test(key) || /^key$/i.test(key) ? [value] : []) : secretsIn(value),
  )
}
