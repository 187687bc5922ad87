import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Adapter } from './kit/device.ts'

/** The folders under adapters/: one folder is one kind of device, and being there is all it takes. */
export async function loadAdapters(
  folder: URL = new URL('../adapters/', import.meta.url),
): Promise<ReadonlyMap<string, Adapter>> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const names = readdirSync(fileURLToPath(folder), { withFileTypes: true })
    .filter(entry => entry.isDirectory() && existsSync(new URL(`${entry.name}/index.${ending}`, folder)))
    .map(entry => entry.name)
    .sort()
  const loaded = await Promise.all(
    names.map(async name => (await import(new URL(`${name}/index.${ending}`, folder).href)) as { default: Adapter }),
  )
  for (const [n, module] of loaded.entries()) {
    if (module.default?.name !== names[n])
      throw new Error(
        `adapters/${names[n]}/index.${ending} must export by default an adapter of that name, and says "${module.default?.name}"`,
      )
  }
  return new Map(loaded.map(({ default: adapter }) => [adapter.name, adapter]))
}
