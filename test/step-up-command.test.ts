import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { stepUpCommands } from '../src/commands/step-up.ts'
import type { Surroundings } from '../src/commands/step-up-house.ts'
import { minutes, type Person, seconds } from '../src/domain/ids.ts'
import { stepUp } from '../src/engine/step-up.ts'
import { sealWith } from '../src/seal/seal.ts'
import { codeAt, newSecret, totp } from '../src/seal/totp.ts'
import { environment } from '../src/site/environment.ts'
import { type Kept, kept } from './fakes/kept.ts'

const ANN = 'ann' as Person
const NOW = 1_763_640_015_000
const seal = sealWith(Buffer.alloc(32, 7))

let store: Kept
let said: string[]
let status: number
let opened: number
let key: ReturnType<typeof sealWith>
beforeEach(() => {
  store = kept(NOW)
  said = []
  status = 0
  opened = 0
  key = seal
  vi.spyOn(console, 'log').mockImplementation((line: unknown) => void said.push(String(line)))
})
afterEach(() => {
  vi.restoreAllMocks()
  expect(opened, 'the database is closed again').toBe(0)
})

const parts = () => ({ store, seal: key, totp })
const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  async open() {
    opened++
    return {
      site: 'home',
      people: [ANN, 'bob' as Person],
      parts: parts(),
      now: async () => store.time,
      close: async () => void opened--,
    }
  },
  clock: { now: () => 0, timeout: () => new AbortController().signal },
  ...more,
})
async function signalbox(words: readonly string[], more?: Partial<Surroundings>): Promise<string> {
  const program = new Command('signalbox').exitOverride().configureOutput({ writeErr: () => {} })
  const from = said.length
  stepUpCommands(
    program,
    () => environment({ NO_COLOR: '1' }),
    code => {
      status = code
    },
    around(more),
  )
  await program.parseAsync(['step-up', ...words], { from: 'user' })
  return said.slice(from).join('\n')
}
/** The key that the terminal or the page shows, the latest of them. */
const shown = (text: string): string => (text.match(/(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}/g)?.at(-1) ?? '').replaceAll(' ', '')
/** Somebody at the terminal with a phone, which shows these many steps later. */
const phone = (...steps: number[]): Pick<Surroundings, 'ask'> => ({
  ask: async () => codeAt(shown(said.join('\n')), store.time + (steps.shift() ?? 0) * seconds(30)),
})
const give = (code: string) => stepUp({ code }, ANN, parts())

describe('step-up enrol', () => {
  test('shows a picture and a key, and keeps the second factor once the phone shows the right code', async () => {
    const out = await signalbox(['enrol', 'ann'], phone())
    expect(out).toContain('█▀')
    expect(out).toContain('ann has a second factor now. Clear this terminal')
    expect(status).toBe(0)
    expect(store.events()).toMatchObject([
      { type: 'factor.enrolled', person: ANN, by: 'command line' },
      { type: 'factor.used', person: ANN },
    ])
    expect(JSON.stringify(store.events())).not.toContain(shown(out))
    expect(await give(codeAt(shown(out), NOW + seconds(30)))).toBe('totp')
  })

  test('asks three times, and keeps nothing without the right code', async () => {
    const out = await signalbox(['enrol', 'ann'], phone(9, 9, 9))
    expect(out.match(/That code is not right/g)).toHaveLength(3)
    expect(status).toBe(1)
    expect(store.events()).toEqual([])
    expect(await signalbox(['enrol', 'ann'], phone(9, 9, 0))).toContain('has a second factor now')
  })

  test('does not put a second factor in place of another, but when told to', async () => {
    await signalbox(['enrol', 'ann'], phone())
    await expect(signalbox(['enrol', 'ann'], phone())).rejects.toThrow('signalbox step-up enrol ann --replace')
    const out = await signalbox(['enrol', 'ann', '--replace'], phone())
    expect(out).toContain('ann has a second factor now.')
    expect(store.events().filter(event => event.type === 'factor.enrolled')).toHaveLength(2)
  })

  test('knows only the people of the site file', async () => {
    await expect(signalbox(['enrol', 'mallory'], phone())).rejects.toThrow(
      'The site file knows no person mallory. It knows ann, bob.',
    )
    expect(said).toEqual([])
  })

  test('shows nothing where nobody sits: a secret does not come into a log', async () => {
    await expect(signalbox(['enrol', 'ann'])).rejects.toThrow('There is no terminal to show a picture in.')
    expect(said).toEqual([])
  })

  test('that is given up keeps nothing', async () => {
    const gone = { ask: () => Promise.reject(new Error('given up')) }
    await expect(signalbox(['enrol', 'ann'], gone)).rejects.toThrow('given up')
    expect(store.events()).toEqual([])
  })

  describe('with a secret that was made elsewhere', () => {
    let folder: string
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'signalbox-step-up-'))
    })
    afterEach(() => rmSync(folder, { recursive: true, force: true }))
    const written = (text: string): string => {
      const file = join(folder, 'secret')
      writeFileSync(file, text)
      return file
    }

    test('needs no terminal, and prints neither the secret nor the code', async () => {
      const secret = newSecret()
      const code = codeAt(secret, NOW)
      const out = await signalbox(['enrol', 'ann', '--secret', written(`${secret}\n`), '--code', code])
      expect(out).toBe('ann has a second factor now.')
      expect(await give(codeAt(secret, NOW + seconds(30)))).toBe('totp')
    })

    test('needs the right code too', async () => {
      const secret = newSecret()
      const out = await signalbox(['enrol', 'ann', '--secret', written(secret), '--code', codeAt(secret, NOW + minutes(5))])
      expect(out).toContain('not right, and nothing was changed')
      expect(out).not.toContain(secret)
      expect([status, store.events()]).toEqual([1, []])
    })

    test.each([
      [['--secret', 'FILE'], 'go together'],
      [['--code', '123456'], 'go together'],
      [['--secret', 'FILE', '--code', '123456', '--page'], 'without --page'],
      [['--secret', 'NOWHERE', '--code', '123456'], 'NOWHERE cannot be read'],
    ])('says what is missing: %j', async (words, says) => {
      const file = written(newSecret())
      await expect(signalbox(['enrol', 'ann', ...words.map(word => (word === 'FILE' ? file : word))])).rejects.toThrow(says)
      expect(store.events()).toEqual([])
    })

    test('says no to a file without one, and does not repeat what is in it', async () => {
      const file = written('canary-4d7e')
      const tried = signalbox(['enrol', 'ann', '--secret', file, '--code', '123456'])
      await expect(tried).rejects.toThrow('has no secret in it')
      await expect(tried).rejects.not.toThrow('canary')
    })
  })

  test('on a page prints its address and never the key, and ends when the code was given there', async () => {
    const enrolling = signalbox(['enrol', 'ann', '--page'])
    await vi.waitFor(() => expect(said.join('\n')).toContain('http://127.0.0.1:'))
    const url = /http:\S+/.exec(said.join('\n'))?.[0] ?? ''
    const page = await fetch(url)
    const secret = shown(await page.text())
    const answer = await fetch(url, {
      method: 'POST',
      headers: { origin: new URL(url).origin, cookie: page.headers.get('set-cookie')?.split(';')[0] ?? '' },
      body: new URLSearchParams({ code: codeAt(secret, NOW) }),
    })
    expect(await answer.text()).toContain('You are enrolled')
    expect(await enrolling).toContain('ann has a second factor now.')
    expect(secret).toHaveLength(32)
    expect(said.join('\n').replaceAll(' ', '')).not.toContain(secret)
    expect(await give(codeAt(secret, NOW + seconds(30)))).toBe('totp')
  })

  test('on a page ends when its time is over, and keeps nothing', async () => {
    const over = new AbortController()
    const enrolling = signalbox(['enrol', 'ann', '--page'], { clock: { now: () => 0, timeout: () => over.signal } })
    await vi.waitFor(() => expect(said.join('\n')).toContain('http://127.0.0.1:'))
    over.abort()
    expect(await enrolling).toContain('Ten minutes are over')
    expect([status, store.events()]).toEqual([1, []])
  })
})

describe('step-up remove', () => {
  test('takes the second factor away, says so, and keeps why', async () => {
    const out = await signalbox(['enrol', 'ann'], phone())
    expect(await signalbox(['remove', 'ann', '--because', ' lost phone '])).toBe('ann has no second factor any more.')
    expect(store.events().at(-1)).toEqual({ type: 'factor.removed', person: ANN, by: 'command line', because: 'lost phone' })
    expect(await give(codeAt(shown(out), NOW + seconds(30)))).toMatchObject({ no: 'needs a code' })
  })

  test('wants a reason, and somebody who has one', async () => {
    await expect(signalbox(['remove', 'ann'])).rejects.toThrow('--because')
    await expect(signalbox(['remove', 'ann', '--because', ' '])).rejects.toThrow('Say why')
    await expect(signalbox(['remove', 'ann', '--because', 'lost'])).rejects.toThrow('ann has no second factor.')
  })
})

describe('step-up list', () => {
  test('says who has one and since when, who is locked, and who is no longer in the site file', async () => {
    await signalbox(['enrol', 'ann'], phone())
    await store.keep(() => [{ type: 'factor.enrolled', person: 'zoe' as Person, sealed: 'v1.x', by: 'command line' }])
    await store.keep(() => Array.from({ length: 5 }, () => ({ type: 'factor.failed', person: ANN }) as const))
    expect((await signalbox(['list'])).split('\n')).toEqual([
      'ann  since 2025-11-20 12:00 UTC, LOCKED for 15 min after wrong codes',
      'bob  none',
      'zoe  since 2025-11-20 12:00 UTC, NOT READABLE with the seal key that is here, not in the site file',
    ])
  })

  test('says so where the key is another', async () => {
    await signalbox(['enrol', 'ann'], phone())
    key = sealWith(Buffer.alloc(32, 8))
    expect(await signalbox(['list'])).toContain('NOT READABLE')
  })
})
