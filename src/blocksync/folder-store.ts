import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, readIfThere, syncFolder } from './durable-file.ts'
import { takeLock } from './lock.ts'
import { codeOf, SyncStopped } from './stopped.ts'
import { chunkName, generationOf, manifestName, type Store } from './store.ts'

/** A folder as a store: what has its name is whole and on disk. */
export async function openFolderStore(folder: string): Promise<Store> {
  const path = (name: string): string => join(folder, name)
  let parts = 0
  /** Written and fsynced under a name that nobody looks at. */
  const part = async (bytes: string | Uint8Array): Promise<string> => {
    const name = path(`parts/${process.pid}.${parts++}`)
    try {
      const file = await open(name, 'w')
      try {
        await file.writeFile(bytes)
        await file.datasync()
      } finally {
        await file.close()
      }
      return name
    } catch (error) {
      await rm(name, { force: true })
      throw full(folder, error)
    }
  }
  const ready = new Set<string>()
  const prepare = async (name: string): Promise<void> => {
    if (ready.has(name)) return
    await mkdir(path(name), { recursive: true }) // made durable with what lies in it, before a manifest names it
    ready.add(name)
  }
  return {
    put: async (sha256, bytes) => {
      await prepare('parts')
      await prepare(dirname(chunkName(sha256)))
      await rename(await part(bytes), path(chunkName(sha256)))
    },
    get: async (sha256, length) => {
      const file = await open(path(chunkName(sha256))).catch(absent)
      if (!file) return undefined
      try {
        const bytes = new Uint8Array(length + 1)
        let got = 0
        for (let read = -1; read !== 0 && got < bytes.length; got += read)
          read = (await file.read(bytes, got, bytes.length - got, got)).bytesRead
        return got === length ? bytes.slice(0, length) : bytes.subarray(0, got)
      } catch (error) {
        throw new SyncStopped('rot', `A chunk in ${folder} cannot be read (${codeOf(error)}). Push the whole disk again.`, error)
      } finally {
        await file.close()
      }
    },
    settle: async chunks => {
      for (const { sha256, length } of chunks) {
        const there = await stat(path(chunkName(sha256))).catch(absent)
        if (there?.size !== length)
          throw new SyncStopped('store', `A chunk that was put in ${folder} is not there any more. Start the push again.`)
      }
      for (const name of new Set(chunks.map(({ sha256 }) => dirname(chunkName(sha256))))) await syncFolder(path(name))
      await prepare('chunks')
      for (const name of ['chunks', '.', '..']) await syncFolder(path(name))
    },
    manifest: generation => readIfThere(path(manifestName(generation))),
    listed: async () => {
      const names = (await readdir(path('gen')).catch(absent)) ?? []
      return Math.max(0, ...names.map(generationOf))
    },
    publish: async (generation, text) => {
      await prepare('parts')
      await prepare('gen')
      const written = await part(text)
      try {
        await link(written, path(manifestName(generation))) // unlike a rename, it does not replace
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || (await readIfThere(path(manifestName(generation)))) !== text)
          throw taken(generation, error)
      } finally {
        await unlink(written)
      }
      for (const name of ['gen', '.']) await syncFolder(path(name))
    },
    hold: async () => {
      await makeFolder(folder)
      const release = await takeLock(path('lock'), `the store ${folder}`)
      await rm(path('parts'), { recursive: true, force: true }) // of a mover that died: we are alone now
      ready.delete('parts')
      return release
    },
    close: () => {},
  }
}

export const taken = (generation: number, cause?: unknown): SyncStopped =>
  new SyncStopped(
    'taken',
    `Another mover has put generation ${generation} in the store meanwhile. See that only one pushes, then push again.`,
    cause,
  )

/** A full disk is said as such; the rest is passed on. */
export function full(where: string, error: unknown): unknown {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error))
    ? new SyncStopped('target', `There is no room left in ${where}. Make room and start it again: it goes on from here.`, error)
    : error
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}
