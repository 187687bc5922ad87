import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Misread, Refused, Uncertain, Unreachable } from '../src/kit/errors.ts'
import { local } from '../src/kit/local.ts'
import { fixed, word } from '../src/kit/quote.ts'
import type { ExecOptions, Shell } from '../src/kit/shell.ts'
import { type CommandSimulator, simulateCommands } from '../src/kit/simulate.ts'
import { type SshSettings, ssh } from '../src/kit/ssh.ts'

const SECRET = 'hunter2-canary'
let device: CommandSimulator
let settings: SshSettings
let shell: Shell
let running = 0
let most = 0

const soon = (options: Partial<ExecOptions> = {}): ExecOptions => ({ signal: AbortSignal.timeout(5_000), ...options })
const say = (...words: readonly string[]) => fixed(...words)
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    value => Promise.reject(new Error(`it came to ${JSON.stringify(value)}`)),
    error => error,
  )

const start = (folder = mkdtempSync(join(tmpdir(), 'ssh-')), port?: number) =>
  simulateCommands({
    folder,
    port,
    dialect: 'posix',
    username: 'ops',
    password: SECRET,
    understand: words => ({
      changes: words[0] === 'change',
      async run(accept) {
        if (words[0] === 'change') accept()
        most = Math.max(most, ++running)
        if (words[0] === 'slow') await new Promise(resolve => setTimeout(resolve, 30))
        running--
        return { stdout: `said ${words.join('|')}\n`, stderr: 'aside\n', code: words[0] === 'fail' ? 3 : 0 }
      },
    }),
  })

beforeEach(async () => {
  running = most = 0
  device = await start()
  settings = {
    host: device.host,
    port: device.port,
    hostKey: device.hostKey,
    username: 'ops',
    password: SECRET,
    dialect: 'posix',
  }
  shell = ssh(settings)
})
afterEach(async () => {
  await shell.close()
  await device.stop()
})

describe('a command over SSH', () => {
  test('comes back with its two streams apart and its exit status', async () => {
    expect(await shell.exec([...say('hello'), word.text("it's; $(id)")], soon())).toEqual({
      stdout: "said hello|it's; $(id)\n",
      stderr: 'aside\n',
      code: 0,
    })
    expect((await shell.exec(say('fail'), soon())).code).toBe(3)
  })

  test('does not wait for Nagle: 20 commands on one connection', async () => {
    for (let n = 0; n < 20; n++) await shell.exec(say('hello'), soon())
  })

  test('uses at most eight channels at once, and the rest waits', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, (_, n) => shell.exec(say('slow', String(n)), soon())))
    expect(all.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 30 }, (_, n) => `said slow|${n}\n`))
    expect(most).toBeLessThanOrEqual(8)
  })

  test('that waits for a channel too long was never sent', async () => {
    device.misbehave({ how: 'hang', times: 8 })
    const hanging = Array.from({ length: 8 }, () => failure(shell.exec(say('slow'), soon({ signal: AbortSignal.timeout(200) }))))
    const late = await failure(shell.exec(say('change'), soon({ signal: AbortSignal.timeout(100), go: () => {} })))
    expect(late).toBeInstanceOf(Unreachable)
    for (const one of await Promise.all(hanging)) expect(one).toBeInstanceOf(Uncertain)
    expect(device.ledger()).toEqual([])
  })

  test('is not sent when it may not go', async () => {
    const no = new Error('too late')
    const go = () => {
      throw no
    }
    expect(await failure(shell.exec(say('change'), soon({ go })))).toBe(no)
    expect(device.ledger()).toEqual([])
  })

  test('is not sent when its time ran out while the channel was being opened', async () => {
    await shell.exec(say('hello'), soon())
    let asked = 0
    const go = () => {
      // The second question comes right before the request leaves, one round trip after the first.
      if (++asked === 2) throw new Unreachable('it was too late to send')
    }
    expect(await failure(shell.exec(say('change'), soon({ go })))).toBeInstanceOf(Unreachable)
    expect(asked).toBe(2)
    expect(device.ledger()).toEqual([])
    expect((await shell.exec(say('change'), soon({ go: () => {} }))).code).toBe(0)
  })

  test('that the device took on and never answered is uncertain, and it happened', async () => {
    device.misbehave({ how: 'lose answer', to: 'changes' })
    expect(await failure(shell.exec(say('change'), soon({ go: () => {} })))).toBeInstanceOf(Uncertain)
    expect(device.ledger()).toHaveLength(1)
    expect((await shell.exec(say('hello'), soon())).code).toBe(0)
  })

  test('that nobody answers in time is uncertain', async () => {
    device.misbehave({ how: 'hang', times: 2 })
    expect(await failure(shell.exec(say('hello'), soon({ timeout: 100 })))).toBeInstanceOf(Uncertain)
    expect(await failure(shell.exec(say('hello'), soon({ signal: AbortSignal.timeout(100) })))).toBeInstanceOf(Uncertain)
  })

  test('that never stops talking is cut off, and memory stays flat', async () => {
    device.misbehave({ how: 'talk forever', times: 8 })
    const before = process.memoryUsage().arrayBuffers
    for (let n = 0; n < 4; n++) expect(await failure(shell.exec(say('hello'), soon()))).toBeInstanceOf(Misread)
    for (let n = 0; n < 4; n++) expect(await failure(shell.exec(say('change'), soon({ go: () => {} })))).toBeInstanceOf(Uncertain)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
    expect((await shell.exec(say('hello'), soon())).code).toBe(0)
  })

  test('has no control characters in its answer', async () => {
    device.misbehave({ how: 'garble', spoil: () => '\u001b[31mred\u001b[0m\u0007\u001b]0;title\u0007\tand\r\n\u202eplain\u0000' })
    expect((await shell.exec(say('hello'), soon())).stdout).toBe('red\tand\nplain')
  })

  test('goes over a new connection after the old one broke or the device restarted', async () => {
    await shell.exec(say('hello'), soon())
    device.misbehave({ how: 'vanish' })
    expect(await failure(shell.exec(say('hello'), soon()))).toBeInstanceOf(Unreachable)
    device.heal()
    expect((await shell.exec(say('hello'), soon())).code).toBe(0)
  })
})

describe('a host is trusted by its pinned key only', () => {
  test('no pin, no connection, and the text says what to do', async () => {
    const error = await failure(ssh({ ...settings, hostKey: undefined }).exec(say('hello'), soon()))
    expect(error).toBeInstanceOf(Unreachable)
    expect(error.message).toContain(device.hostKey)
    expect(error.message).toContain('set hostKey')
  })

  test('another key is refused with both fingerprints, before the password is sent', async () => {
    const other = await start()
    const error = await failure(ssh({ ...settings, port: other.port }).exec(say('hello'), soon()))
    await other.stop()
    expect(error).toBeInstanceOf(Unreachable)
    expect(error.message).toContain(device.hostKey)
    expect(error.message).toContain(other.hostKey)
    expect(error.message).not.toContain(SECRET)
  })

  test('a wrong password is told from a host that is away, and is in no text', async () => {
    const wrong = await failure(ssh({ ...settings, password: 'wrong-canary' }).exec(say('hello'), soon()))
    expect(wrong).toBeInstanceOf(Unreachable)
    expect(wrong.message).toBe('127.0.0.1 does not accept the login of ops')
    const away = await failure(ssh({ ...settings, port: 1 }).exec(say('hello'), soon()))
    expect(away).toBeInstanceOf(Unreachable)
    expect(`${wrong.stack}${away.stack}`).not.toContain('canary')
  })

  test('a restart in the same folder keeps the key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ssh-'))
    const first = await start(folder)
    await first.stop()
    const second = await start(folder)
    expect(second.hostKey).toBe(first.hostKey)
    await second.stop()
  })

  test('a port where nobody speaks SSH is given up in time', async () => {
    const mute = createServer(() => {})
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as { port: number }
    const error = await failure(ssh({ ...settings, port, connectTimeout: 150 }).exec(say('hello'), soon()))
    expect(error).toBeInstanceOf(Unreachable)
    mute.close()
  })
})

describe('a command on this machine', () => {
  test('goes through no shell', async () => {
    expect(await local().exec([...say('printf'), word.text('%s'), word.text('$(id); x')], soon())).toEqual({
      stdout: '$(id); x',
      stderr: '',
      code: 0,
    })
  })

  test('fails in the same ways', async () => {
    expect(await failure(local().exec(say('no-such-program'), soon()))).toBeInstanceOf(Unreachable)
    expect(await failure(local().exec(say('sleep', '5'), soon({ timeout: 50 })))).toBeInstanceOf(Uncertain)
    expect(await failure(local().exec(say('yes'), soon()))).toBeInstanceOf(Misread)
    expect(await failure(local().exec([word.name('-x')], soon()))).toBeInstanceOf(Refused)
  })

  test('does not see our environment', async () => {
    expect(
      (await local().exec(say('env'), soon())).stdout
        .split('\n')
        .map(line => line.split('=')[0])
        .filter(Boolean)
        .sort(),
    ).toEqual(['LC_ALL', 'PATH'])
  })
})
