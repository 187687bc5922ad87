import { existsSync, readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { NO_SWIFT, STARTS_WITHIN, startSwift, swiftOrSaySo } from './fakes/swift.ts'

const found = swiftOrSaySo()

test.runIf(process.env['CI'] === 'true')('where everything must be there, Swift is', () => {
  expect(found, NO_SWIFT).toBe(true)
})

/** A process that has ended and waits for its parent is not alive. */
const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** What was killed is gone a moment later. */
const gone = (pids: Readonly<Record<string, number>>): Promise<void> =>
  vi.waitFor(() => expect(Object.values(pids).filter(alive)).toEqual([]), { timeout: 20_000, interval: 50 })

test.skipIf(!found)(
  'two Swifts run side by side, know only their own credentials, and leave nothing behind',
  async () => {
    const [one, other] = await Promise.all([startSwift(), startSwift()])
    try {
      expect(one.endpoint).not.toBe(other.endpoint)
      expect(one.secretAccessKey).not.toBe(other.secretAccessKey)
      expect(Object.keys(one.pids).sort()).toEqual(['account', 'container', 'object', 'parent', 'proxy'])
      for (const pid of Object.values(one.pids)) expect(alive(pid)).toBe(true)
    } finally {
      await Promise.all([one.stop(), other.stop()])
    }
    for (const { pids, folder } of [one, other]) {
      await gone(pids)
      expect(existsSync(folder)).toBe(false)
    }
  },
  2 * STARTS_WITHIN,
)

test.skipIf(!found)(
  'a server that is frozen is stopped too',
  async () => {
    const swift = await startSwift()
    swift.freeze('object')
    await swift.stop()
    await gone(swift.pids)
  },
  2 * STARTS_WITHIN,
)
