import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RunId } from '../../src/domain/ids.ts'
import type { Call, Queue } from '../../src/ports/queue.ts'

export interface Opened {
  /** A hand on the queue of that name. */
  open(name: string): Promise<Queue>
  /** One whose server went away after it was opened. */
  readonly unreachable: () => Promise<Queue>
  stop(): Promise<void>
}

const R1 = 'R1' as RunId
const nobody = { advance: async () => {}, report: async () => {} }

/** What every queue promises. Knows none by name. */
export function queueContract(name: string, prepare: () => Promise<Opened>): void {
  describe(name, () => {
    let place: Opened
    beforeAll(async () => {
      place = await prepare()
    })
    afterAll(() => place.stop())

    // Each promise has a queue of its own: a nudge may be left lying when its worker stops, as here after the turns that a
    // test counted, and the next worker on that queue would hear it.
    let promises = 0
    beforeEach(() => {
      promises++
    })
    const openQueue = () => place.open(`promise${promises}`)

    const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 5 })

    test('a nudge reaches the call it is for, with its run', async () => {
      const queue = await openQueue()
      const heard: string[] = []
      const on = (call: Call) => async (run: RunId) => {
        heard.push(`${call} ${run}`)
      }
      await queue.work({ advance: on('advance'), report: on('report') })
      await queue.nudge('advance', R1, 1)
      await queue.nudge('report', R1, 1)
      await eventually(() => expect(heard.sort()).toEqual(['advance R1', 'report R1']))
      await queue.stop()
    })

    test('a nudge from another process is heard, and one of two workers answers it', async () => {
      const [bot, first, second] = await Promise.all([openQueue(), openQueue(), openQueue()])
      const heard: string[] = []
      const on = {
        ...nobody,
        advance: async (run: RunId) => {
          heard.push(run)
        },
      }
      await Promise.all([first.work(on), second.work(on)])
      const runs = Array.from({ length: 20 }, (_, i) => `R${i}` as RunId)
      await Promise.all(runs.map(run => bot.nudge('advance', run, 1)))
      await eventually(() => expect([...heard].sort()).toEqual([...runs].sort()))
      await Promise.all([bot, first, second].map(queue => queue.stop()))
      expect(heard.length).toBe(20)
    })

    test('ten nudges for one state, while nobody works, are one turn', async () => {
      const queue = await openQueue()
      await Promise.all(Array.from({ length: 10 }, () => queue.nudge('report', R1, 7)))
      const heard: string[] = []
      await queue.work({
        ...nobody,
        report: async run => {
          heard.push(run)
        },
      })
      await queue.nudge('report', 'R2' as RunId, 1)
      await eventually(() => expect(heard).toContain('R2'))
      await queue.stop()
      expect(heard.filter(run => run === 'R1').length).toBe(1)
    })

    test("a nudge during the run's turn is not swallowed", async () => {
      const queue = await openQueue()
      const { opens, open } = door()
      let truth = 1
      const read: number[] = []
      await queue.work({
        ...nobody,
        advance: async () => {
          read.push(truth)
          if (read.length === 1) await opens
        },
      })
      await queue.nudge('advance', R1, 1)
      await eventually(() => expect(read).toEqual([1]))
      truth = 2
      await queue.nudge('advance', R1, 2)
      open()
      await eventually(() => expect(read.at(-1)).toBe(2))
      await queue.stop()
    })

    test('the same state can be nudged about again once its turn is over', async () => {
      const queue = await openQueue()
      let turns = 0
      await queue.work({
        ...nobody,
        advance: async () => {
          turns++
        },
      })
      await queue.nudge('advance', R1, 30)
      await eventually(() => expect(turns).toBe(1))
      // The turn is over when its worker has said so: nudge until that has come through.
      await vi.waitFor(
        async () => {
          await queue.nudge('advance', R1, 30)
          expect(turns).toBeGreaterThan(1)
        },
        { timeout: 5_000, interval: 5 },
      )
      await queue.stop()
    })

    test('a turn that throws stops neither the worker nor the next nudge', async () => {
      const queue = await openQueue()
      const heard: string[] = []
      await queue.work({
        ...nobody,
        advance: async run => {
          heard.push(run)
          if (run === R1) throw new Error('a bug')
        },
      })
      await queue.nudge('advance', R1, 40)
      await eventually(() => expect(heard).toEqual(['R1']))
      await queue.nudge('advance', 'R2' as RunId, 40)
      await eventually(() => expect(heard).toEqual(['R1', 'R2']))
      await queue.stop()
    })

    test('a slow run does not keep the others waiting', async () => {
      const queue = await openQueue()
      const { opens, open } = door()
      const heard: string[] = []
      await queue.work({
        ...nobody,
        advance: async run => {
          heard.push(run)
          if (run === R1) await opens
        },
      })
      await queue.nudge('advance', R1, 50)
      await eventually(() => expect(heard).toEqual(['R1']))
      await queue.nudge('advance', 'R2' as RunId, 50)
      await eventually(() => expect(heard).toEqual(['R1', 'R2']))
      open()
      await queue.stop()
    })

    test('stop waits for what is in hand, which may still nudge', async () => {
      const [queue, other] = await Promise.all([openQueue(), openQueue()])
      const { opens, open } = door()
      const order: string[] = []
      const reported: string[] = []
      const report = async (run: RunId) => {
        reported.push(run) // here, before the worker for reports stopped too, or there
      }
      await queue.work({
        report,
        advance: async run => {
          order.push('begun')
          await opens
          await queue.nudge('report', run, 60)
          order.push('ended')
        },
      })
      await queue.nudge('advance', R1, 60)
      await eventually(() => expect(order).toEqual(['begun']))
      const stopped = queue.stop().then(() => order.push('stopped'))
      open()
      await stopped
      expect(order).toEqual(['begun', 'ended', 'stopped'])
      await other.work({ ...nobody, report })
      await eventually(() => expect(reported).toEqual(['R1']))
      await other.stop()
    })

    test('a nudge that cannot be delivered is lost without a word and without a wait', async () => {
      const queue = await place.unreachable()
      const began = performance.now()
      await queue.nudge('advance', R1, 1)
      expect(performance.now() - began).toBeLessThan(2_500)
      await queue.stop()
    })
  })
}

function door(): { readonly opens: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opens = new Promise<void>(resolve => {
    open = resolve
  })
  return { opens, open }
}
