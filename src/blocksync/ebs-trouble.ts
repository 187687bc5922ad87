import { SyncStopped, saidBy } from './stopped.ts'

export const kindOf = (error: unknown): string => (error instanceof Error ? error.name : '')
const statusOf = (error: unknown): number =>
  (error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0

const THROTTLED = ['RequestThrottledException', 'RequestThrottled', 'RequestLimitExceeded', 'ThrottlingException', 'Throttling']
export const isThrottled = (error: unknown): boolean => THROTTLED.includes(kindOf(error))
export const isMissing = (error: unknown): boolean =>
  ['ResourceNotFoundException', 'InvalidSnapshot.NotFound'].includes(kindOf(error))

/** Worth another try: nothing is asked for that twice is not as good as once. */
export const mayPass = (error: unknown): boolean => {
  if (error instanceof SyncStopped) return false
  if (isThrottled(error) || kindOf(error) === 'TimeoutError' || statusOf(error) >= 500) return true
  const code = (error as { readonly code?: unknown } | null)?.code
  return statusOf(error) === 0 && typeof code === 'string' && /^E[A-Z_]+$/.test(code) // the network's own words
}

const GO_ON = 'then start again: it goes on from here.'
const WORDS: Readonly<Record<string, string>> = {
  ExpiredTokenException: `The credentials have expired. Get new ones, ${GO_ON}`,
  ExpiredToken: `The credentials have expired. Get new ones, ${GO_ON}`,
  RequestExpired: `The credentials have expired, or the clock of this machine is wrong. Mend that, ${GO_ON}`,
  CredentialsProviderError: `There are no credentials on this machine. Give some, ${GO_ON}`,
  UnrecognizedClientException: `It does not know these credentials. Give the right ones, ${GO_ON}`,
  InvalidSignatureException: `It does not accept these credentials. Give the right ones, ${GO_ON}`,
  AuthFailure: `It does not accept these credentials. Give the right ones, ${GO_ON}`,
  AccessDeniedException: `It does not let us do that. Give us ebs:StartSnapshot, ebs:PutSnapshotBlock and ebs:CompleteSnapshot, ${GO_ON}`,
  UnauthorizedOperation: `It does not let us do that. Give us ec2:DescribeSnapshots, ${GO_ON}`,
  RequestThrottledException: `It asked us to slow down, again and again. Set a limit, ${GO_ON}`,
  ServiceQuotaExceededException: `Too many snapshots are being written in this account. Wait for some to end, ${GO_ON}`,
}

/** What EBS said, for people. Its own words come last. */
export const ebsTrouble = (error: unknown): SyncStopped =>
  error instanceof SyncStopped
    ? error
    : new SyncStopped(
        'target',
        `EBS cannot be used. ${WORDS[kindOf(error)] ?? `It says: ${kindOf(error)} ${saidBy(error).slice(0, 200)}. Start again when it works: it goes on from here.`}`,
        error,
      )

/** What EBS may say to who seals a snapshot twice; the count and the checksum, which are wrong for good, have reasons of their own. */
export const mayBeSealed = (error: unknown): boolean => {
  const { name = '', Reason = '' } = Object((error as Error).cause) as { readonly name?: string; readonly Reason?: string }
  return name === 'ConflictException' || (name === 'ValidationException' && Reason === 'INVALID_SNAPSHOT_ID')
}
