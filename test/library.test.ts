import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import powerpath from '../adapters/powerpath/index.ts'
import { type Simulation, simulate } from '../adapters/powerpath/simulator.ts'
import { BadSite, Declined, Misread, type OpenSite, openSite, Refused, Unreachable } from '../src/library.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SECRET = 'canary-9f1c-library'

let folder: string
let host: Simulation
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-library-'))
  host = await simulate({ folder: join(folder, 'sql01'), size: 1024 * 1024, password: SECRET })
})
afterAll(async () => {
  await host.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A site as an object: what the YAML file says, in JavaScript. */
const siteFor = (settings: object = host.settings) => ({
  name: 'library',
  people: { ann: { roles: ['operator'] }, guest: { roles: ['guest'] } },
  roles: { guest: {} },
  rules: [
    { name: 'anyone may look at paths', may: 'viewer', capability: 'powerpath.paths*', target: '*', 'up to': 'none' },
    {
      name: 'operators may',
      may: 'operator',
      capability: 'powerpath.*',
      target: '*',
      'up to': 'destructive',
      start: 'none',
      before: 'none',
    },
  ],
  targets: { sql01: { kind: 'powerpath', settings: { ...settings } } },
})
const during = async <T>(body: (site: OpenSite) => Promise<T>, options: { as?: string } = {}, settings?: object): Promise<T> => {
  const site = await openSite(siteFor(settings), options)
  try {
    return await body(site)
  } finally {
    await site.close()
  }
}
const errorOf = async (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('nothing was thrown'),
    (error: Error) => error,
  )

describe('the adapters as a library', () => {
  test('answer a sentence, a capability and a typed question with the same value', () =>
    during(async site => {
      const said = await site.read('show paths on sql01')
      const asked = await site.read({ capability: 'powerpath.paths', target: 'sql01' })
      const typed = await site.ask(powerpath, 'paths', 'sql01', {})
      expect(typed.devices[0]?.alive).toBe(4)
      expect(said).toEqual(typed)
      expect(asked).toEqual(typed)
      const one = await site.ask(powerpath, 'pathsOf', 'sql01', { device: 'harddisk5' })
      expect(one.total).toBe(4)
    }))

  test('say what there is: targets, kinds, capabilities, readings and what cannot be done', () =>
    during(async site => {
      expect(site.targets).toEqual([{ name: 'sql01', kind: 'powerpath' }])
      const card = site.adapters.find(one => one.kind === 'powerpath')
      expect(card?.capabilities).toContainEqual({
        name: 'paths',
        summary: expect.any(String) as string,
        effect: 'read',
        examples: ['show paths on sql01'],
      })
      expect(card?.capabilities.find(one => one.name === 'sync')?.effect).toBe('change')
      expect(card?.readings.map(one => one.name)).toContain('sessions')
      expect(card?.cannot.length).toBeGreaterThan(0)
    }))

  test('change nothing: a change is refused with a word about runs, however it is asked for', () =>
    during(async site => {
      const before = host.ledger().length
      for (const question of [
        'set up migration from harddisk5 to harddisk8 on sql01',
        { capability: 'powerpath.setup', target: 'sql01', params: { source: 'harddisk5', target: 'harddisk8' } },
      ]) {
        const error = await errorOf(site.read(question))
        expect(error).toBeInstanceOf(Declined)
        expect(error.message).toContain('Changes go through runs')
      }
      expect((await errorOf(site.read('migrate harddisk5 to harddisk8 on sql01'))).message).toContain('Changes go through runs')
      expect((await errorOf(site.read('approve R1'))).message).toContain('is no question to a device')
      expect(host.ledger()).toHaveLength(before)
      expect(host.state().migrations).toEqual([])
    }))

  test('refuse what is not understood with the words of the bot', () =>
    during(async site => {
      const error = await errorOf(site.read('show pahts on sql01'))
      expect(error).toMatchObject({ name: 'Declined', refusal: { no: 'not understood' } })
      expect(error.message).toContain('Did you mean `show paths on sql01`?')
      expect(await errorOf(site.read('show paths on sql02'))).toMatchObject({ refusal: { no: 'unknown target' } })
      expect(await errorOf(site.read({ capability: 'powerpath.paths', target: 'sql02' }))).toMatchObject({
        refusal: { no: 'unknown target' },
      })
      expect(await errorOf(site.read({ capability: 'toaster.paths', target: 'sql01' }))).toMatchObject({
        refusal: { no: 'wrong kind' },
      })
      expect(await errorOf(site.read({ capability: 'powerpath.nothing', target: 'sql01' }))).toMatchObject({
        refusal: { no: 'bad value' },
      })
      expect(
        await errorOf(site.read({ capability: 'powerpath.pathsOf', target: 'sql01', params: { device: 'a; reboot' } })),
      ).toMatchObject({ refusal: { no: 'bad value' } })
    }))

  test('keep to the policy: whoever may not ask in the chat may not ask here', async () => {
    const guest = await during(site => errorOf(site.read('show paths on sql01')), { as: 'guest' })
    expect(guest).toMatchObject({ name: 'Declined', refusal: { no: 'not permitted', person: 'guest' } })
    await during(site => site.read('show paths on sql01'), { as: 'ann' })
    await expect(openSite(siteFor(), { as: 'mallory' })).rejects.toThrow('The site knows no mallory. It knows ann, guest.')
  })

  test('fail as devices fail: no, nobody there, or half an answer', () =>
    during(async site => {
      host.misbehave({ how: 'refuse' })
      expect(await errorOf(site.read('show paths on sql01'))).toBeInstanceOf(Refused)
      host.misbehave({ how: 'garble' })
      expect(await errorOf(site.read('show paths on sql01'))).toBeInstanceOf(Misread)
      await during(
        async nobody => {
          expect(await errorOf(nobody.read('show paths on sql01', { timeout: 3_000 }))).toBeInstanceOf(Unreachable)
        },
        {},
        { ...host.settings, port: 1 },
      )
      host.heal()
      expect(await site.read('show paths on sql01')).toMatchObject({ total: 8 })
    }))

  test('give up when they are told to', () =>
    during(async site => {
      host.misbehave({ how: 'hang' })
      const error = await errorOf(site.read('show paths on sql01', { timeout: 200 }))
      expect(error.name).toMatch(/Uncertain|Unreachable/)
      host.heal()
    }))

  test('never show a secret of the settings, whatever a device says', () =>
    during(async site => {
      host.misbehave({ how: 'garble', spoil: () => `total nonsense ${SECRET} and password=hunter2hunter2` })
      const error = (await errorOf(site.read('show paths on sql01'))) as Misread
      expect(error).toBeInstanceOf(Misread)
      expect(JSON.stringify([error.message, error.raw, error.cause, error.stack])).not.toMatch(/canary|hunter2/)
      host.misbehave({ how: 'garble', spoil: text => text.replaceAll('c5t4d1', SECRET) })
      const answer = JSON.stringify(await site.read('show paths on sql01'))
      expect(answer).toContain('[redacted]')
      expect(answer).not.toContain(SECRET)
    }))

  test('understand output that was kept, or say that they do not, with the raw text', () =>
    during(async site => {
      expect(site.understand('powerpath', 'setup', 'Migration Handle = 1\n')).toEqual({ session: 1 })
      try {
        site.understand('powerpath', 'paths', `half a table token=${SECRET}`)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(Misread)
        expect((error as Misread).raw).toContain('half a table')
        expect((error as Misread).raw).not.toContain(SECRET)
      }
      expect(() => site.understand('powerpath', 'tea-leaves', 'x')).toThrow(Declined)
    }))

  test('take a site file as well, and complain about it as the bot does', async () => {
    const file = join(folder, 'site.yaml')
    writeFileSync(file, JSON.stringify(siteFor()))
    const site = await openSite(file)
    expect(site.name).toBe('library')
    await site.close()
    await expect(openSite({ ...siteFor(), poeple: {} })).rejects.toBeInstanceOf(BadSite)
    await expect(
      openSite({ ...siteFor({ ...host.settings, password: { env: 'NOT_THERE' } }) }, { variables: {} }),
    ).rejects.toThrow('the environment has no NOT_THERE')
  })
})

describe('the package', () => {
  let built: string
  beforeAll(async () => {
    built = join(folder, 'package')
    cpSync(join(ROOT, 'package.json'), join(built, 'package.json'))
    symlinkSync(join(ROOT, 'node_modules'), join(built, 'node_modules'))
    const build = await run(process.execPath, ['--import', 'tsx', join(ROOT, 'scripts/build.ts'), join(built, 'dist')], ROOT)
    expect(build, build.output).toMatchObject({ status: 0 })
  })

  test('is what its package.json says, and reads a device with plain node', async () => {
    writeFileSync(
      join(built, 'use.mjs'),
      `import { openSite, Declined } from 'signalbox/adapters'
       import powerpath from 'signalbox/adapters/powerpath'
       const site = await openSite(JSON.parse(process.argv[2]), { as: 'ann' })
       const paths = await site.ask(powerpath, 'paths', 'sql01', {})
       const no = await site.read('sync session 1 on sql01').catch(error => error instanceof Declined)
       console.log(JSON.stringify({ total: paths.total, no, kinds: site.adapters.map(one => one.kind) }))
       await site.close()`,
    )
    const { output, status } = await run(process.execPath, ['use.mjs', JSON.stringify(siteFor())], built)
    expect(JSON.parse(output)).toMatchObject({ total: 8, no: true })
    expect(JSON.parse(output).kinds).toContain('powerpath')
    expect(status).toBe(0)
  })

  test("has types that a user's compiler follows", async () => {
    writeFileSync(
      join(built, 'use.mts'),
      `import { type OpenSite, openSite } from 'signalbox/adapters'
       import powerpath from 'signalbox/adapters/powerpath'
       const site: OpenSite = await openSite('site.yaml')
       const paths = await site.ask(powerpath, 'paths', 'sql01', {})
       export const alive: number = paths.devices[0]?.alive ?? 0
       // @ts-expect-error: the adapter has no such capability
       await site.ask(powerpath, 'tea', 'sql01', {})
       // @ts-expect-error: a device is a text
       await site.ask(powerpath, 'pathsOf', 'sql01', { device: 1 })`,
    )
    const compiler = join(ROOT, 'node_modules/.bin/tsc')
    const { output, status } = await run(
      compiler,
      ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', 'use.mts'],
      built,
    )
    expect(output.trim()).toBe('')
    expect(status).toBe(0)
  })

  test('has the command line, the migrations and the grammar in it, and nothing of the tests', async () => {
    const files = readdirSync(join(built, 'dist'), { recursive: true, encoding: 'utf8' })
    expect(readFileSync(join(built, 'dist/src/store/migrations/0001.sql'), 'utf8')).toContain('create table events')
    expect(existsSync(join(built, 'dist/src/language/grammar.generated.js'))).toBe(true)
    expect(files.filter(name => /\.test\.|kit\/(contract|spoilt)|\bvitest\b/.test(name))).toEqual([])
    const { output, status } = await run(process.execPath, [join(built, 'dist/src/main.js'), 'understand', '--list'], built)
    expect(status).toBe(0)
    expect(JSON.parse(output)).toContainEqual({ kind: 'powerpath', reading: 'paths', summary: 'powermt display dev=all' })
  })
})

function run(
  program: string,
  words: readonly string[],
  cwd: string,
): Promise<{ readonly output: string; readonly status: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.on('error', reject)
    child.on('close', status => resolve({ output, status }))
  })
}
