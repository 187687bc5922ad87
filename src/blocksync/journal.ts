import { open } from 'node:fs/promises'
import type { z } from 'zod'
import { readIfThere, writeDurably } from './durable-file.ts'

/** What is done, one line each, appended after it was done. A kill may tear the last line: it counts as not done. */
export interface Journal<T> {
  readonly done: readonly T[]
  note(entry: T): Promise<void>
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
  if (text !== found) await writeDurably(path, text)
  const file = await open(path, 'a')
  let writing: Promise<unknown> = Promise.resolve()
  return {
    done,
    other: same ? [] : entries,
    note: async entry => {
      writing = writing.then(() => file.appendFile(`${JSON.stringify(entry)}\n`))
      await writing
    },
    close: () => file.close(),
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
