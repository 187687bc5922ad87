import type { z } from 'zod'
import type { Pair } from './params.ts'
import { preflightOf } from './preflight.ts'
import type { PowerPathHost } from './wire.ts'

/** Reads what the pre-flight of a pair needs; `setup` does so once more right before it is sent. */
export async function check(host: PowerPathHost, { source, target }: z.infer<typeof Pair>, signal: AbortSignal) {
  const disk = async (name: string) => ({
    name,
    device: await host.device(name, signal),
    layout: await host.layout(name, signal),
  })
  return preflightOf(await disk(source), await disk(target), await host.sessions(signal))
}
