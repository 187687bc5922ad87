import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Builds the package into dist, or into the folder that is named: the compiled code, and beside it what is read at run time. */
const root = fileURLToPath(new URL('../', import.meta.url))
const out = resolve(process.argv[2] ?? join(root, 'dist'))

/** Files that the code reads where it lies, by how they end. */
const READ_AT_RUN_TIME = ['.sql']

// What an earlier build left there would be a part of this one: the adapters are whatever folders there are.
rmSync(out, { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', out], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)
for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }))
  if (READ_AT_RUN_TIME.some(ending => name.endsWith(ending))) cpSync(join(root, 'src', name), join(out, 'src', name))
