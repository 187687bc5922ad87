import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { z } from 'zod'
import { digestOf } from '../domain/chain.ts'
import type { Bytes } from '../domain/ids.ts'
import { parseChanged } from './changed-list.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { totalOf } from './extents.ts'
import { openJournal } from './journal.ts'
import { type Manifest, manifestDigest, manifestText, packsOf } from './manifest.ts'
import { type Manner, running, type Tools } from './running.ts'
import { Done, manifestOf, send } from './send.ts'
import { openSource, type Source } from './source.ts'
import { SyncStopped } from './stopped.ts'
import { generations, openStore, type Store, type StorePlace } from './store.ts'

export interface Push extends Manner, StorePlace {
  readonly source: string
  readonly changed?: string | undefined // the text of a list; without one, the whole disk
  readonly point?: string | undefined // names the moment that the source shows, where the source itself cannot tell
  readonly blockSize?: Bytes | undefined
}

export interface Pushed {
  readonly generation: number
  readonly digest: string
}

const BLOCK: Bytes = 4 << 20
const Begun = z.object({ request: z.string(), generation: z.int(), digest: z.string() })

/** Makes one more generation of a disk in the store. Nobody sees any of it before its manifest is there. */
export const push = (wanted: Push): Promise<Pushed> =>
  running('push', wanted.disk, wanted, async tools => {
    const store = await openStore(wanted)
    try {
      const release = await store.hold()
      try {
        const source = await openSource(wanted.source)
        try {
          return await pushFrom(wanted, source, store, tools)
        } finally {
          await source.close()
        }
      } finally {
        await release()
      }
    } finally {
      store.close()
    }
  })

async function pushFrom(wanted: Push, source: Source, store: Store, tools: Tools): Promise<Pushed> {
  const { disk, work, blockSize = BLOCK } = wanted
  const { size } = source
  const before = (await generations(store, disk)).at(-1)
  if (wanted.changed !== undefined) fits(before, size, disk)
  const generation = (before?.generation ?? 0) + 1
  tools.about(generation)
  const extents = wanted.changed === undefined ? [{ offset: 0, length: size }] : parseChanged(wanted.changed, size)
  tools.counts.total = totalOf(extents)

  // Without a point nothing proves that the source still shows the same moment: it is all read again.
  const point = source.point ?? wanted.point ?? randomUUID()
  const request = digestOf({ disk, size, blockSize, point, source: wanted.source, extents, whole: wanted.changed === undefined })
  const parent = before && manifestDigest(before)
  const already = await begun(work, request, before)
  if (already) {
    tools.counts.done = tools.counts.total
    return already
  }

  const journal = await openJournal(`${work}/journal`, digestOf({ request, generation, parent }), Done)
  let settled: readonly Done[]
  try {
    settled = await send(source, store, tools, { extents, blockSize, journal })
  } finally {
    await journal.close()
  }
  await source.unchanged()
  const manifest = manifestOf({ disk, size, blockSize, generation, parent, whole: wanted.changed === undefined }, settled)
  const digest = manifestDigest(manifest)
  await Promise.all([
    store.settle(packsOf(manifest.chunks)).catch(async (error: unknown) => {
      // The journal says that it was put, and it is gone: with the journal the next push would believe that again.
      if (error instanceof SyncStopped && error.because === 'rot') await rm(`${work}/journal`)
      throw error
    }),
    writeDurably(`${work}/begun.json`, JSON.stringify({ request, generation, digest })),
  ])
  await store.publish(generation, manifestText(manifest))
  await rm(`${work}/journal`)
  return { generation, digest }
}

function fits(before: Manifest | undefined, size: Bytes, disk: string): void {
  if (!before)
    throw new SyncStopped(
      'gap',
      `The store has no generation of ${disk} yet, so there is nothing that could have changed. Push the whole disk first.`,
    )
  if (before.size !== size)
    throw new SyncStopped(
      'source',
      `The disk is ${size} bytes and was ${before.size} in generation ${before.generation}. A list of changes does not tell about that: push the whole disk.`,
    )
}

/** A mover that died right after its manifest was put has done its work: the same push again finds it. */
async function begun(work: string, request: string, newest: Manifest | undefined): Promise<Pushed | undefined> {
  if (!newest || (await readIfThere(`${work}/journal`)) === undefined) return undefined
  const text = await readIfThere(`${work}/begun.json`)
  if (text === undefined) return undefined
  const last = Begun.parse(JSON.parse(text))
  if (last.request !== request || last.generation !== newest.generation || last.digest !== manifestDigest(newest))
    return undefined
  await rm(`${work}/journal`)
  return { generation: last.generation, digest: last.digest }
}
