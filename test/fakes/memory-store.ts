import { type Entry, HOUSE, ROOT } from '../../src/domain/chain.ts'
import type { Place } from '../../src/domain/chat.ts'
import { type Claim, collide } from '../../src/domain/claim.ts'
import type { Instant, RunId, StepId } from '../../src/domain/ids.ts'
import { wake } from '../../src/domain/program.ts'
import type { Track } from '../../src/domain/progress.ts'
import { type Obstacle, type Run, reviewOpen, saysObstacle, unborn } from '../../src/domain/run.ts'
import { type About, type Change, type Hold, LeaseLost, type Store } from '../../src/ports/store.ts'
import { PURGED } from '../../src/store/inbox.ts'
import { append, notBefore, replay } from '../../src/store/log.ts'
import { BEGINNING, forgeryUpTo, type Sign } from '../../src/store/seals.ts'
import { memoryLedger } from './memory-ledger.ts'
import { copy, memoryFollows, memoryInbox, memoryPosts, memoryTellers, memoryTurns } from './memory-messages.ts'

/** The store without a database, on a clock that only its test moves. It has no timers: a lease runs out when time is pushed. */
export interface MemoryStore extends Store {
  time: Instant
  /** What came of each delivery, for whoever looks into the database. */
  outcomes(): ReadonlyMap<string, string | undefined>
  /** What somebody does who may write anything into a database. */
  rewrite(run: RunId, how: (entries: readonly Entry[]) => readonly Entry[]): void
}

interface Row {
  readonly id: RunId
  readonly origin: string
  readonly place: Place
  readonly entries: Entry[]
  tracks: ReadonlyMap<StepId, Track>
  waitsFor: Obstacle | undefined
  reported: number
  epoch: number
  lease: { readonly until: Instant; readonly lost: AbortController } | undefined
}

export function memoryStore(time: Instant = 1_763_640_000_000, sign?: Sign): MemoryStore {
  const rows = new Map<RunId, Row>()
  const claims: (Claim & { readonly run: RunId })[] = []

  const rowOf = (id: RunId): Row => {
    const row = rows.get(id)
    if (!row) throw new Error(`there is no run ${id}`)
    return row
  }
  const add = (row: Row, before: Run, events: ReturnType<Change>, now: Instant): Run => {
    const { run, entries } = append(before, row.entries.at(-1)?.hash ?? ROOT, events, now, sign)
    row.entries.push(...entries.map(copy))
    if (run.outcome) claims.splice(0, claims.length, ...claims.filter(claim => claim.run !== row.id))
    return run
  }
  const change = (row: Row, what: Change): Run => {
    const before = runOf(row)
    const now = notBefore(store.time, row.entries.at(-1)?.at)
    return add(row, before, what(before, now), now)
  }
  const newest = () => [...rows.values()].reverse()
  const now = () => store.time
  const { lines: ledgerLines, ...ledger } = memoryLedger(now, sign)
  const { purge: purgeMail, waiting, ...letters } = memoryInbox(now)
  const { forget, ...posts } = memoryPosts(now)
  const { purge: purgeFollows, ...following } = memoryFollows(now, id => {
    const row = rows.get(id)
    return row && runOf(row).outcome ? row.entries.at(-1)?.at : undefined
  })
  const age = (about: About): void => {
    for (const row of rows.values()) if (row.id === about) row.reported = Math.min(row.reported, row.entries.length - 1)
  }
  const find = (origin: string): Row | undefined => [...rows.values()].find(row => row.origin === origin)

  const holdOf = (row: Row, epoch: number, orphaned: boolean, lost: AbortController): Hold => {
    const fenced = (): Row => {
      if (row.epoch === epoch && row.lease && !lost.signal.aborted) return row
      lost.abort(new LeaseLost('another worker has the run'))
      throw new LeaseLost('another worker has the run')
    }
    return {
      epoch,
      orphaned,
      signal: lost.signal,
      record: async what => change(fenced(), what),
      forged: async () => {
        const { entries } = fenced()
        return forgeryUpTo(entries.at(-1) ?? BEGINNING, row.id, entries, sign)
      },
      async claim(wanted) {
        fenced()
        const others = claims.filter(claim => claim.run !== row.id).sort((a, b) => (a.path < b.path ? -1 : 1))
        const obstacle = others.find(other => wanted.some(mine => collide(mine, other)))
        if (obstacle) return { path: obstacle.path, run: obstacle.run }
        if (runOf(row).outcome) return undefined
        for (const { path, mode } of wanted) {
          const index = claims.findIndex(claim => claim.run === row.id && claim.path === path)
          const had = index < 0 ? [] : claims.splice(index, 1)
          claims.push({ run: row.id, path, mode: had[0]?.mode === 'exclusive' ? 'exclusive' : mode })
        }
        return undefined
      },
      async track(step, track) {
        fenced().tracks = new Map(row.tracks).set(step, copy(track))
        row.reported = Math.min(row.reported, row.entries.length - 1)
        return runOf(row)
      },
      async waitFor(obstacle) {
        const before = fenced().waitsFor
        row.waitsFor = obstacle && copy(obstacle)
        if ((before && saysObstacle(before)) !== (obstacle && saysObstacle(obstacle)))
          row.reported = Math.min(row.reported, row.entries.length - 1)
        return runOf(row)
      },
    }
  }

  const store: MemoryStore = {
    time,
    async create(origin, at, first) {
      const known = find(origin)
      if (known) return runOf(known)
      const id = `R${rows.size + 1}` as RunId
      const row: Row = {
        id,
        origin,
        place: copy(at),
        entries: [],
        tracks: new Map(),
        waitsFor: undefined,
        reported: 0,
        epoch: 0,
        lease: undefined,
      }
      const run = add(row, unborn(id, row.place), [first], store.time)
      rows.set(id, row)
      return run
    },
    load: async id => (rows.has(id) ? runOf(rowOf(id)) : undefined),
    byOrigin: async origin => {
      const row = find(origin)
      return row && runOf(row)
    },
    list: async (which, most) => newest().map(runOf).filter(LISTED[which]).slice(0, most),
    record: async (id, what) => change(rowOf(id), what),
    async hold(id, lease, body) {
      const row = rows.get(id)
      if (!row || (row.lease && row.lease.until >= store.time)) return undefined
      const orphaned = row.lease !== undefined
      row.lease?.lost.abort(new LeaseLost('another worker has the run'))
      const lost = new AbortController()
      const epoch = ++row.epoch
      row.lease = { until: store.time + lease, lost }
      try {
        return await body(holdOf(row, epoch, orphaned, lost))
      } finally {
        if (row.epoch === epoch) row.lease = undefined
        lost.abort(new LeaseLost('the turn is over'))
      }
    },
    async overdue() {
      const due = (row: Row): boolean => {
        const run = runOf(row)
        if (run.outcome) return false
        return row.lease ? row.lease.until < store.time : (wake(run) ?? Number.POSITIVE_INFINITY) <= store.time
      }
      const all = [...rows.values()]
      return {
        advance: all.filter(due).map(row => row.id),
        report: all.filter(row => row.reported < row.entries.length).map(row => row.id),
      }
    },

    ...letters,
    purge: async olderThan => {
      const watchers = purgeFollows(PURGED)
      return watchers + purgeMail(olderThan, PURGED - watchers)
    },
    ...posts,
    async reported(run, seq) {
      const row = rowOf(run)
      row.reported = Math.max(row.reported, seq)
    },
    telling: memoryTellers(now, { ...posts, forget }, age),
    ...following,
    ...memoryTurns(),
    waiting: async () => ({
      inbox: waiting(),
      unreported: [...rows.values()].filter(row => row.reported < row.entries.length).length,
    }),

    ...ledger,
    async *entries(run) {
      for (const row of rows.values()) if (run === undefined || row.id === run) yield* row.entries.map(copy)
      if (run === undefined || run === HOUSE) yield* ledgerLines.map(copy)
    },
    heads: async () =>
      [...[...rows.values()].map(row => ({ run: row.id, entries: row.entries })), { run: HOUSE, entries: ledgerLines }]
        .filter(({ run, entries }) => run !== HOUSE || entries.length > 0)
        .map(({ run, entries }) => ({ run, seq: entries.length, hash: entries.at(-1)?.hash ?? ROOT })),
    rewrite(run, how) {
      const entries = run === HOUSE ? ledgerLines : rowOf(run).entries
      entries.splice(0, entries.length, ...how(entries.map(copy)).map(copy))
    },
    now: async () => store.time,
    stop: async () => {},
  }
  return store
}

const LISTED: Readonly<Record<'live' | 'all' | 'reviews', (run: Run) => boolean>> = {
  live: run => !run.outcome,
  reviews: reviewOpen,
  all: () => true,
}

const runOf = (row: Row): Run => {
  const { waitsFor, tracks } = row
  return replay({ ...unborn(row.id, row.place), tracks, ...(waitsFor ? { waitsFor } : {}) }, row.entries)
}
