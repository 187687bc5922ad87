import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '../domain/ids.ts'
import { makeFolder, readIfThere, syncFolder, writeDurably } from './durable-file.ts'
import { readAll, writeTogether } from './file-bytes.ts'
import { takeLock } from './lock.ts'
import { codeOf, SyncStopped } from './stopped.ts'
import { BASE, generationOf, manifestName, packName, type Store } from './store.ts'

const MOST: Bytes = 8 << 20 // large enough that an fsync for each costs little, small enough to have some of them under way

/** A folder as a store: what has its name is whole and on disk. */
export async function openFolderStore(folder: string): Promise<Store> {
  const path = (name: string): string => join(folder, name)
  let parts = 0
  /** Written and fsynced under a name that nobody looks at. */
  const part = async (bytes: readonly Uint8Array[]): Promise<string> => {
    const name = path(`parts/${process.pid}.${parts++}`)
    try {
      const file = await open(name, 'w')
      try {
        await writeTogether(file, bytes)
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
    most: MOST,
    put: async (name, bytes) => {
      await prepare('parts')
      await prepare('packs')
      await rename(await part(bytes), path(packName(name)))
    },
    read: async (pack, at, into) => {
      const file = await open(path(packName(pack.name))).catch(absent)
      if (!file) return 'missing'
      try {
        if ((await file.stat()).size !== pack.length) return 'another length'
        return (await readAll(file, into, at)) ? 'filled' : 'another length'
      } catch (error) {
        throw new SyncStopped('rot', `A pack in ${folder} cannot be read (${codeOf(error)}). Push the whole disk again.`, error)
      } finally {
        await file.close()
      }
    },
    settle: async packs => {
      for (const { name, length } of packs) {
        const there = await stat(path(packName(name))).catch(absent)
        if (there?.size !== length)
          throw new SyncStopped('rot', `A pack that was put in ${folder} is not there any more. Start the push again.`)
      }
      await prepare('packs')
      await Promise.all(['packs', '.', '..'].map(name => syncFolder(path(name))))
    },
    manifest: generation => readIfThere(path(manifestName(generation))),
    listed: async () => {
      const names = (await readdir(path('gen')).catch(absent)) ?? []
      return names
        .map(generationOf)
        .filter(generation => generation > 0)
        .sort((a, b) => a - b)
    },
    publish: async (generation, text) => {
      await prepare('parts')
      await prepare('gen')
      const written = await part([Buffer.from(text)])
      try {
        await link(written, path(manifestName(generation))) // unlike a rename, it does not replace
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || (await readIfThere(path(manifestName(generation)))) !== text)
          throw taken(generation, error)
      } finally {
        await unlink(written)
      }
      await Promise.all(['gen', '.'].map(name => syncFolder(path(name))))
    },
    base: () => readIfThere(path(BASE)),
    rebase: text => writeDurably(path(BASE), text),
    removePack: name => rm(path(packName(name)), { force: true }),
    removeManifest: generation => rm(path(manifestName(generation)), { force: true }),
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
