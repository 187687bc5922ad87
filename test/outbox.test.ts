import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LANES, type Lane } from '../src/domain/chat.ts'
import { minutes, seconds } from '../src/domain/ids.ts'
import { type Bucket, limit, newBucket, next, refill, take } from '../src/outbox/bucket.ts'
import type { Budget, Lanes } from '../src/outbox/lanes.ts'
import { type LanesOptions, openLanes } from '../src/outbox/open-lanes.ts'
import { NotShown } from '../src/ports/chat.ts'
import { NOW } from './fakes/given.ts'

/** A clock that stands still until it is pushed; what comes due happens in its order, and is over before time goes on. */
function pushedClock(start = NOW) {
  let now = start
  const waiting = new Set<{ readonly due: number; readonly fire: () => void }>()
  const settled = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) await Promise.resolve()
  }
  return {
    now: () => now,
    timer(ms: number, fire: () => void) {
      const one = { due: now + ms, fire }
      waiting.add(one)
      return { cancel: () => void waiting.delete(one) }
    },
    timers: () => waiting.size,
    async push(ms: number): Promise<void> {
      const end = now + ms
      await settled()
      for (;;) {
        const [first] = [...waiting].filter(one => one.due <= end).sort((a, b) => a.due - b.due)
        if (!first) break
        waiting.delete(first)
        now = Math.max(now, first.due)
        first.fire()
        await settled()
      }
      now = end
    },
  }
}

interface Wish {
  readonly after: number // since the one before
  readonly lane: Lane
  readonly names: readonly string[]
  readonly takes: number
}

interface Told {
  readonly is: 'asked' | 'sent'
  readonly at: number
  readonly call: number
}

/** Everything asked for and sent, in the order in which it happened, until all is over. */
async function played(wishes: readonly Wish[], budgets: Readonly<Record<string, Budget>>, over: Over = {}) {
  const clock = pushedClock()
  const lanes = openLanes({ now: clock.now, timer: clock.timer, concurrency: 1_000, ...over.options })
  const told: Told[] = []
  let ended = 0
  for (const [call, { after, lane, names, takes }] of wishes.entries()) {
    await clock.push(after)
    told.push({ is: 'asked', at: clock.now(), call })
    over.meanwhile?.(lanes, call)
    const send = async (): Promise<void> => {
      told.push({ is: 'sent', at: clock.now(), call })
      await new Promise<void>(resolve => clock.timer(takes, resolve))
    }
    const needed = Object.fromEntries(names.map(name => [name, budgets[name]!]))
    void lanes.call({ lane, budgets: needed, send }).then(() => ended++)
  }
  for (let n = 0; n < 600 && ended < wishes.length; n++) await clock.push(minutes(1))
  return { told, sent: told.filter(one => one.is === 'sent'), ended, timers: clock.timers(), depth: lanes.depth() }
}

interface Over {
  readonly options?: Partial<LanesOptions>
  meanwhile?(lanes: Lanes, call: number): void
}

const NAMES = ['chat.update', 'C1', 'C2']
const budget = fc.record({ perMinute: fc.integer({ min: 6, max: 120 }), burst: fc.integer({ min: 1, max: 12 }) })
const someBudgets = fc.record(Object.fromEntries(NAMES.map(name => [name, budget])))
const wish = (names: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Wish> =>
  fc.record({
    after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
    lane: fc.constantFrom(...LANES),
    names,
    takes: fc.integer({ min: 0, max: 4_000 }),
  })
const several = fc.subarray(NAMES, { minLength: 1 })
const wishes = fc.array(wish(several), { minLength: 1, maxLength: 120, size: 'max' })
const RUNS = { numRuns: 120, seed: 20251120 }
const watched = (lane: Lane): boolean => lane === 'transition' || lane === 'percent'

/** What is left of a budget that is used as it may be, counted in the simplest way; a second opinion. */
function purse({ perMinute, burst }: Budget) {
  let [left, since] = [burst, NOW]
  const at = (now: number): number => {
    left = Math.min(burst, left + ((now - since) * perMinute) / 60_000)
    since = now
    return left
  }
  return { at, take: (now: number) => (left = at(now) - 1) }
}

const most = (times: readonly number[]): number =>
  times.reduce((most, end) => Math.max(most, times.filter(at => at <= end && at > end - 60_000).length), 0)

describe('the outbox', () => {
  test('sends no more in any minute than each budget has, and of what is merely watched 60 % of that', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, someBudgets, fc.array(fc.nat(119), { maxLength: 3 }), async (all, budgets, limits) => {
        const meanwhile = (lanes: Lanes, call: number): void => {
          if (limits.includes(call)) lanes.limited('C1', seconds(20))
        }
        const { sent } = await played(all, budgets, { meanwhile })
        for (const [name, { perMinute, burst }] of Object.entries(budgets)) {
          const using = sent.filter(({ call }) => all[call]!.names.includes(name))
          const low = using.filter(({ call }) => watched(all[call]!.lane))
          expect(most(using.map(one => one.at))).toBeLessThanOrEqual(burst + perMinute)
          expect(most(low.map(one => one.at))).toBeLessThanOrEqual(Math.max(1, 0.6 * burst) + 0.6 * perMinute)
        }
      }),
      RUNS,
    )
  })

  test('lets no answer and no end wait while it sends something lower for which it might have been sent', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, someBudgets, async (all, budgets) => {
        const { told } = await played(all, budgets)
        const purses = new Map(NAMES.map(name => [name, purse(budgets[name]!)]))
        const waiting = new Set<number>()
        for (const { is, at, call } of told) {
          const { lane, names } = all[call]!
          if (is === 'asked') {
            waiting.add(call)
            continue
          }
          waiting.delete(call)
          for (const other of waiting) {
            const urgent = LANES.indexOf(all[other]!.lane) < LANES.indexOf(lane) && !watched(all[other]!.lane)
            if (!urgent || !all[other]!.names.some(name => names.includes(name))) continue
            // It needs something that is spent; what it shares with this one is not what it waits for.
            expect(all[other]!.names.some(name => purses.get(name)!.at(at) < 1 - 1e-6)).toBe(true)
          }
          for (const name of names) purses.get(name)!.take(at)
          if (!watched(lane)) continue
          for (const name of names) {
            const { burst } = budgets[name]!
            expect(purses.get(name)!.at(at)).toBeGreaterThanOrEqual(Math.min(0.4 * burst, burst - 1) - 1e-6)
          }
        }
      }),
      RUNS,
    )
  })

  test('of calls with one budget never sends one while a higher lane waits for the same', async () => {
    const one = fc.array(wish(fc.constantFrom(...NAMES.map(name => [name]))), { minLength: 1, maxLength: 120, size: 'max' })
    await fc.assert(
      fc.asyncProperty(one, someBudgets, async (all, budgets) => {
        const { told } = await played(all, budgets)
        const waiting = new Set<number>()
        for (const { is, call } of told) {
          if (is === 'asked') waiting.add(call)
          else waiting.delete(call)
          if (is === 'asked') continue
          const { lane, names } = all[call]!
          const higher = [...waiting].filter(
            other => all[other]!.names[0] === names[0] && LANES.indexOf(all[other]!.lane) < LANES.indexOf(lane),
          )
          expect(higher).toEqual([])
        }
      }),
      RUNS,
    )
  })

  test('sends what asks for the same in the order in which it came', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, someBudgets, fc.integer({ min: 1, max: 5 }), async (all, budgets, concurrency) => {
        const { sent } = await played(all, budgets, { options: { concurrency } })
        const kinds = new Map<string, number>()
        for (const { call } of sent) {
          const kind = JSON.stringify([all[call]!.lane, [...all[call]!.names].sort()])
          expect(call).toBeGreaterThan(kinds.get(kind) ?? -1)
          kinds.set(kind, call)
        }
      }),
      RUNS,
    )
  })

  test('sends everything in the end, each call once, and leaves no timer behind', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, someBudgets, fc.integer({ min: 1, max: 8 }), async (all, budgets, concurrency) => {
        const meanwhile = (lanes: Lanes, call: number): void => {
          if (call % 40 === 7) lanes.limited('C2', seconds(90))
        }
        const { sent, ended, timers, depth } = await played(all, budgets, { options: { concurrency }, meanwhile })
        expect(ended).toBe(all.length)
        expect(sent.map(one => one.call).sort((a, b) => a - b)).toEqual(all.map((_, call) => call))
        expect(timers).toBe(0)
        expect(Object.values(depth)).toEqual(LANES.map(() => ({ waiting: 0, oldest: 0 })))
      }),
      RUNS,
    )
  })
})

const UPDATE: Readonly<Record<string, Budget>> = { 'chat.update': { perMinute: 50, burst: 10 } }

/** An outbox whose calls end when the test says so. */
function desk(options: Partial<LanesOptions> = {}) {
  const clock = pushedClock()
  const lanes = openLanes({ now: clock.now, timer: clock.timer, ...options })
  const sent: string[] = []
  const ends = new Map<string, { done(): void; signal: AbortSignal }>()
  const ask = (name: string, lane: Lane, budgets = UPDATE): Promise<string> =>
    lanes.call({
      lane,
      budgets,
      send: signal => {
        sent.push(name)
        return new Promise<string>((resolve, reject) => {
          ends.set(name, { done: () => resolve(name), signal })
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      },
    })
  const quietly = (name: string, lane: Lane, budgets = UPDATE): Promise<unknown> => ask(name, lane, budgets).catch(error => error)
  return {
    clock,
    lanes,
    sent,
    ask,
    quietly,
    end: (name: string) => ends.get(name)!.done(),
    signal: (name: string) => ends.get(name)!.signal,
  }
}

describe('an approval', () => {
  test('that comes while two thousand percentages wait is sent at once, and so are the next ones', async () => {
    const { clock, sent, quietly } = desk({ concurrency: 1_000 })
    for (let n = 0; n < 2_000; n++) void quietly(`p${n}`, 'percent')
    await clock.push(seconds(90))
    for (const name of ['a1', 'a2', 'a3', 'a4']) void quietly(name, 'answer')
    expect(sent.slice(-4)).toEqual(['a1', 'a2', 'a3', 'a4'])
  })

  test('does not wait for slow calls that merely show progress', async () => {
    const { clock, sent, quietly } = desk({ concurrency: 5 })
    for (let n = 0; n < 10; n++) void quietly(`p${n}`, n % 2 ? 'percent' : 'transition')
    await clock.push(0)
    expect(sent).toHaveLength(3)
    void quietly('a', 'answer')
    void quietly('e', 'end')
    expect(sent.slice(3)).toEqual(['a', 'e'])
  })

  test('goes before an end, an end before what became of a step, and that before a percentage', async () => {
    const { clock, sent, quietly } = desk()
    const tight = { 'chat.postMessage:C1': { perMinute: 60, burst: 1 } }
    void quietly('first', 'answer', tight)
    for (const lane of [...LANES].reverse()) void quietly(lane, lane, tight)
    await clock.push(seconds(10))
    expect(sent).toEqual(['first', 'answer', 'end', 'transition', 'percent'])
  })

  test('to a channel that takes nothing now does not hold up one to another channel', async () => {
    const { clock, lanes, sent, quietly } = desk()
    const to = (channel: string) => ({ ...UPDATE, [channel]: { perMinute: 60, burst: 3 } })
    void quietly('a1', 'answer', to('C1'))
    lanes.limited('C1', minutes(5))
    void quietly('a2', 'answer', to('C1'))
    void quietly('p', 'percent', to('C2'))
    expect(sent).toEqual(['a1', 'p'])
    await clock.push(minutes(5) - 1)
    expect(sent).toEqual(['a1', 'p'])
    await clock.push(1)
    expect(sent).toEqual(['a1', 'p', 'a2'])
  })
})

describe('a lane that is too long', () => {
  test('refuses percentages, and says that nothing was sent', async () => {
    const { clock, sent, quietly, lanes } = desk({ concurrency: 1, most: 3 })
    void quietly('away', 'answer')
    const results = ['p1', 'p2', 'p3', 'p4'].map(name => quietly(name, 'percent'))
    expect(await results[3]).toMatchObject({ name: 'NotShown', how: 'later' })
    expect(lanes.depth().percent.waiting).toBe(3)
    await clock.push(seconds(60))
    expect(sent).toEqual(['away'])
  })

  test('of answers takes the place of what is less urgent, the last percentage first, and ends where there is no such', async () => {
    const { quietly, lanes } = desk({ concurrency: 1, most: 2 })
    void quietly('away', 'answer')
    const [p1, p2, t1] = [quietly('p1', 'percent'), quietly('p2', 'percent'), quietly('t1', 'transition')]
    for (const name of ['a1', 'a2', 'a3']) void quietly(name, 'answer')
    expect(await p2).toBeInstanceOf(NotShown)
    void quietly('a4', 'answer')
    expect(await p1).toBeInstanceOf(NotShown)
    void quietly('a5', 'answer')
    expect(await t1).toBeInstanceOf(NotShown)
    expect(await quietly('a6', 'answer')).toMatchObject({ how: 'later' })
    expect(lanes.depth()).toMatchObject({ answer: { waiting: 5 }, transition: { waiting: 0 }, percent: { waiting: 0 } })
  })

  test('is seen from outside, with the age of the oldest call in it', async () => {
    const { clock, quietly, lanes } = desk({ concurrency: 1 })
    void quietly('away', 'answer')
    void quietly('p1', 'percent')
    await clock.push(seconds(7))
    void quietly('p2', 'percent')
    void quietly('e1', 'end')
    expect(lanes.depth()).toEqual({
      answer: { waiting: 0, oldest: 0 },
      end: { waiting: 1, oldest: 0 },
      transition: { waiting: 0, oldest: 0 },
      percent: { waiting: 2, oldest: seconds(7) },
    })
  })
})

describe('an outbox that stops', () => {
  test('sends nothing more, says so to all that wait, and lets what is on its way end', async () => {
    const { clock, lanes, sent, ask, quietly, end } = desk({ concurrency: 1 })
    const away = ask('away', 'answer')
    const waiting = [quietly('a', 'answer'), quietly('p', 'percent')]
    lanes.stop()
    for (const one of waiting) expect(await one).toMatchObject({ how: 'later' })
    expect(await quietly('late', 'answer')).toMatchObject({ how: 'later' })
    await clock.push(seconds(4))
    end('away')
    expect(await away).toBe('away')
    await clock.push(0)
    expect(clock.timers()).toBe(0)
    await clock.push(minutes(1))
    expect(sent).toEqual(['away'])
  })

  test('ends what is still on its way after a grace, and nothing before', async () => {
    const { clock, lanes, quietly, signal } = desk({ grace: seconds(5) })
    const away = quietly('away', 'answer')
    await clock.push(minutes(10))
    lanes.stop()
    await clock.push(seconds(5) - 1)
    expect(signal('away').aborted).toBe(false)
    await clock.push(1)
    expect(signal('away').aborted).toBe(true)
    expect(await away).toBeInstanceOf(Error)
  })

  test('has no timer left when nothing is on its way', async () => {
    const { clock, lanes, quietly, end } = desk()
    void quietly('a', 'answer')
    end('a')
    await clock.push(0)
    lanes.stop()
    lanes.stop()
    expect(clock.timers()).toBe(0)
  })
})

describe('a call', () => {
  test('that fails fails for who asked, and is not made again', async () => {
    const { clock, lanes, sent } = desk()
    const failing = lanes.call({
      lane: 'answer',
      budgets: UPDATE,
      send: () => {
        sent.push('x')
        throw new NotShown('unclear', 'the line broke')
      },
    })
    await expect(failing).rejects.toMatchObject({ how: 'unclear' })
    await clock.push(minutes(10))
    expect(sent).toEqual(['x'])
  })

  test('that makes another one waits for nobody, and there is one timer for all that wait', async () => {
    const { clock, lanes } = desk()
    const call = (send: () => Promise<string>) =>
      lanes.call({ lane: 'answer', budgets: { C1: { perMinute: 60, burst: 1 } }, send })
    const outer = call(() => call(async () => 'inner'))
    expect(clock.timers()).toBe(1)
    await clock.push(seconds(1))
    expect(await outer).toBe('inner')
    expect(clock.timers()).toBe(0)
  })

  test('keeps its place among those that share a budget with it, whatever else they need', async () => {
    const { clock, sent, quietly } = desk({ concurrency: 100 })
    const method = { 'chat.postMessage': { perMinute: 60, burst: 1 } }
    const names = ['1', '2', '3', '4', '5', '6']
    for (const [n, name] of names.entries())
      void quietly(name, 'end', n % 3 === 0 ? method : { ...method, [`C${n % 3}`]: { perMinute: 60, burst: 5 } })
    await clock.push(seconds(10))
    expect(sent).toEqual(names)
  })

  test('goes by what the chat says now of its budget, and not by what it once said', async () => {
    const { clock, sent, quietly } = desk({ concurrency: 100 })
    for (let n = 0; n < 10; n++) void quietly(`a${n}`, 'answer', { route: { perMinute: 60, burst: 2 } })
    expect(sent).toHaveLength(2)
    void quietly('b', 'answer', { route: { perMinute: 6, burst: 1 } })
    await clock.push(seconds(60))
    expect(sent).toHaveLength(8)
  })
})

describe('a budget', () => {
  const FULL: Budget = { perMinute: 60, burst: 6 }
  const drain = (bucket: Bucket, now: number): readonly [taken: number, Bucket] => {
    let taken = 0
    for (let left = take(bucket, now); left; left = take(left, now)) [taken, bucket] = [taken + 1, left]
    return [taken, bucket]
  }

  test('gives its burst at once, then one by one', () => {
    const [taken, empty] = drain(newBucket(FULL, NOW), NOW)
    expect(taken).toBe(6)
    expect(next(empty, NOW)).toBe(NOW + 1_000)
    expect(take(empty, NOW + 999)).toBeUndefined()
    expect(take(empty, NOW + 1_000)).toBeDefined()
    expect(drain(empty, NOW + minutes(10))[0]).toBe(6)
  })

  test('that was too much gives nothing before the time that was said, and then one', () => {
    const limited = limit(newBucket(FULL, NOW), NOW, seconds(30))
    expect(take(limited, NOW + seconds(30) - 1)).toBeUndefined()
    expect(next(limited, NOW)).toBe(NOW + seconds(30))
    expect(drain(limited, NOW + seconds(30))[0]).toBe(1)
  })

  test('that was too much is half of itself, and whole again after ten minutes at 5 % of the whole a minute', () => {
    const limited = limit(newBucket(FULL, NOW), NOW, 0)
    const shares = [0, 1, 5, 10, 60].map(minute => refill(limited, NOW + minutes(minute)).share)
    for (const [n, share] of [0.5, 0.55, 0.75, 1, 1].entries()) expect(shares[n]).toBeCloseTo(share, 9)
    const [, empty] = drain(limited, NOW)
    // Half of one a second, and a little more for what has come back meanwhile.
    expect(next(empty, NOW) - NOW).toBeGreaterThan(1_990)
    expect(next(empty, NOW) - NOW).toBeLessThanOrEqual(2_000)
    expect(drain(limited, NOW + minutes(2))[0]).toBe(3)
    expect(drain(limited, NOW + minutes(20))[0]).toBe(6)
  })

  test('that was too much is halved once for all calls that were on their way, and again when it is too much again', () => {
    let limited = newBucket(FULL, NOW)
    for (let n = 0; n < 8; n++) limited = limit(limited, NOW + n, seconds(10))
    expect(limited.share).toBe(0.5)
    expect(take(limited, NOW + 7 + seconds(10) - 1)).toBeUndefined()
    limited = limit(limited, NOW + 7 + seconds(10), seconds(10))
    expect(limited.share).toBe(0.25)
  })

  test('that is always too much still gives now and then', () => {
    let [bucket, now] = [newBucket(FULL, NOW), NOW]
    for (let n = 0; n < 50; n++) [bucket, now] = [limit(take(bucket, now) ?? bucket, now, seconds(1)), now + seconds(1)]
    expect(next(bucket, now) - now).toBeLessThanOrEqual(seconds(16))
  })

  test('is never said to be ready too soon, nor a moment too late', () => {
    const cases = fc.record({
      perMinute: fc.integer({ min: 1, max: 600 }),
      burst: fc.integer({ min: 1, max: 50 }),
      spent: fc.integer({ min: 0, max: 50 }),
      limits: fc.integer({ min: 0, max: 4 }),
      later: fc.integer({ min: 0, max: 900_000 }),
    })
    fc.assert(
      fc.property(cases, ({ perMinute, burst, spent, limits, later }) => {
        let bucket = newBucket({ perMinute, burst }, NOW)
        for (let n = 0; n < spent; n++) bucket = take(bucket, NOW) ?? bucket
        for (let n = 0; n < limits; n++) bucket = limit(bucket, NOW + n * 100, 100)
        const now = NOW + later
        const [, empty] = drain(bucket, now)
        const ready = next(empty, now)
        expect(ready).toBeGreaterThan(now)
        expect(take(empty, ready)).toBeDefined()
        expect(take(empty, ready - 1)).toBeUndefined()
      }),
      { numRuns: 500, seed: 20251120 },
    )
  })
})
