import { createServer } from 'node:http'

export interface Observed {
  /** Whether people can be served, and what is wrong where they cannot: a line for each part. */
  ready(): Promise<{ readonly ok: boolean; readonly lines: readonly string[] }>
  metrics(): Promise<readonly string[]>
}

/**
 * /live says that the process turns, /ready that it can do its work, /metrics what it has counted. Plain text, without anything that
 * names a device, a run or a person. Throws when the port cannot be had.
 */
export async function serve(
  { port, host }: { readonly port: number; readonly host: string },
  observed: Observed,
): Promise<{ stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, lines: readonly string[]): void => {
      response.writeHead(status, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        'cache-control': 'no-store',
        connection: 'close',
      })
      response.end(`${lines.join('\n')}\n`)
    }
    const failed = (): void => answer(503, ['not ready: the database does not answer'])
    switch (request.method === 'GET' ? request.url : undefined) {
      case '/live':
        return answer(200, ['live'])
      case '/ready':
        observed.ready().then(({ ok, lines }) => answer(ok ? 200 : 503, lines), failed)
        return
      case '/metrics':
        observed.metrics().then(lines => answer(200, lines), failed)
        return
      default:
        return answer(404, ['There is /live, /ready and /metrics.'])
    }
  })
  server.requestTimeout = 5_000
  server.maxConnections = 50
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    stop: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
