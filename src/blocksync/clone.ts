import { constants } from 'node:fs'
import { copyFile, type FileHandle, open, rm } from 'node:fs/promises'
import type { Bytes } from '../domain/ids.ts'
import { codeOf } from './stopped.ts'

/** The next image, while it is made. */
export interface Clone {
  readonly file: FileHandle
  /** What is not written in it reads as zeros: it began as one hole. */
  readonly empty: boolean
  /** It may have what the old image has: it began as a copy that shares its blocks. */
  readonly shared: boolean
}

/** A new file: the old image with all its blocks shared, where the file system can do that (XFS, Btrfs), else a hole. */
export async function newClone(path: string, size: Bytes, old: string | undefined): Promise<Clone> {
  await rm(path, { force: true })
  const shared = old !== undefined && (await share(old, path))
  const file = await open(path, shared ? 'r+' : 'w+')
  await file.truncate(size)
  return { file, empty: !shared, shared }
}

/** The file of a mover that was killed: what is in it must be looked at. */
export const lastClone = async (path: string, shared: boolean): Promise<Clone> => ({
  file: await open(path, 'r+'),
  empty: false,
  shared,
})

/** FICLONE, or nothing: a copy made by the kernel would read and write it all, and could not be stopped. */
async function share(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch (error) {
    await rm(to, { force: true })
    if (CANNOT.includes(codeOf(error))) return false
    throw error
  }
}

const CANNOT = ['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOTTY', 'ENOSYS', 'EPERM', 'ETXTBSY']

const BEHIND: Bytes = 32 << 20

export interface Flusher {
  wrote(bytes: Bytes): void
  /** All that was written is on disk, or it throws. */
  end(): Promise<void>
}

/** Lets the disk write while we read and hash: what is written is synced now and then, and not all of it at the end. */
export function flushing(file: FileHandle): Flusher {
  let behind: Bytes = 0
  let failure: { readonly error: unknown } | undefined
  let going: Promise<void> | undefined
  return {
    wrote: bytes => {
      behind += bytes
      if (behind < BEHIND || going) return
      behind = 0
      going = file
        .datasync()
        .catch((error: unknown) => {
          failure ??= { error } // a second sync of the same file would not say it again
        })
        .finally(() => {
          going = undefined
        })
    },
    end: async () => {
      await going
      await file.sync()
      if (failure) throw failure.error
    },
  }
}
