import type { Files } from './disks.ts'

type Args = Readonly<Record<string, unknown>>

/** Where the array's LUN 1s are, by target. Synthetic; the refusals are libiscsi's, captured from QEMU 7.2.22. */
const PORTAL = '192.0.2.7:3260'
const CHAP: Readonly<Record<string, { readonly user: string; readonly password: string } | undefined>> = {
  'iqn.2026-01.lab:luna': undefined,
  'iqn.2026-01.lab:lunb': { user: 'chapu', password: 'chapsecret12' },
}

export function createLuns(files: Files, bytes: number): void {
  for (const target of Object.keys(CHAP)) files.create(fileOf(target), bytes)
}

const fileOf = (target: string): string => `iscsi://${PORTAL}/${target}/1`

/** The LUN's file, or why the login fails. */
export function logIn(args: Args, secrets: ReadonlyMap<string, string>): { readonly file: string } | { readonly failed: string } {
  const failed = (why: string) => ({ failed: `iSCSI: Failed to connect to LUN : ${why}` })
  const target = String(args['target'])
  const id = args['password-secret']
  if (id !== undefined && !secrets.has(String(id))) return { failed: `No secret with id '${String(id)}'` }
  if (args['portal'] !== PORTAL)
    return failed('iscsi_service failed with : iscsi_service_reconnect_if_loggedin. Can not reconnect right now.\n')
  if (!Object.hasOwn(CHAP, target)) return failed('Failed to log in to target. Status: Target not found(515)')
  const wants = CHAP[target]
  if (wants && (args['user'] !== wants.user || secrets.get(String(id)) !== wants.password))
    return failed('Failed to log in to target. Status: Authentication failure(513)')
  if (args['lun'] !== 1) return failed('SENSE KEY:ILLEGAL_REQUEST(5) ASCQ:LOGICAL_UNIT_NOT_SUPPORTED(0x2500)')
  return { file: fileOf(target) }
}
