import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Adapter } from '../kit/device.ts'
import { adapterReference, coreReference } from '../language/reference.ts'

const root = new URL('../../', import.meta.url)
const HEAD = '<!-- Made from the grammar and the capabilities by `npm run -s signalbox -- language`. Do not edit. -->\n\n'

/**
 * Writes docs/language.md and, beside each adapter, its part of the language: so that a new device is one folder. Returns the
 * files that were out of date.
 */
export function writeReference(adapters: ReadonlyMap<string, Adapter>, check: boolean): readonly string[] {
  const links =
    [...adapters.values()].length > 0
      ? [
          '## Devices',
          '',
          'Each kind of device has its own sentences; they are in its folder, in `adapters/<kind>/language.md`.',
          '',
        ]
      : []
  const files = [
    ['docs/language.md', [coreReference(), ...links].join('\n')] as const,
    ...[...adapters.values()].map(
      adapter =>
        [
          `adapters/${adapter.name}/language.md`,
          adapterReference(inOrder(adapter)).replace(/^## /, '# ').replaceAll('\n### ', '\n## '),
        ] as const,
    ),
  ]
  return files.flatMap(([name, text]) => {
    const file = fileURLToPath(new URL(name, root))
    const wanted = `${HEAD}${text.trimEnd()}\n`
    if (existsSync(file) && readFileSync(file, 'utf8') === wanted) return []
    if (!check) writeFileSync(file, wanted)
    return [name]
  })
}

/** By name: a namespace object lists its members in one order when it runs from source and in another when it is bundled. */
const inOrder = (adapter: Adapter): Adapter => ({
  ...adapter,
  capabilities: Object.fromEntries(
    Object.entries(adapter.capabilities).sort(([a], [b]) => (a < b ? -1 : 1)),
  ) as Adapter['capabilities'],
})
