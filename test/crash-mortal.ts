import type { RunId } from '../src/domain/ids.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { Hold, Store } from '../src/ports/store.ts'

/** A process that works on runs. From its nth boundary on nothing it awaits returns: for ever, or until it is thawed. */
export interface Mortal {
  readonly met: readonly string[] // the boundaries it came to, in order
  readonly is: 'alive' | 'dead' | 'frozen'
  readonly stopped: Promise<void> // it has died or is frozen
  boundary(name: string): Promise<void>
  thaw(): void
}

export interface Fate {
  readonly at: number // which boundary
  readonly how: 'dies' | 'freezes'
}

const NEVER = new Promise<never>(() => {})

/** `passing` is what the world does at a boundary: somebody speaks, a device falls ill. */
export function mortal(fate: Fate | undefined, passing: (name: string) => Promise<void> = async () => {}): Mortal {
  const met: string[] = []
  let is: Mortal['is'] = 'alive'
  let stop = (): void => {}
  let thaw = (): void => {}
  const stopped = new Promise<void>(resolve => {
    stop = resolve
  })
  const thawed = new Promise<void>(resolve => {
    thaw = resolve
  })
  const rest = (): Promise<void> => (is === 'dead' ? NEVER : is === 'frozen' ? thawed : Promise.resolve())
  return {
    met,
    get is() {
      return is
    },
    stopped,
    async boundary(name) {
      if (is !== 'alive') return rest()
      met.push(name)
      if (met.length - 1 === fate?.at) {
        is = fate.how === 'dies' ? 'dead' : 'frozen'
        stop()
        return rest()
      }
      await passing(name)
      return rest()
    },
    thaw() {
      is = 'alive'
      thaw()
    },
  }
}

/** What a newer worker's lease should have kept an older one from writing. */
export interface Trespass {
  readonly epoch: number
  readonly newest: number
}

/** The store as a process sees it: it may die before and after everything that it asks. */
export function mortalStore(store: Store, worker: Mortal, epochs: Map<RunId, number>, trespassed: (by: Trespass) => void): Store {
  const around = async <T>(name: string, ask: () => Promise<T>): Promise<T> => {
    await worker.boundary(`before ${name}`)
    const answer = await ask()
    await worker.boundary(`after ${name}`)
    return answer
  }
  const held = (id: RunId, hold: Hold): Hold => {
    epochs.set(id, Math.max(hold.epoch, epochs.get(id) ?? 0))
    const newest = () => epochs.get(id) ?? 0
    /** Whoever is frozen learns nothing: sockets wake before timers do. */
    const signal = new AbortController()
    hold.signal.addEventListener('abort', () => worker.is === 'alive' && signal.abort(hold.signal.reason), { once: true })
    const writing = async <T>(name: string, ask: () => Promise<T>): Promise<T> =>
      around(name, async () => {
        const answer = await ask()
        if (hold.epoch < newest()) trespassed({ epoch: hold.epoch, newest: newest() })
        return answer
      })
    return {
      epoch: hold.epoch,
      orphaned: hold.orphaned,
      signal: signal.signal,
      record: change => writing('record', () => hold.record(change)),
      forged: () => writing('forged', () => hold.forged()),
      claim: claims => writing('claim', () => hold.claim(claims)),
      track: (step, track) => writing('track', () => hold.track(step, track)),
      waitFor: obstacle => writing('waitFor', () => hold.waitFor(obstacle)),
    }
  }
  return {
    ...store,
    create: (origin, at, first) => around('create', () => store.create(origin, at, first)),
    load: id => around('load', () => store.load(id)),
    record: (id, change) => around('record', () => store.record(id, change)),
    now: () => around('now', () => store.now()),
    overdue: () => around('overdue', () => store.overdue()),
    unanswered: olderThan => around('unanswered', () => store.unanswered(olderThan)),
    answered: (said, outcome) => around('answered', () => store.answered(said, outcome)),
    async hold(id, lease, body) {
      await worker.boundary('before hold')
      const result = await store.hold(id, lease, async hold => {
        await worker.boundary('after hold')
        const done = await body(held(id, hold))
        await worker.boundary('before release')
        return done
      })
      await worker.boundary('after release')
      return result
    },
  }
}

/** A device whose every request may be the worker's last one: before it leaves, or after it has taken effect. */
export function mortalDevice<D extends object>(
  device: D,
  worker: Mortal,
  around: (name: string, ask: () => Promise<unknown>) => Promise<unknown>,
): D {
  return new Proxy(device, {
    get(target, name, receiver) {
      const found: unknown = Reflect.get(target, name, receiver)
      if (typeof found !== 'function' || name === 'close') return found
      return async (...words: readonly unknown[]): Promise<unknown> => {
        await worker.boundary(`before ${String(name)}`)
        try {
          return await around(String(name), async () => (await Reflect.apply(found, target, words)) as unknown)
        } finally {
          await worker.boundary(`after ${String(name)}`)
        }
      }
    },
  })
}

/** Timers on a clock that only the test moves. */
export interface Timers {
  /** The worker's own clock, which may be far off; a frozen worker's timers do not fire. */
  clock(worker: Mortal, now: () => number, ahead: number): Clock
  next(): number | undefined
  fire(now: number): void
}

export function timers(): Timers {
  const waiting: { readonly at: number; readonly worker: Mortal; readonly fired: AbortController }[] = []
  return {
    clock: (worker, now, ahead) => ({
      now: () => now() + ahead,
      timeout(ms) {
        const fired = new AbortController()
        waiting.push({ at: now() + ms, worker, fired })
        return fired.signal
      },
    }),
    next: () =>
      waiting.reduce<number | undefined>(
        (first, { at, worker, fired }) =>
          worker.is === 'alive' && !fired.signal.aborted && (first === undefined || at < first) ? at : first,
        undefined,
      ),
    fire(now) {
      for (const one of waiting) if (one.at <= now && one.worker.is === 'alive' && !one.fired.signal.aborted) one.fired.abort()
    },
  }
}
