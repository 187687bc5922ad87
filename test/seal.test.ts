import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeQR } from 'qr/decode.js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../src/ports/clock.ts'
import { NotOurs, type Seal } from '../src/ports/seal.ts'
import { type Knock, turnedAway } from '../src/seal/guard.ts'
import { KEY_FILE, sealKey } from '../src/seal/key-file.ts'
import { openPage, type Page } from '../src/seal/page.ts'
import { qrLines } from '../src/seal/qr.ts'
import { openSeal, sealWith } from '../src/seal/seal.ts'
import { codeAt, newSecret, readSecret, spaced, totp, uri } from '../src/seal/totp.ts'

const KEY = Buffer.alloc(32, 7)
const seal = sealWith(KEY)

describe('a seal', () => {
  test('opens what it closed, and shows none of it before', () => {
    const secret = 'canary-4d7e'.repeat(5)
    const closed = seal.close(secret)
    expect(seal.open(closed)).toBe(secret)
    expect(Buffer.from(closed.slice(3), 'base64url').toString('latin1')).not.toContain('canary')
    expect(seal.close(secret)).not.toBe(closed)
  })

  test('opens nothing that was changed, cut, or closed with another key', () => {
    const closed = seal.close('a secret')
    for (let at = 3; at < closed.length - 1; at++) {
      const other = `${closed.slice(0, at)}${closed[at] === 'A' ? 'B' : 'A'}${closed.slice(at + 1)}`
      expect(() => seal.open(other), `letter ${at}`).toThrow(NotOurs)
    }
    for (const cut of ['', 'v1.', closed.slice(0, 20), closed.slice(0, -4), closed.slice(3), `v2.${closed.slice(3)}`])
      expect(() => seal.open(cut)).toThrow(NotOurs)
    expect(() => sealWith(Buffer.alloc(32, 8)).open(closed)).toThrow(NotOurs)
  })

  test('knows its own signature, and no other', () => {
    const mac = seal.sign('R7 3 abc')
    expect(seal.matches('R7 3 abc', mac)).toBe(true)
    expect(seal.matches('R7 3 abd', mac)).toBe(false)
    for (const other of ['', mac.slice(1), `${mac}=`, mac.toLowerCase(), sealWith(Buffer.alloc(32, 8)).sign('R7 3 abc')])
      expect(seal.matches('R7 3 abc', other)).toBe(false)
  })

  test('gives codes of 40 bits in letters that nobody takes for each other, and knows one however it is typed', () => {
    const codes = Array.from({ length: 2_000 }, () => seal.code())
    for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/)
    expect(new Set(codes).size).toBe(codes.length)
    expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(32)
    expect(seal.hash('k7qx 92mf')).toBe(seal.hash('K7QX-92MF'))
    expect(seal.hash('0011-0000')).toBe(seal.hash('oOiL-oooo'))
    expect(seal.hash('K7QX-92MG')).not.toBe(seal.hash('K7QX-92MF'))
    expect(seal.hash('K7QX-92MF')).not.toBe(sealWith(Buffer.alloc(32, 8)).hash('K7QX-92MF'))
  })

  test('is not made of a short key', () => {
    expect(() => sealWith(Buffer.alloc(31))).toThrow('32 bytes at least')
  })

  test.each([
    ['an encryptor that does nothing', { close: text => text, open: text => text }, /known to open|can be read/],
    ['one that only encodes', { close: text => Buffer.from(`\u0001${text}`).toString('base64url') }, 'what it seals can be read'],
    ['one that is the same each time', { close: () => seal.close.length.toString() }, 'the same way twice'],
    ['a signature that everything has', { matches: () => true }, 'does not know its own signature'],
    ['a hash that is another', { hash: seal.sign as Seal['hash'] }, 'hashes otherwise'],
    ['codes that do not change', { code: () => 'AAAA-AAAA' }, 'not by chance'],
  ] as readonly [string, Partial<Seal>, string | RegExp][])('with %s is refused before anything starts', (_, broken, says) => {
    expect(() => openSeal(KEY, key => ({ ...sealWith(key), ...broken }))).toThrow(says)
    expect(() => openSeal(KEY)).not.toThrow()
  })
})

describe('the key file', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-seal-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const file = () => join(folder, KEY_FILE)

  test('is made once, for its owner alone, and is the same key afterwards', () => {
    const key = sealKey(folder, undefined)
    expect(key).toHaveLength(32)
    if (process.platform !== 'win32') expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(sealKey(folder, undefined)).toEqual(key)
    expect(readdirSync(folder)).toEqual([KEY_FILE])
  })

  test.skipIf(process.platform === 'win32').each([0o640, 0o604, 0o660, 0o644, 0o601])(
    'that others can get at is refused, with what to do: mode %o',
    mode => {
      sealKey(folder, undefined)
      chmodSync(file(), mode)
      expect(() => sealKey(folder, undefined)).toThrow(`chmod 600 ${file()}`)
    },
  )

  test('that is no key is refused, and not written over', () => {
    for (const text of ['', '\n', 'short', 'a'.repeat(63), '!'.repeat(64)]) {
      writeFileSync(file(), text, { mode: 0o600 })
      expect(() => sealKey(folder, undefined)).toThrow('is no seal key')
      expect(readFileSync(file(), 'utf8')).toBe(text)
    }
  })

  test('is not looked for where a key is given; a given one is hexadecimal or base64, and long enough', () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, n) => n * 7))
    for (const given of [
      key.toString('hex'),
      key.toString('hex').toUpperCase(),
      key.toString('base64'),
      `${key.toString('base64url')}\n`,
    ])
      expect(sealKey(folder, given)).toEqual(key)
    for (const given of [
      '',
      ' ',
      key.subarray(1).toString('hex'),
      key.subarray(1).toString('base64'),
      'not a key, but long enough to be one',
    ])
      expect(() => sealKey(folder, given)).toThrow('SIGNALBOX_SEAL_KEY is no seal key')
    expect(() => sealKey(folder, 'canary-4d7e')).not.toThrow('canary')
    expect(existsSync(file())).toBe(false)
  })

  test('of a folder where nothing can be written is not made, and says how else to give one', () => {
    writeFileSync(join(folder, 'a-file'), '')
    expect(() => sealKey(join(folder, 'a-file'), undefined)).toThrow('SIGNALBOX_SEAL_KEY')
  })

  test('made by several processes at once is one key for all of them', async () => {
    const module = fileURLToPath(new URL('../src/seal/key-file.ts', import.meta.url))
    const racer = join(folder, 'racer.ts')
    // Each waits for the same moment, again and again, or they would seldom meet.
    writeFileSync(
      racer,
      `import { sealKey } from ${JSON.stringify(module)}
const [start, folder] = [Number(process.argv[2]), process.argv[3]]
const keys = Array.from({ length: ${RACES} }, (_, n) => {
  while (Date.now() < start + n * 20);
  return sealKey(\`\${folder}/\${n}\`, undefined).toString('hex')
})
console.log(keys.join(' '))`,
    )
    const start = String(Date.now() + 1_500)
    const [ours = [], ...others] = (await Promise.all([1, 2].map(() => printed(racer, start, folder)))).map(keys =>
      keys.split(' '),
    )
    expect(new Set(ours).size).toBe(RACES)
    for (const theirs of others) expect(theirs).toEqual(ours)
    for (const [n, key] of ours.entries()) {
      expect(sealKey(join(folder, String(n)), undefined).toString('hex')).toBe(key)
      expect(readdirSync(join(folder, String(n)))).toEqual([KEY_FILE])
    }
  })
})

const RACES = 40

const printed = (script: string, ...words: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...words], {
      cwd: fileURLToPath(new URL('../', import.meta.url)),
    })
    let out = ''
    child.stdout.on('data', chunk => (out += String(chunk)))
    child.stderr.on('data', chunk => (out += String(chunk)))
    child.once('error', reject)
    child.once('close', () => resolve(out.trim()))
  })

describe('codes that change with time', () => {
  // RFC 6238, appendix B, SHA-1: the eight digits of the table end in these six.
  const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' // "12345678901234567890"
  test.each([
    [59, '287082', 0x1],
    [1111111109, '081804', 0x23523ec],
    [1111111111, '050471', 0x23523ed],
    [1234567890, '005924', 0x273ef07],
    [2000000000, '279037', 0x3f940aa],
    [20000000000, '353130', 0x27bc86aa],
  ])('are those of RFC 6238: at %i s it is %s', (at, code, counter) => {
    expect(totp.counterOf(SECRET, code, at * 1000)).toBe(counter)
    expect(codeAt(SECRET, at * 1000)).toBe(code)
    expect(totp.counterOf(SECRET, code, (at + 30) * 1000)).toBe(counter)
    expect(totp.counterOf(SECRET, code, (at - 30) * 1000)).toBe(counter)
    expect(totp.counterOf(SECRET, code, (at + 60) * 1000)).toBeUndefined()
    expect(totp.counterOf(SECRET, code, (at - 60) * 1000)).toBeUndefined()
  })

  test('are six digits and nothing else', () => {
    for (const code of ['', '28708', '2870822', '２８７０８２', '0x46160', '-87082', '28708a'])
      expect(totp.counterOf(SECRET, code, 59_000)).toBeUndefined()
  })

  test('come of secrets of 160 bits; one that is made elsewhere has 128 at least', () => {
    const secret = newSecret()
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(newSecret()).not.toBe(secret)
    expect(readSecret(` ${spaced(secret).toLowerCase()}\n`)).toBe(secret)
    for (const bad of ['', 'JBSWY3DPEHPK3PXP', `${secret}1`, `${secret}!`]) expect(readSecret(bad)).toBeUndefined()
  })
})

describe('the QR code', () => {
  const address = uri(newSecret(), 'ann', 'dc: "north" & <east>')
  test('names the person and the site, and parts them with one colon', () => {
    const { protocol, host, pathname, searchParams } = new URL(address)
    expect([protocol, host]).toEqual(['otpauth:', 'totp'])
    expect(decodeURIComponent(pathname.slice(1)).split(':')).toEqual(['Signalbox dc  "north" & <east>', 'ann'])
    expect(searchParams.get('issuer')).toBe('Signalbox dc  "north" & <east>')
  })

  test.each([true, false])('in a terminal is read by a phone as that address, and fits it (colours: %s)', colours => {
    const short = uri(newSecret(), 'ann', 'home')
    expect(qrLines(short, colours).length).toBeLessThanOrEqual(22)
    for (const text of [short, address]) expect(seen(qrLines(text, colours))).toBe(text)
    // Bright white blocks on black, whatever the terminal's own ground is.
    for (const line of qrLines(short, colours)) expect(line.startsWith('\u001b[97;40m')).toBe(colours)
  })
})

/** What a camera sees of half blocks: a full block is light. */
function seen(lines: readonly string[]): string {
  const rows = lines.map(line => [...line.replace(/\u001b\[[\d;]*m/g, '')])
  const width = Math.max(...rows.map(row => row.length))
  const light = (x: number, y: number): boolean => {
    const block = rows[Math.floor(y / 2)]?.[x] ?? ' '
    return block === '█' || block === (y % 2 === 0 ? '▀' : '▄')
  }
  const scale = 4
  const [w, h] = [width * scale, width * scale]
  const pixels = new Uint8ClampedArray(w * h * 4)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      pixels.fill(light(Math.floor(x / scale), Math.floor(y / scale)) ? 255 : 0, (y * w + x) * 4, (y * w + x) * 4 + 3)
  return decodeQR({ width: w, height: h, data: pixels })
}

describe('the page for one person', () => {
  let page: Page
  let expire: AbortController
  let asked: string[]
  let answers: ('enrolled' | 'has one' | 'wrong code')[]
  const clock: Clock = {
    now: () => 0,
    timeout: () => {
      expire = new AbortController()
      return expire.signal
    },
  }
  const SECRET = newSecret()
  beforeEach(async () => {
    asked = []
    answers = []
    page = await openPage({ person: 'ann', site: '<i>dc</i>', secret: SECRET }, clock, async code => {
      asked.push(code)
      return answers.shift() ?? 'wrong code'
    })
  })
  afterEach(() => page.stop())

  interface Answer {
    readonly status: number
    readonly body: string
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  }
  const call = (method: string, headers: Readonly<Record<string, string>> = {}, body = '', url = page.url): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request(url, { method, headers, agent: false }, response => {
        let text = ''
        response.on('data', chunk => (text += String(chunk)))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }))
        response.on('error', reject)
      })
      asked.on('error', reject)
      asked.end(body)
    })
  const origin = () => new URL(page.url).origin
  /** Opens the page as a browser does; the answer is the cookie that it got. */
  const opened = async (): Promise<string> => {
    const { headers } = await call('GET', { 'sec-fetch-site': 'none' })
    return String(headers['set-cookie']).split(';')[0] ?? ''
  }
  const form = (cookie: string, code = '123456', more: Readonly<Record<string, string>> = {}) =>
    call(
      'POST',
      { origin: origin(), 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded', cookie, ...more },
      `code=${code}`,
    )

  test('is on this machine only, under an address that nobody guesses', () => {
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/)
    expect(page.url).not.toContain(SECRET)
  })

  test('shows the picture and the key once, to one browser, and is kept by none', async () => {
    const { status, body, headers } = await call('GET', { 'sec-fetch-site': 'none' })
    expect(status).toBe(200)
    expect(body).toContain('<svg')
    expect(body).toContain(spaced(SECRET))
    expect(body).toContain('&lt;i&gt;dc&lt;/i&gt;')
    expect(body).not.toMatch(/<script|<i>|https?:\/\/(?!www\.w3\.org)/)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin' })
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*form-action 'self'; frame-ancestors 'none'/)
    expect(String(headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict; Path=\/[0-9a-f]{32}$/)
    expect(Object.keys(headers).filter(name => name.startsWith('access-control'))).toEqual([])
    const again = await call('GET', { 'sec-fetch-site': 'none' })
    expect(again).toMatchObject({ status: 403, body: expect.stringContaining('opened already') as string })
    expect(again.body).not.toContain(spaced(SECRET))
    const cookie = String(headers['set-cookie']).split(';')[0] ?? ''
    expect((await call('GET', { cookie })).status).toBe(200)
    expect((await call('GET', { cookie: `${cookie}0` })).status).toBe(403)
  })

  test('takes the code, ends, and is gone', async () => {
    answers = ['wrong code', 'enrolled']
    const cookie = await opened()
    const wrong = await form(cookie, '000000')
    expect(wrong).toMatchObject({ status: 200, body: expect.stringContaining('That code is not right') as string })
    expect(await form(cookie, '654321')).toMatchObject({
      status: 200,
      body: expect.stringContaining('You are enrolled') as string,
    })
    expect(asked).toEqual(['000000', '654321'])
    expect(await page.ended).toBe('enrolled')
    await page.stop()
    await expect(form(cookie)).rejects.toThrow('ECONNREFUSED')
  })

  test('is gone when its time is over', async () => {
    const cookie = await opened()
    expire.abort()
    expect(await page.ended).toBe('expired')
    await page.stop()
    await expect(call('GET', { cookie })).rejects.toThrow('ECONNREFUSED')
    expect(asked).toEqual([])
  })

  test('takes five codes that are not right, and is gone', async () => {
    const cookie = await opened()
    for (let n = 0; n < 4; n++) expect((await form(cookie)).status).toBe(200)
    expect((await form(cookie)).status).toBe(403)
    expect(await page.ended).toBe('too many')
    await page.stop()
    await expect(form(cookie)).rejects.toThrow('ECONNREFUSED')
    expect(asked).toHaveLength(5)
  })

  test('answers under no other name: a name that was made to lead here gets nothing', async () => {
    for (const host of [
      'evil.example',
      `localhost:${new URL(page.url).port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `evil.${new URL(page.url).host}`,
      `${new URL(page.url).host}.evil.example`,
      `evil.example:${new URL(page.url).port}`,
    ]) {
      const { status, body } = await call('GET', { host })
      expect(status, host).toBe(403)
      expect(body).not.toContain(spaced(SECRET))
    }
    expect((await call('GET', {}, '', `${page.url}0`)).status).toBe(404)
    expect((await call('GET', {}, '', `${page.url}?x=1`)).status).toBe(404)
    expect((await call('GET', {}, '', origin())).status).toBe(404)
    // None of that has used it up.
    expect((await call('GET')).status).toBe(200)
  })

  test.each([
    ['a page elsewhere', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a frame without an origin', { origin: 'null' }],
    ['another page of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['a browser that says it comes from elsewhere', { 'sec-fetch-site': 'cross-site' }],
    ['this host over another protocol', { origin: 'https://127.0.0.1' }],
    ['no browser', { cookie: '' }],
    ['another browser', { cookie: 'signalbox-step-up=0123456789abcdef0123456789abcdef' }],
  ])('takes no code from %s', async (_, headers) => {
    const cookie = await opened()
    expect((await form(cookie, '123456', headers as Readonly<Record<string, string>>)).status).toBe(403)
    expect(asked).toEqual([])
  })

  test('takes no code without an origin, before it was opened, as another kind of form, or a long one', async () => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await form('')).status).toBe(403)
    const cookie = await opened()
    expect((await call('POST', { cookie, ...type }, 'code=123456')).status).toBe(403)
    expect((await form(cookie, '123456', { 'content-type': 'text/plain' })).status).toBe(400)
    await expect(form(cookie, '1'.repeat(5_000))).rejects.toThrow()
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'HEAD'])
      expect((await call(method, { cookie, origin: origin() })).status).toBe(405)
    expect(asked).toEqual([])
  })

  test('cannot be looked at from another page', async () => {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ])
      expect((await call('GET', headers as Readonly<Record<string, string>>)).status).toBe(403)
    expect((await call('GET', { 'sec-fetch-site': 'none' })).status).toBe(200)
  })
})

describe('who gets at the page', () => {
  const door = { host: '127.0.0.1:4000', path: '/t', pass: 'p' }
  const good: Knock = {
    method: 'POST',
    path: '/t',
    host: door.host,
    origin: `http://${door.host}`,
    type: 'application/x-www-form-urlencoded; charset=utf-8',
    pass: 'p',
  }
  test('is whoever says everything as a browser on this page says it; one thing else, and it is nobody', () => {
    expect(turnedAway(good, door)).toBeUndefined()
    for (const other of [
      { host: undefined },
      { origin: undefined },
      { pass: undefined },
      { pass: '' },
      { type: undefined },
      { from: 'none' },
      { path: '/' },
      { method: 'PATCH' },
    ])
      expect(turnedAway({ ...good, ...other }, door), JSON.stringify(other)).toBeDefined()
  })
})
