import type { IShardingStrategy, SimpleShardingStrategy } from 'discord.js'
import type { Millis } from '../../domain/ids.ts'

export interface Minded {
  readonly strategy: IShardingStrategy
  /** The connection stands: the next one that fails is the first. */
  settled(): void
  /** No connection is begun any more. */
  stop(): void
}

/** Connections in a row that may fail before they are made more slowly. */
const AT_ONCE = 3
const SLOWEST: Millis = 60_000

/**
 * The library connects again every half second for as long as Discord is away, and a connection that is just being made again outlives
 * `destroy`. Both are decided in one method of its shards, which nothing else lets us reach: it is wrapped here, and only here.
 */
export function mind(inner: SimpleShardingStrategy): Minded {
  const reconnections = new Set<() => void>()
  let stopped = false
  let failed = 0

  function wrap(shard: object): void {
    const connect: unknown = Reflect.get(shard, 'internalConnect')
    if (typeof connect !== 'function') return
    Reflect.set(shard, 'internalConnect', async () => {
      const wait = failed < AT_ONCE ? 0 : Math.min(SLOWEST, 500 * 2 ** (failed - AT_ONCE))
      failed += 1
      if (wait > 0) await pause(wait)
      if (!stopped) return Reflect.apply(connect, shard, [])
    })
  }

  const pause = (ms: Millis): Promise<void> =>
    new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        reconnections.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      reconnections.add(done)
    })

  const shards = (): readonly object[] => {
    const known: unknown = Reflect.get(inner, 'shards')
    return known instanceof Map ? [...known.values()] : []
  }

  return {
    strategy: {
      connect: () => inner.connect(),
      destroy: options => inner.destroy(options),
      fetchStatus: () => inner.fetchStatus(),
      send: (shard, payload) => inner.send(shard, payload),
      async spawn(ids) {
        await inner.spawn(ids)
        for (const shard of shards()) wrap(shard)
      },
    },
    settled() {
      failed = 0
    },
    stop() {
      stopped = true
      for (const done of [...reconnections]) done()
      for (const shard of shards()) hush(shard)
    },
  }
}

/** A socket that is being opened while we stop would stay open: it is broken off, and what it says about that is not heard. */
function hush(shard: object): void {
  const socket: unknown = Reflect.get(shard, 'connection')
  if (typeof socket !== 'object' || socket === null || Reflect.get(socket, 'readyState') !== 0) return
  const terminate: unknown = Reflect.get(socket, 'terminate')
  Reflect.set(socket, 'onmessage', null)
  Reflect.set(socket, 'onclose', null)
  Reflect.set(socket, 'onerror', () => {})
  if (typeof terminate === 'function') Reflect.apply(terminate, socket, [])
}
