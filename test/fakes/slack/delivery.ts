import type { Json } from './world.ts'

/** What Slack sends to an app: the three kinds have their own envelopes, and their own forms by HTTP. */
export interface Delivery {
  readonly kind: 'events_api' | 'slash_commands' | 'interactive'
  readonly payload: Json
}

/** Odd ways of delivering; what is not said is as Slack does it. */
export interface DeliverHow {
  readonly via?: 'socket' | 'http' // by HTTP where the fake knows where to, else by socket
  readonly retries?: boolean // again when it is not acknowledged: events are, interactions and commands are not
  readonly retry?: number // as if that many deliveries had gone before
  readonly reason?: string
  readonly envelope?: string // with that envelope's id
  readonly socket?: number // over that connection, counted from the oldest that is open
  readonly timestamp?: number // of the signature, in seconds
  readonly secret?: string // the signature is made with it
  readonly signature?: string | readonly string[] // instead of the right one; a list sends the header that often
  readonly body?: string // instead of the payload's own form, and signed
  readonly headers?: Readonly<Record<string, string>>
  /** Told what became of the first attempt, while the others go on. */
  told?(first: Attempt): void
}

/** What became of one attempt. */
export interface Attempt {
  readonly acked: boolean
  readonly status?: number // by HTTP
  readonly answer?: unknown // what the acknowledgement carried
  readonly why?: 'http_timeout' | 'http_error' | 'connection_failed' | 'timeout'
  readonly noRetry?: boolean
}

export interface Delivered extends Attempt {
  readonly attempts: number
  readonly envelope?: string
  /** Sends the very same bytes again, signature and all. */
  again(): Promise<Attempt>
}

/** One way to the app: what it sends can be sent again as it was. */
export interface Way {
  send(delivery: Delivery, retry: number | undefined, reason: string | undefined, how: DeliverHow): Sending
}

export interface Sending {
  readonly envelope?: string
  once(): Promise<Attempt>
}
