import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { FakeTime } from '../workspace.ts'
import type { Attempt, DeliverHow, Delivery, Sending, Way } from './delivery.ts'
import { isJson, parsed } from './wire.ts'
import type { World } from './world.ts'

export interface Sockets extends Way {
  /** A new address for a connection: it is good once. */
  address(origin: string): string
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** How many connections are open. */
  count(): number
  /** Resolves once that many are open. */
  connected(count?: number): Promise<void>
  /** Tells the connections that they will be closed; `refresh_requested` closes them right away. */
  disconnect(reason: 'warning' | 'refresh_requested', which?: number): void
  /** The connections end with no word, as when a cable is cut. */
  cut(): void
  stop(): void
}

/** Socket Mode, as docs.slack.dev/apis/events-api/using-socket-mode describes it. */
export function createSockets(world: World, time: FakeTime, patience: number, losesAck: () => boolean): Sockets {
  const server = new WebSocketServer({ noServer: true })
  const tickets = new Set<string>()
  const open: WebSocket[] = []
  const unacked = new Map<string, { readonly over: WebSocket; settle(attempt: Attempt): void }[]>()
  let waiting: { readonly count: number; readonly then: () => void }[] = []
  let turn = 0

  function welcome(socket: WebSocket): void {
    open.push(socket)
    socket.on('message', raw => acknowledged(String(raw)))
    socket.on('close', () => closed(socket))
    socket.on('error', () => socket.terminate())
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: open.length,
        connection_info: { app_id: world.app },
        debug_info: { host: 'applink-fake', build_number: 1, approximate_connection_time: 18060 },
      }),
    )
    for (const one of waiting) if (open.length >= one.count) one.then()
    waiting = waiting.filter(one => open.length < one.count)
  }

  function acknowledged(raw: string): void {
    const said = parsed(raw)
    if (!isJson(said) || typeof said['envelope_id'] !== 'string' || losesAck()) return
    for (const one of unacked.get(said['envelope_id']) ?? []) one.settle({ acked: true, answer: said['payload'] })
  }

  function closed(socket: WebSocket): void {
    open.splice(open.indexOf(socket), 1)
    // What was sent over it and not acknowledged is as good as never sent.
    for (const all of [...unacked.values()])
      for (const one of all) if (one.over === socket) one.settle({ acked: false, why: 'connection_failed' })
  }

  function once(envelope: string, bytes: string, which: number | undefined): Promise<Attempt> {
    const over = open[which ?? turn++ % Math.max(1, open.length)]
    if (!over) return Promise.resolve({ acked: false, why: 'connection_failed' })
    return new Promise(resolve => {
      const one = {
        over,
        settle(attempt: Attempt) {
          callOff()
          const left = (unacked.get(envelope) ?? []).filter(other => other !== one)
          if (left.length > 0) unacked.set(envelope, left)
          else unacked.delete(envelope)
          resolve(attempt)
        },
      }
      const callOff = time.after(patience, () => one.settle({ acked: false, why: 'timeout' }))
      unacked.set(envelope, [...(unacked.get(envelope) ?? []), one])
      over.send(bytes)
    })
  }

  return {
    address(origin) {
      const ticket = world.id('ticket')
      tickets.add(ticket)
      return `${origin.replace(/^http/, 'ws')}/link/?ticket=${ticket}&app_id=${world.app}`
    },
    upgrade(request, socket, head) {
      const ticket = new URL(request.url ?? '/', 'http://fake').searchParams.get('ticket') ?? ''
      if (!tickets.delete(ticket)) return void socket.destroy()
      server.handleUpgrade(request, socket, head, welcome)
    },
    count: () => open.length,
    connected: (count = 1) =>
      open.length >= count ? Promise.resolve() : new Promise(then => void waiting.push({ count, then })),
    disconnect(reason, which) {
      for (const socket of which === undefined ? [...open] : open.slice(which, which + 1)) {
        socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'applink-fake' } }))
        if (reason === 'refresh_requested') socket.close(1000)
      }
    },
    cut() {
      for (const socket of [...open]) socket.terminate()
    },
    stop() {
      for (const socket of [...open]) socket.terminate()
      server.close()
    },
    send(delivery: Delivery, retry: number | undefined, reason: string | undefined, how: DeliverHow): Sending {
      const envelope = how.envelope ?? `${world.id('env')}-fake`
      const bytes = JSON.stringify({
        envelope_id: envelope,
        type: delivery.kind,
        accepts_response_payload: delivery.kind !== 'events_api',
        payload: delivery.payload,
        ...(delivery.kind === 'events_api' ? { retry_attempt: retry ?? 0, retry_reason: reason ?? '' } : {}),
      })
      return { envelope, once: () => once(envelope, bytes, how.socket) }
    },
  }
}
