import type { Bytes } from '../../src/kit/units.ts'
import type { Files, Request, Work } from './copies.ts'
import { outOfSpace } from './dd.ts'

export type CopyState = 'absent' | 'copying' | 'copied' | 'failed' | 'stopped'
export type Verification = 'none' | 'verifying' | 'equal' | 'different' | 'failed' | 'stopped'

/** A copy as people and plans see it. */
export interface Copy {
  readonly copy: string
  readonly state: CopyState
  readonly why?: string // of a copy or a verification that failed, and where two disks differ
  readonly source?: string
  readonly target?: string
  readonly sourceBytes?: Bytes
  readonly targetBytes?: Bytes
  readonly copied?: Bytes
  readonly total?: Bytes
  readonly verification: Verification
  readonly verified?: Bytes
  readonly toVerify?: Bytes
}

/** What the files of a copy come to. Pure: nothing but the files decides. */
export function copyOf(files: Files): Copy {
  if (!files.there) return { copy: files.copy, state: 'absent', verification: 'none' }
  const { request, work, verify } = files
  const wrong = wrongs(request, work)
  const compared = verify === undefined ? ({ is: 'none' } as const) : verified(verify.work, verify.bytes, request)
  const state: CopyState = work.running
    ? 'copying'
    : wrong.length === 0
      ? 'copied'
      : work.stopped && endedByForce(work)
        ? 'stopped'
        : 'failed'
  const why = state === 'failed' ? wrong.join('; ') : 'why' in compared ? compared.why : undefined
  const [copied, seen] = [work.dd.copied, verify?.work.dd.copied]
  return {
    copy: files.copy,
    state,
    ...(why === undefined ? {} : { why }),
    source: named(request.source),
    target: named(request.target),
    sourceBytes: request.sourceBytes,
    targetBytes: request.targetBytes,
    ...(copied === undefined ? {} : { copied }),
    total: Math.min(request.sourceBytes, request.targetBytes),
    verification: compared.is,
    ...(seen === undefined ? {} : { verified: seen }),
    ...(verify === undefined ? {} : { toVerify: verify.bytes }),
  }
}

export const named = (mark: string): string => mark.slice(mark.indexOf(':') + 1)
const endedByForce = ({ exit }: Work): boolean => exit === undefined || (exit['dd'] ?? 0) >= 128

/**
 * All that was not as it has to be at the end of a copy; nothing where it is good. "No space left on device" is how a copy to
 * a smaller disk ends well, and also how one to a wrong disk ends: only all of the signs together say which (devices/aws-s3-ec2-ebs.md).
 */
function wrongs(request: Request, { running, exit, dd }: Work): readonly string[] {
  if (running) return []
  if (exit === undefined) return ['it did not come to its end: it was killed, or the host went down']
  const smaller = request.targetBytes < request.sourceBytes
  const wanted = smaller ? { status: 1, bytes: request.targetBytes } : { status: 0, bytes: request.sourceBytes }
  const errors = smaller ? [outOfSpace(request.targetPath)] : []
  const strange = [...dd.errors.filter(error => !errors.includes(error)), ...dd.strange]
  return [
    ...(exit['dd'] === wanted.status ? [] : [`dd ended with ${exit['dd'] ?? 'nothing'} and not with ${wanted.status}`]),
    ...(errors.every(error => dd.errors.includes(error)) ? [] : ['dd did not say that the target is full']),
    ...strange,
    ...(dd.ended ? [] : ['dd did not report how much it wrote']),
    ...(dd.copied === wanted.bytes ? [] : [`${dd.copied ?? 'an unknown number of'} bytes were written, and not ${wanted.bytes}`]),
    ...(request.needs <= request.targetBytes
      ? []
      : [`the source is in use up to byte ${request.needs}, behind the end of the target`]),
    ...(exit['sync'] === 0 ? [] : ['what was written could not be flushed to the target']),
  ]
}

type Compared =
  | { readonly is: 'none' | 'verifying' | 'equal' | 'stopped' }
  | { readonly is: 'different' | 'failed'; readonly why: string }

/** Equal only when dd read all of it, cmp saw no difference, and the disks were asked and not the memory of the kernel. */
function verified({ running, stopped, exit, dd, compared }: Work, bytes: Bytes, { sector }: Request): Compared {
  if (running) return { is: 'verifying' }
  if (exit === undefined)
    return stopped ? { is: 'stopped' } : { is: 'failed', why: 'the verification was killed, or the host went down' }
  const place = Number(/ differ: (?:char|byte) (\d{1,15}),/.exec(compared ?? '')?.[1] ?? Number.NaN)
  if (exit['cmp'] === 1 && !Number.isNaN(place))
    return {
      is: 'different',
      why:
        place <= 2 * sector
          ? `the disks differ at byte ${place}, in the partition table: a repair writes there, so verify before it`
          : `the disks differ at byte ${place}`,
    }
  if (
    exit['dd'] === 0 &&
    exit['cmp'] === 0 &&
    exit['flush'] === 0 &&
    dd.ended &&
    dd.copied === bytes &&
    dd.errors.length + dd.strange.length === 0
  )
    return { is: 'equal' }
  return { is: 'failed', why: dd.errors[0] ?? compared ?? 'the verification did not read all of it' }
}
