import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** Who may import whom. A room is named by where its files lie; a file belongs to the longest name that fits. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/domain': [],
  'src/language': ['src/domain'],
  'src/kit': ['src/domain'],
  'src/ports': ['src/domain'],
  'src/engine': ['src/domain', 'src/ports', 'src/kit', 'src/language'],
  'src/audit': ['src/ports', 'src/domain'],
  'src/observe': ['src/ports', 'src/domain'],
  'src/blocksync': ['src/domain'],
  'src/seal': ['src/ports', 'src/domain'],
  'src/own': ['src/ports', 'src/domain', 'src/kit'],
  'src/store': ['src/ports', 'src/domain'],
  'src/queue': ['src/ports', 'src/domain'],
  'src/web': ['src/ports', 'src/domain'],
  'src/outbox': ['src/ports', 'src/domain'],
  'src/picture': ['src/ports', 'src/domain'],
  'src/chat/': ['src/ports', 'src/domain', 'src/outbox', 'src/picture'], // each folder in it is a room of its own
  'src/runbooks': ['src/domain', 'src/kit', 'adapters/'],
  'adapters/': ['src/kit'], // each folder in it is a room of its own: two kinds of device never meet
}

/** The rooms where everything is joined: they may know everyone. */
const JOINING = [
  'src/main.ts',
  'src/house.ts',
  'src/hands.ts',
  'src/commands',
  'src/lab',
  'src/library.ts',
  'src/devices.ts',
  'src/planning.ts',
  'src/spoken.ts',
  'src/registry.ts',
  'src/site',
  'src/connect.ts',
  'src/trust.ts',
  'src/recording.ts',
]

/** What may come from outside: nothing that acts, where only thinking is done. Other rooms choose for themselves. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  'src/domain': ['node:crypto'],
  'src/ports': [],
  'src/engine': [],
  'src/audit': [],
  'src/language': ['nearley', 'moo'],
}

/** Who may know the environment: one file reads it, and three hand it on to a program they start. */
const ENVIRONMENT = ['src/site/environment.ts', 'src/main.ts', 'src/store/owner.ts', 'src/store/postmaster.ts']
const CLOCK = 'src/engine/system-clock.ts'
const TESTS_BUSINESS = ['src/kit/contract.ts', 'src/kit/spoilt.ts']
const LONGEST = 300
const MAY_BE_LONGER: readonly string[] = ['src/language/grammar.generated.ts']

const sources = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map(name => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
const FILES = [...sources('src'), ...sources('adapters')]
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
/** Code without what is only said about it. */
const code = (file: string): string =>
  text(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\s\/\/ .*$/gm, '')

/** The room of a file: of `src/chat/` and `adapters/` the folder below. */
function roomOf(file: string): string | undefined {
  const name = [...Object.keys(ROOMS), ...JOINING]
    .filter(room => file === room || file.startsWith(room.endsWith('/') ? room : `${room}/`))
    .sort((a, b) => b.length - a.length)[0]
  return name?.endsWith('/') ? `${name}${file.slice(name.length).split('/')[0]}` : name
}
const kindOf = (room: string): string => Object.keys(ROOMS).find(name => name.endsWith('/') && room.startsWith(name)) ?? room

const IMPORT = /\bfrom '([^'\n]+)'|\bimport\(\s*'([^'\n]+)'|^import '([^'\n]+)'/gm
const importsOf = (file: string): readonly string[] =>
  [...code(file).matchAll(IMPORT)].map(match => {
    const name = match[1] ?? match[2] ?? match[3] ?? ''
    return name.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(file), name)).replaceAll('\\', '/') : name
  })

const isOurs = (name: string): boolean => name.startsWith('src/') || name.startsWith('adapters/')

/** Why an import breaks the rules, if it does. */
function objection(file: string, imported: string): string | undefined {
  const from = roomOf(file)
  if (from === undefined) return `${file} is in no room`
  if (JOINING.includes(from)) return undefined
  const kind = kindOf(from)
  if (!isOurs(imported))
    return (OUTSIDE[kind]?.includes(imported) ?? true) ? undefined : `${file} imports ${imported} from outside`
  if (TESTS_BUSINESS.includes(imported) && !TESTS_BUSINESS.includes(file))
    return `${file} imports ${imported}, which is the business of tests`
  const to = roomOf(imported)
  if (to === from) return undefined
  return to !== undefined && ROOMS[kind]?.includes(kindOf(to)) ? undefined : `${file} imports ${imported}`
}

describe('the rooms of the house', () => {
  test('every file is in one, and every import goes where it may', () => {
    expect(FILES.length).toBeGreaterThan(90)
    expect(FILES.flatMap(file => importsOf(file).flatMap(imported => objection(file, imported) ?? []))).toEqual([])
    expect(FILES.filter(file => roomOf(file) === undefined)).toEqual([])
  })

  test('the rules say no to what they are for', () => {
    expect(objection('src/domain/run.ts', 'src/kit/device.ts')).toBeDefined()
    expect(objection('src/domain/run.ts', 'node:fs')).toBeDefined()
    expect(objection('src/domain/chain.ts', 'node:crypto')).toBeUndefined()
    expect(objection('src/engine/hear.ts', 'src/store/postgres.ts')).toBeDefined()
    expect(objection('src/engine/hear.ts', 'adapters/powerpath/index.ts')).toBeDefined()
    expect(objection('src/engine/hear.ts', 'src/kit/device.ts')).toBeUndefined()
    expect(objection('src/chat/slack/slack.ts', 'src/chat/discord/discord.ts')).toBeDefined()
    expect(objection('src/chat/slack/slack.ts', 'src/engine/hear.ts')).toBeDefined()
    expect(objection('src/store/rows.ts', 'src/queue/bullmq.ts')).toBeDefined()
    expect(objection('adapters/powerpath/wire.ts', 'adapters/netapp/wire.ts')).toBeDefined()
    expect(objection('adapters/powerpath/wire.ts', 'src/domain/run.ts')).toBeDefined()
    expect(objection('adapters/powerpath/wire.ts', 'adapters/powerpath/powermt.ts')).toBeUndefined()
    expect(objection('adapters/powerpath/wire.ts', 'src/kit/contract.ts')).toBeDefined()
    expect(objection('src/runbooks/migrate.ts', 'adapters/powerpath/index.ts')).toBeUndefined()
    expect(objection('src/runbooks/migrate.ts', 'src/engine/hear.ts')).toBeDefined()
    expect(objection('src/somewhere/else.ts', 'src/domain/run.ts')).toBeDefined()
    expect(objection('src/main.ts', 'src/store/postgres.ts')).toBeUndefined()
  })
})

describe('what no file does', () => {
  const where = (pattern: RegExp, files: readonly string[] = FILES): readonly string[] =>
    files.filter(file => pattern.test(code(file)))

  test('nothing but the site reads the environment; main and two that start programs hand it on', () => {
    expect(where(/\bprocess\.env\b/).filter(file => !ENVIRONMENT.includes(file))).toEqual([])
    expect(code('src/main.ts').match(/\bprocess\.env\b/g)).toHaveLength(1)
    expect(code('src/main.ts')).toMatch(/environment\(\{\s*\.\.\.process\.env,/)
  })

  test('the domain and the engine know no clock, no timer and no chance', () => {
    const thinking = FILES.filter(file => file.startsWith('src/domain/') || file.startsWith('src/engine/'))
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bset(?:Timeout|Interval|Immediate)\b|\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bprocess\b|\bAbortSignal\.timeout\b|\bfetch\(/
    expect(where(impure, thinking)).toEqual([CLOCK])
  })

  test('no type is `any`, but for the default of a generic', () => {
    const ours = FILES.filter(file => !MAY_BE_LONGER.includes(file))
    expect(where(/(?::\s+|<|\bas |\|\s*)any\b(?!['`])|\bany\[\]/, ours)).toEqual([])
    expect(where(/\w\s*=\s*any\b(?!\()/, ours)).toEqual(['src/kit/device.ts'])
  })

  test(`no file of src is longer than ${LONGEST} lines, but for what is made by a program`, () => {
    const long = FILES.filter(file => file.startsWith('src/') && text(file).split('\n').length > LONGEST + 1)
    expect(long.filter(file => !MAY_BE_LONGER.includes(file))).toEqual([])
  })

  test('there are no enums, namespaces, decorators or parameter properties: types erase', () => {
    expect(
      where(
        /^\s*(?:export\s+)?(?:const\s+)?enum\s|^\s*(?:export\s+)?namespace\s|^\s*@\w+\(?|constructor\([^)]*\b(?:private|public|protected|readonly)\s/m,
      ),
    ).toEqual([])
  })
})

describe('the linter', () => {
  const BAD = `async function f(): Promise<void> {}
export function g(): void {
  f()
  if (f()) g()
  const x: any = 1
  console.log(x)
}
`
  test('finds a promise that nobody waits for, one that is taken for a yes, and an any', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-lint-'))
    try {
      // The very rules of the house, on a file that breaks them: one that a release has renamed would be on and find nothing.
      writeFileSync(
        join(folder, 'biome.json'),
        JSON.stringify({ ...JSON.parse(text('biome.json')), $schema: undefined, vcs: undefined }),
      )
      writeFileSync(join(folder, 'bad.ts'), BAD)
      const { stdout, stderr, status } = spawnSync(join(ROOT, 'node_modules/.bin/biome'), ['lint', '.'], {
        cwd: folder,
        encoding: 'utf8',
      })
      const found = [...`${stdout}${stderr}`.matchAll(/lint\/\w+\/(\w+)/g)].map(match => match[1])
      expect(status).toBe(1)
      expect(found).toEqual(expect.arrayContaining(['noFloatingPromises', 'noMisusedPromises', 'noExplicitAny']))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('is silenced in few places, and each says why', () => {
    const silenced = FILES.flatMap(file =>
      [...text(file).matchAll(/biome-ignore[^\n]*/g)].map(([line]) => `${file}: ${line}`),
    ).filter(line => !line.includes('grammar.generated'))
    for (const line of silenced) expect(line).toMatch(/biome-ignore lint\/\w+\/\w+: \w.{10,}/)
    expect(silenced.filter(line => line.includes('noExplicitAny')).every(line => line.startsWith('src/kit/device.ts'))).toBe(true)
  })

  test('and what the compiler is told to be strict about stays on', () => {
    const { compilerOptions } = JSON.parse(
      execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['--showConfig', '-p', ROOT], { encoding: 'utf8' }),
    ) as { compilerOptions: Record<string, unknown> }
    for (const option of [
      'strict',
      'noUncheckedIndexedAccess',
      'exactOptionalPropertyTypes',
      'erasableSyntaxOnly',
      'noImplicitReturns',
      'noFallthroughCasesInSwitch',
    ])
      expect(compilerOptions[option], option).toBe(true)
  })
})
