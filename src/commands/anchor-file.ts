import { open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AnchorFile } from '../engine/anchors.ts'

/** Where the anchors of a folder's database are kept beside it. */
export const anchorsOfFolder = (folder: string): string => join(folder, 'anchors.jsonl')

/** Anchors in a file that only grows. */
export function anchorFile(path: string): AnchorFile {
  return {
    lines: () => linesOf(path),
    async append(lines) {
      const file = await open(path, 'a+', 0o600)
      try {
        const { size } = await file.stat()
        const { buffer } = size === 0 ? { buffer: Buffer.from('\n') } : await file.read(Buffer.alloc(1), 0, 1, size - 1)
        // A line that a crash cut short is ended, so that what comes now is not glued to it.
        const start = buffer.toString() === '\n' ? '' : '\n'
        await file.appendFile(`${start}${lines.map(line => `${line}\n`).join('')}`)
        await file.sync()
      } finally {
        await file.close()
      }
      await durable(dirname(path))
    },
  }
}

/** A new file is there after a crash only if its folder was written too. Windows has no such thing, and no need of it. */
async function durable(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** None where there is no file. */
async function linesOf(path: string): Promise<readonly string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').filter(line => line !== '')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
