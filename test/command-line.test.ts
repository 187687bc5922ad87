import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Simulation, simulate } from '../adapters/powerpath/simulator.ts'
import { chats } from '../src/commands/chats.ts'
import { evidenceCommands } from '../src/commands/evidence.ts'
import { linkCommands } from '../src/commands/link.ts'
import { migrateCommand } from '../src/commands/migrate.ts'
import { offline } from '../src/commands/offline.ts'
import { online } from '../src/commands/online.ts'
import { policyCommands } from '../src/commands/policy.ts'
import { stepUpCommands } from '../src/commands/step-up.ts'
import { environment } from '../src/site/environment.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const EXAMPLE = join(ROOT, 'deploy/site.example.yaml')
const CANARY = 'canary-4d7e-command-line'

let folder: string
let host: Simulation
let site: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
  // As it is installed: compiled once here, or each of the many processes below would compile it for itself.
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const built = spawnSync(process.execPath, ['--import', 'tsx', join(ROOT, 'scripts/build.ts'), join(folder, 'dist')], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  expect(built.status, `${built.stdout}${built.stderr}`).toBe(0)
  host = await simulate({ folder: join(folder, 'sql01'), size: 1024 * 1024, password: CANARY })
  site = join(folder, 'site.yaml')
  writeFileSync(
    site,
    `name: test
people: { ann: { roles: [operator] }, bob: { roles: [lead] }, dan: { roles: [lead] }, eve: { roles: [guest] } }
roles: { guest: {} }
rules:
  - { name: anyone may look, may: viewer, capability: "*", target: "*", up to: none }
  - { name: operators may, may: operator, capability: "*", target: "*", up to: destructive, start: none, before: { from: disruptive, role: lead, people: 1, within: 1h } }
targets: ${JSON.stringify({ sql01: { kind: 'powerpath', settings: { ...host.settings, password: { env: 'SQL01_PASSWORD' } } } })}
`,
  )
})
afterAll(async () => {
  await host.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}
function signalbox(
  words: readonly string[],
  { input = '', variables = {} }: { readonly input?: string; readonly variables?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env
    const env = {
      PATH,
      HOME,
      NO_COLOR: '1',
      SIGNALBOX_FOLDER: join(folder, 'data'),
      SQL01_PASSWORD: CANARY,
      WEB01_PASSWORD: `${CANARY}-web`,
      ...variables,
    }
    const child = spawn(process.execPath, [join(folder, 'dist/src/main.js'), ...words], { cwd: ROOT, env })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.on('error', reject)
    child.on('close', status => {
      expect(`${out}${err}`, 'no secret on the terminal').not.toContain(CANARY)
      resolve({ status, out, err })
    })
    child.stdin.end(input)
  })
}
const ours = (...words: string[]) => signalbox(['--site', site, ...words])

// Each of these is a process of its own; two at a time is what the machine has.
describe.concurrent('the command line', () => {
  test('parse prints the meaning of a sentence as JSON', async () => {
    const { status, out } = await ours('parse', 'show paths on SQL01')
    expect(status).toBe(0)
    expect(JSON.parse(out)).toEqual({ kind: 'act', wish: { capability: 'powerpath.paths', target: 'sql01', params: {} } })
  })

  test('parse ends with status 2 for what is not understood, and says what would have been', async () => {
    const { status, out } = await ours('parse', 'show pahts on sql01')
    expect(status).toBe(2)
    const { refusal, says } = JSON.parse(out)
    expect(refusal).toMatchObject({ no: 'not understood', word: 'pahts', at: 5 })
    expect(says.join(' ')).toContain('Did you mean `show paths on sql01`?')
  })

  test('plan shows every step, gate, device command, undo, the point of no return and the digest, and sends nothing', async () => {
    const before = host.ledger().length
    const { status, out } = await ours('plan', 'migrate harddisk5 to harddisk8 on sql01', '--as', 'ann')
    expect(status).toBe(0)
    for (const part of [
      'asked by ann',
      'targets: sql01',
      'sends: powermig setup',
      'undo:  powermig abort',
      'looks: ',
      'approval, by 2 with the role lead, not the one who asked',
      'point of no return',
    ])
      expect(out).toContain(part)
    expect(out.match(/point of no return/g)).toHaveLength(1)
    expect(out).toMatch(/digest: [0-9a-f]{64}/)
    expect(host.ledger()).toHaveLength(before)
  })

  test('plan --json has the digest of what it prints, and a refusal is JSON with status 2', async () => {
    const [good, bad] = [
      await ours('plan', '--json', 'sync session 1 on sql01'),
      await ours('plan', 'sync session 1 on sql01', '--as', 'eve'),
    ]
    expect(JSON.parse(good.out)).toMatchObject({ by: 'ann', plan: { title: 'sync session 1 on sql01' } })
    expect(bad.status).toBe(2)
    expect(JSON.parse(bad.out)).toMatchObject({ refusal: { no: 'not permitted', person: 'eve' } })
  })

  test('plan for a person who is not in the site file names those who are', async () => {
    const { status, err } = await ours('plan', 'sync session 1 on sql01', '--as', 'mallory')
    expect(status).toBe(1)
    expect(err).toContain('The site file knows no mallory. It knows ann, bob, dan, eve.')
  })

  test('read asks the device, over SSH, with the secret from the environment', async () => {
    const { status, out, err } = await ours('read', 'show paths on sql01')
    expect(`${out}${err}`).toContain('harddisk5')
    expect(out).toContain('4 of 4 paths alive')
    expect(status).toBe(0)
  })

  test('read keeps to the policy, and changes nothing', async () => {
    const [eve, change] = [
      await ours('read', 'show paths on sql01', '--as', 'eve'),
      await ours('read', 'sync session 1 on sql01'),
    ]
    expect(eve.status).toBe(2)
    expect(JSON.parse(eve.out)).toMatchObject({ refusal: { no: 'not permitted', person: 'eve' } })
    expect(change.status).toBe(1)
    expect(change.err).toContain('Changes go through runs')
  })

  test('understand --list has every reading of every adapter', async () => {
    const { status, out } = await signalbox(['understand', '--list'])
    expect(status).toBe(0)
    expect(JSON.parse(out)).toContainEqual({ kind: 'powerpath', reading: 'sessions', summary: 'powermig info -all -query' })
  })

  test('understand makes one JSON value of what it is given, from a file or a pipe', async () => {
    mkdirSync(join(folder, 'kept'), { recursive: true })
    writeFileSync(join(folder, 'kept/setup.txt'), 'Migration Handle = 7\n')
    const [file, pipe] = [
      await signalbox(['understand', 'powerpath', 'setup', join(folder, 'kept/setup.txt')]),
      await signalbox(['understand', 'powerpath', 'setup', '-'], { input: 'Migration Handle = 8\n' }),
    ]
    expect(file).toMatchObject({ status: 0 })
    expect(JSON.parse(file.out)).toEqual({ session: 7 })
    expect(JSON.parse(pipe.out)).toEqual({ session: 8 })
  })

  test('understand ends with status 3 for what it does not understand, with the raw text and without its secrets', async () => {
    const { status, out } = await signalbox(['understand', 'powerpath', 'paths', '-'], {
      input: `Pseudo name=harddisk5\nhalf a table\npassword=${CANARY}\n`,
    })
    expect(status).toBe(3)
    const said = JSON.parse(out)
    expect(said).toMatchObject({ kind: 'Misread', error: expect.any(String) as string })
    expect(said.raw).toContain('half a table')
    expect(said.raw).toContain('[redacted]')
  })

  test('understand says which readings there are, and which file it cannot read', async () => {
    const [which, file] = [
      await signalbox(['understand', 'powerpath', 'tea-leaves', '-']),
      await signalbox(['understand', 'powerpath', 'paths', join(folder, 'nowhere')]),
    ]
    expect(which).toMatchObject({ status: 1, err: expect.stringContaining('powerpath hbas') as string })
    expect(file).toMatchObject({ status: 1, err: expect.stringContaining('nowhere cannot be read') as string })
  })

  test('check-site says yes to the example when its secrets are there, and names the lines when they are not', async () => {
    const good = await signalbox(['check-site', EXAMPLE])
    expect(good).toMatchObject({ status: 0, out: expect.stringContaining('is fine: 2 targets, 4 people, 4 rules.') as string })
    const bad = await signalbox(['check-site', EXAMPLE], { variables: { SQL01_PASSWORD: '' } })
    expect(bad.status).toBe(1)
    expect(bad.err).toMatch(
      /site\.example\.yaml:\d+: targets\.prod-sql01\.settings\.password: the environment has no SQL01_PASSWORD/,
    )
  })

  test('every command has help, and says in it what it does', async () => {
    const program = new Command('signalbox').exitOverride()
    const settings = () => environment({}, folder)
    offline(program, settings, () => {})
    online(program, settings, () => {})
    for (const add of [chats, linkCommands, stepUpCommands, policyCommands, evidenceCommands, migrateCommand])
      add(program, settings, () => {})
    const all = (command: Command): readonly Command[] => command.commands.flatMap(one => [one, ...all(one)])
    const names = all(program).map(command => command.name())
    expect(names).toEqual(
      expect.arrayContaining([
        'parse',
        'plan',
        'read',
        'understand',
        'check-site',
        'start',
        'lab',
        'runs',
        'audit',
        'verify',
        'export',
        'anchor',
        'report',
        'link',
        'links',
        'unlink',
        'step-up',
        'enrol',
        'policy',
        'test',
        'diff',
        'migrate',
        'language',
      ]),
    )
    for (const command of all(program)) {
      expect(command.description().length, command.name()).toBeGreaterThan(15)
      expect(command.helpInformation(), command.name()).toContain(`Usage: signalbox `)
      // A command without a word about its options has none.
      for (const option of command.options) expect(option.flags, command.name()).toMatch(/^--[a-z-]+/)
    }
    const [top, deep] = [await signalbox(['--help']), await signalbox(['audit', 'verify', '--help'])]
    expect(top).toMatchObject({ status: 0, out: expect.stringContaining('check-site <file>') as string })
    expect(deep).toMatchObject({ status: 0, out: expect.stringContaining('recompute the hash chain') as string })
  })

  test('an unknown command, a missing argument and a missing site say what to do', async () => {
    const [unknown, missing, site] = [await signalbox(['frobnicate']), await signalbox(['parse']), await signalbox(['start'])]
    expect(unknown).toMatchObject({
      status: 1,
      err: expect.stringContaining("unknown command 'frobnicate'\nSay --help") as string,
    })
    expect(missing).toMatchObject({ status: 1, err: expect.stringContaining('Say --help') as string })
    expect(site).toMatchObject({ status: 1, err: expect.stringContaining('signalbox lab') as string })
  })

  test('a database that cannot be had is named without its password', async () => {
    const away = await signalbox(['runs'], { variables: { SIGNALBOX_DATABASE_URL: `postgres://u:${CANARY}@127.0.0.1:1/db` } })
    expect(away).toMatchObject({ status: 1, err: expect.stringContaining('The database does not let us in') as string })
    const broken = await signalbox(['runs'], { variables: { SIGNALBOX_DATABASE_URL: `postgres://u:${CANARY}@bad host/db` } })
    expect(broken).toMatchObject({ status: 1, err: expect.stringContaining('is no URL') as string })
  })

  test('on an empty folder the log is whole, there are no runs, and there is nothing to export', async () => {
    const verified = await signalbox(['audit', 'verify'])
    expect(verified).toMatchObject({
      status: 0,
      out: expect.stringContaining('The log is whole: 0 entries of 0 runs.\n') as string,
    })
    expect(await signalbox(['runs'])).toMatchObject({ status: 0, out: 'No runs.\n' })
    expect(await signalbox(['audit', 'export'])).toMatchObject({ status: 0, out: '' })
  }, 30_000)
})
