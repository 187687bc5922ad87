import { SyncStopped, saidBy } from './stopped.ts'

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')

export const missing = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(nameOf(error))

const WORDS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'There is no such bucket. Make it, or say another one.',
  RequestTimeTooSkewed: 'The clock of this machine is wrong. Set it, then start again.',
  ExpiredToken: 'The credentials have expired. Get new ones, then start again: it goes on from here.',
  ExpiredTokenException: 'The credentials have expired. Get new ones, then start again: it goes on from here.',
  InvalidAccessKeyId: 'It does not know these credentials. Give the right ones, then start again.',
  SignatureDoesNotMatch: 'It does not accept these credentials. Give the right ones, then start again.',
  CredentialsProviderError: 'There are no credentials on this machine. Give some, then start again.',
  AccessDenied: 'It does not let us do that. Give us the right to list, get and put there, then start again.',
  Forbidden: 'It does not let us do that. Give us the right to list, get and put there, then start again.',
  SlowDown: 'It asked us to slow down, again and again. Start again with a limit: it goes on from here.',
}

/** What the store said, for people. Its own words come last: they may be long, and carry no secrets in the SDK. */
export const s3Trouble = (bucket: string, error: unknown): SyncStopped =>
  new SyncStopped(
    'store',
    `The bucket ${bucket} cannot be used. ${WORDS[nameOf(error)] ?? `It says: ${nameOf(error)} ${saidBy(error).slice(0, 200)}. Start again when it works: it goes on from here.`}`,
    error,
  )
