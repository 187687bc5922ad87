import { serve, type Watched } from '../../adapters/s3/simulated/serve.ts'
import { shelf } from '../../adapters/s3/simulated/shelf.ts'

/** What goes wrong, and how many times. */
export type Misbehaviour =
  | 'slow down' // 503 before anything is done
  | 'error after success' // 500, and it was done
  | 'error after completing' // the same, for the end of an upload in parts
  | 'loses a part' // the object is shorter, and the answer is 200
  | 'rejects a part' // InvalidPart
  | 'expired token'
  | 'wrong clock'
  | 'no conditions' // 501, as Swift does
  | 'listing lags' // shows nothing
  | 'no ranges' // 200 and all of it, as an answer to a question for a part

export interface FakeS3 {
  readonly endpoint: string
  readonly objects: Map<string, { bytes: Buffer; sent: string | undefined }>
  readonly requests: string[]
  misbehave(how: Misbehaviour, times: number): void
  /** Sees each request that would change something, before it does: the answer is whether it may. */
  watch(ask: ((request: string) => Watched) | undefined): void
  close(): Promise<void>
}

/** The S3 of the s3 adapter's simulator, in memory and for any credentials. One bucket: `vault`. */
export async function startFakeS3(): Promise<FakeS3> {
  const vault = shelf('vault')
  const requests: string[] = []
  let watching: Parameters<FakeS3['watch']>[0]
  const troubles = new Map<string, number>()
  const { endpoint, close } = await serve({
    shelf: vault,
    heard: request => void requests.push(request),
    watches: request => watching?.(request) ?? 'do it',
    faulty(how) {
      const left = troubles.get(how) ?? 0
      troubles.set(how, left - 1)
      return left > 0
    },
  })
  return {
    endpoint,
    objects: vault.objects,
    requests,
    misbehave: (how, times) => void troubles.set(how, times),
    watch: ask => {
      watching = ask
    },
    close,
  }
}
