import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs'

/** Whom Postgres runs as; absent when we are not root, and it runs as we do. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root. Whoever owns the data already goes on; else `postgres`, else `nobody`. */
export function accountFor(data: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = statSync(data, { throwIfNoEntry: false })
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  return inPasswd('postgres') ?? inPasswd('nobody') ?? { uid: 65534, gid: 65534 }
}

function inPasswd(name: string): Account | undefined {
  try {
    const fields = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find(line => line.startsWith(`${name}:`))
      ?.split(':')
    const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])]
    return uid > 0 && gid > 0 ? { uid, gid } : undefined
  } catch {
    return undefined
  }
}

/** Can that account get at everything in this folder? Asked of the system itself, which knows of access lists and mounts. */
export const reaches = (account: Account | undefined, folder: string): boolean =>
  account === undefined ||
  spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...account, cwd: '/', stdio: 'ignore' }).status === 0

/** Lets the account's group pass through a folder of ours. */
export function letThrough(account: Account | undefined, folder: string): void {
  if (account === undefined || reaches(account, folder)) return
  chownSync(folder, -1, account.gid)
  chmodSync(folder, (statSync(folder).mode & 0o7777) | 0o010)
}
