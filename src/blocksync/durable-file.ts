import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from './stopped.ts'

/** A name in a folder is durable only when the folder is. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

let made = 0

/** The whole file or none, also after a crash: written beside it, fsynced, renamed into place, and the folder fsynced. */
export async function writeDurably(path: string, bytes: string | Uint8Array): Promise<void> {
  await writeWhole(path, bytes, file => file.sync())
  await syncFolder(dirname(path))
}

/** The whole file or none, also when we are killed. A machine that loses its power may lose it: for what can be found out again. */
export async function writeWhole(
  path: string,
  bytes: string | Uint8Array,
  before: (file: FileHandle) => Promise<void> = async () => {},
): Promise<void> {
  const beside = `${path}.${process.pid}.${made++}.part`
  const file = await open(beside, 'w')
  try {
    await file.writeFile(bytes)
    await before(file)
  } finally {
    await file.close()
  }
  await rename(beside, path)
}

export async function makeFolder(path: string): Promise<void> {
  if ((await mkdir(path, { recursive: true })) !== undefined) await syncFolder(dirname(path))
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
