import { open } from 'node:fs/promises'
import type { z } from 'zod'
import { readIfThere, writeWhole } from './durable-file.ts'

/**
 * What is done, one line each, appended after it was done. A kill may tear the last line: it counts as not done. Nothing is fsynced:
 * what a machine loses with its power is done again, and whoever goes on looks whether what is noted is there.
 */
export interface Journal<T> {
  readonly done: readonly T[]
  note(entries: readonly T[]): Promise<void> // one write for all of them
  close(): Promise<void>
}

/**
 * Goes on with the journal of the same work, else begins a new one. `work` is all that the entries depend on: the disk, the list, the
 * generation. What lies there of other work is handed to `other` before it goes.
 */
export async function openJournal<T>(
  path: string,
  work: string,
  Entry: z.ZodType<T>,
): Promise<Journal<T> & { readonly other: readonly T[] }> {
  const found = await readIfThere(path)
  const [head, ...lines] = (found ?? '').split('\n').slice(0, -1) // what follows the last newline is torn
  const entries: T[] = []
  for (const line of lines) {
    const entry = Entry.safeParse(parsed(line))
    if (!entry.success) break
    entries.push(entry.data)
  }
  const same = head === JSON.stringify(work)
  const done = same ? entries : []
  const text = [work, ...done].map(line => `${JSON.stringify(line)}\n`).join('')
  if (text !== found) await writeWhole(path, text)
  const file = await open(path, 'a')
  let writing: Promise<unknown> = Promise.resolve()
  return {
    done,
    other: same ? [] : entries,
    note: async entries => {
      const lines = entries.map(entry => `${JSON.stringify(entry)}\n`).join('')
      writing = writing.then(() => file.appendFile(lines))
      await writing
    },
    close: () => file.close(),
  }
}

/** Whether the journal that is there is of this work. */
export const isOf = async (path: string, work: string): Promise<boolean> =>
  (await readIfThere(path))?.startsWith(`${JSON.stringify(work)}\n`) ?? false

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
