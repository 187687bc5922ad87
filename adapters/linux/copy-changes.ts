import { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { serialOf } from './find.ts'
import { copyOf } from './outcome.ts'
import { NewCopy, OneCopy } from './params.ts'
import { guardCopy, readinessOf } from './ready.ts'
import * as settle from './settle.ts'
import { type LinuxHost, type Sent, TAKES } from './wire.ts'

const on = capability<LinuxHost>()
type Verb = 'start' | 'verify' | 'stop' | 'forget'
const JUDGE = {
  start: settle.judgeStart,
  verify: settle.judgeVerify,
  stop: settle.judgeStop,
  forget: settle.judgeForget,
} satisfies Record<Verb, unknown>

export const copy = on({
  ...starting(false, 'disruptive'),
  summary: 'Start a copy of a whole disk to an empty one. It goes on by itself, whatever becomes of the connection.',
  examples: ['copy disk vol-0aaaa1111 to vol-0bbbb2222 as copy shrink1 on helper01'],
  says: (target, { source, target: to, copy }) => `copy disk ${source} to ${to} as copy ${copy} on ${target}`,
})

export const overwrite = on({
  ...starting(true, 'destructive'),
  summary: 'Start a copy of a whole disk over one that is not empty. What is there is lost.',
  examples: ['overwrite disk vol-0bbbb2222 with disk vol-0aaaa1111 as copy shrink1 on helper01'],
  says: (target, { source, target: to, copy }) => `overwrite disk ${to} with disk ${source} as copy ${copy} on ${target}`,
})

export const stopCopy = on({
  ...acting('stop', async (host, call) => host.stop(call.params.copy, call)),
  summary: 'Stop a copy, or its verification. What was copied so far is worth nothing.',
  examples: ['stop copy shrink1 on helper01'],
  says: (target, { copy }) => `stop copy ${copy} on ${target}`,
  sends: ({ copy }) => [`kill -TERM of the processes of copy ${copy}`],
})

/** For whoever takes a copy back, however far it came: what has ended is left as it is. */
export const endCopy = on({
  ...acting('stop', async (host, call) => host.stop(call.params.copy, call)),
  perform: async (host, call) => {
    const files = await host.files(call.params.copy, call.signal)
    return settle.stoppable(settle.traceOf(files, call.intent)) === undefined ? copyOf(files) : stopCopy.perform(host, call)
  },
  summary: 'Stop a copy, or its verification, if it still runs.',
  examples: ['end copy shrink1 on helper01'],
  says: (target, { copy }) => `end copy ${copy} on ${target}`,
  sends: ({ copy }) => [`kill -TERM of the processes of copy ${copy}, if there are any`],
})

export const verify = on({
  ...acting('verify', async (host, call) => {
    const files = await host.files(call.params.copy, call.signal)
    if (!files.there) throw new Refused(`there is no copy ${call.params.copy}`)
    const { state, why } = copyOf(files)
    if (state !== 'copied')
      throw new Refused(`copy ${call.params.copy} is ${state}${why === undefined ? '' : ` (${why})`}: there is nothing to verify`)
    const { request } = files
    const [source, target] = [
      { path: request.sourcePath, mark: request.source },
      { path: request.targetPath, mark: request.target },
    ]
    const [from, to] = [await host.relocate(source, call.signal), await host.relocate(target, call.signal)]
    return host.verify(call.params.copy, call.intent, from, to, request.needs, call)
  }),
  summary:
    'Compare what was copied, up to the last sector in use, from the disks themselves. Before a repair, which changes the target.',
  examples: ['verify copy shrink1 on helper01'],
  says: (target, { copy }) => `verify copy ${copy} on ${target}`,
  sends: ({ copy }) => [`cmp -n <bytes in use> <source of ${copy}> <target of ${copy}>`],
})

export const cleanUp = on({
  ...acting('forget', async (host, call) => host.forget(call.params.copy, call)),
  summary: 'Remove the record of a copy that has ended. The disks stay as they are.',
  examples: ['clean up copy shrink1 on helper01'],
  says: (target, { copy }) => `clean up copy ${copy} on ${target}`,
  sends: ({ copy }) => [`rm -rf of the files of copy ${copy}`],
})

export interface Named {
  readonly copy: string
}

/** What all changes of a copy have in common: where it stood, one command, and the files that prove what it did. */
async function performed<P extends Named>(
  verb: Verb,
  host: LinuxHost,
  call: Call<P>,
  send: (before: settle.Trace) => Promise<Sent>,
) {
  const before = settle.traceOf(await host.files(call.params.copy, call.signal), call.intent)
  const sent = await send(before)
  const files = await settle.afterwards(() => host.files(call.params.copy, call.signal))
  return settle.outcomeOf(verb, JUDGE[verb], before, settle.traceOf(files, call.intent), sent, copyOf(files))
}

function effectOf<P extends Named, R extends 'routine' | 'disruptive' | 'destructive'>(verb: Verb, risk: R) {
  return {
    risk,
    takes: TAKES,
    inDoubt: {
      ask: 'device' as const,
      look: async (host: LinuxHost, { params, signal, intent }: Call<P>) =>
        settle.traceOf(await host.files(params.copy, signal), intent),
      judge: JUDGE[verb],
    },
  }
}

function starting<R extends 'disruptive' | 'destructive'>(over: boolean, risk: R) {
  type P = { readonly source: string; readonly target: string; readonly copy: string }
  return {
    params: NewCopy,
    sends: ({ source, target }: { readonly source: string; readonly target: string }) => [
      `dd if=<${source}> of=<${target}> bs=1M iflag=fullblock conv=nocreat,notrunc,fsync`,
    ],
    effect: {
      ...effectOf<P, R>('start', risk),
      claims: ({ source, target, copy }: P) => [
        exclusive('disk', serialOf(source)),
        exclusive('disk', serialOf(target)),
        exclusive('copy', copy),
      ],
    },
    perform: (host: LinuxHost, call: Call<P>) =>
      performed('start', host, call, async before => {
        const { source, target, copy } = call.params
        if (before.state !== 'absent')
          throw new Refused(`there is a copy ${copy} already (${before.state}): take another name, or clean it up`)
        const [from, to] = await Promise.all([host.disk(source, call.signal), host.disk(target, call.signal)])
        const found = readinessOf(from, to)
        const needs = guardCopy(found, over)
        return host.start(
          {
            copy,
            intent: call.intent,
            source: from.found,
            target: to.found,
            sourceBytes: from.bytes,
            targetBytes: to.bytes,
            sector: from.sector,
            needs,
          },
          call,
        )
      }),
  }
}

function acting(verb: Exclude<Verb, 'start'>, send: (host: LinuxHost, call: Call<Named>) => Promise<Sent>) {
  return {
    params: OneCopy,
    effect: {
      ...effectOf<Named, 'routine'>(verb, 'routine'),
      claims: ({ copy }: Named) => [exclusive('copy', copy)],
    },
    perform: (host: LinuxHost, call: Call<Named>) =>
      performed(verb, host, call, before => {
        if (before.state === 'absent') throw new Refused(`there is no copy ${call.params.copy}`)
        if (verb === 'stop' && settle.stoppable(before) === undefined)
          throw new Refused(`nothing of copy ${call.params.copy} runs: it is ${before.state}`)
        if (verb !== 'stop' && settle.stoppable(before) !== undefined)
          throw new Refused(`copy ${call.params.copy} still runs: wait for it, or stop it`)
        return send(host, call)
      }),
  }
}
