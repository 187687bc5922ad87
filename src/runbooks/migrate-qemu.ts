import qemu from '../../adapters/qemu/index.ts'
import { hours, seconds } from '../domain/ids.ts'
import type { Act, Plan, Watch } from '../domain/plan.ts'
import { approval, confirmation, expect, plan, stepsFor, wait } from './build.ts'
import type { Pace } from './pace.ts'

const { act, check, fact, watch } = stepsFor(qemu)
const on = qemu.act

export interface Move {
  readonly host: string
  readonly from: string // a node
  readonly title: string // the target as the sentence has it
  readonly to: { readonly file: string } | { readonly nbd: string; readonly export: string | undefined }
  readonly speed: number | undefined // bytes per second, each way
}

/**
 * Moves a disk of QEMU or its storage daemon to an image file or an NBD export while it is written to. The order, and that a roll back
 * is a mirror which is ready and never less, are those that were measured on the real daemon: see adapters/qemu/README.md.
 *
 * From the cutover on a mirror keeps the old disk equal. It is begun at once and ended by the commit, so that going back is one
 * request as long as there is a way back at all. Whoever goes back before that mirror is ready waits for it.
 */
export function planQemu({ host, from: source, title, to, speed }: Move, { soak, look, stall, timeout }: Pace): Plan {
  const target = nodeFor('file' in to ? to.file : (to.export ?? to.nbd), source)
  const [job, back] = [`migrate-${target}`, `back-${target}`]
  const limit = speed === undefined ? {} : { speed }
  const there = { job, source, target, ...limit }
  const andBack = { job: back, source: target, target: source, ...limit }
  const preflight = on.preflight(host, { source, target })
  const [ready, backReady] = [on.cutoverReady(host, { job }), on.cutoverReady(host, { job: back })]
  const attach =
    'file' in to
      ? on.attachFile(host, { file: to.file, node: target, format: to.file.endsWith('.qcow2') ? 'qcow2' : 'raw' })
      : on.attachNbd(host, { where: to.nbd, node: target, ...(to.export === undefined ? {} : { export: to.export }) })
  /** A copy that stopped is looked at by people, mended, and goes on with their retry. */
  const copied = (id: string, what: string, of: string): readonly [Act, Watch] => [
    act(`${id}-goes`, on.goOn(host, { job: of }), { timeout }),
    watch(id, what, on.copy(host, { job: of }), expect('state', { is: 'ready' }), {
      unless: expect('trouble'),
      mend: `${id}-goes`,
      every: look,
      stall,
    }),
  ]
  return plan(`migrate ${source} to ${title} on ${host}`, [
    act('attach', attach, { timeout, undo: [on.release(host, { node: target })] }),
    check('preflight', 'check both disks: size, who uses them, other jobs', preflight, []),
    confirmation(
      'ready',
      'confirm that the target may be written over',
      `Is this the right target, may everything on it be written over, and is there a fresh backup of ${source}?`,
      {},
      [fact(`${source} is`, preflight, expect('sourceIs')), fact(`${target} is`, preflight, expect('targetIs'))],
    ),
    act('mirror', on.mirror(host, { ...there, writes: 'blocking' }), {
      timeout,
      undo: [on.abandon(host, { job }), on.forget(host, { job })],
    }),
    ...copied('copy', `copy ${source} to ${target}`, job),
    approval('cutover', 'approve the cutover', `Cut over: let ${target} serve in place of ${source}?`, { within: hours(4) }, [
      fact('the mirror is ready', ready, expect('ready', { is: true })),
      fact('it has gone over the whole disk', ready, expect('whole', { is: true })),
    ]),
    act('cut-over', on.cutOver(host, { job }), {
      timeout,
      // Of the way back: it is tried until the mirror back is ready.
      tries: 60,
      every: Math.max(look, seconds(1)),
      undo: [
        on.mirrorBack(host, andBack),
        on.rollBack(host, { job: back }),
        on.abandon(host, { job: back }),
        on.forget(host, { job: back }),
      ],
    }),
    act('keep-back', on.mirrorBack(host, andBack), { timeout }),
    ...copied('back', `bring ${source} up to what ${target} has, so that there is a way back`, back),
    check('on-target', `check that ${target} serves, and ${source} is kept equal`, backReady, [
      expect('source', { is: target }),
      expect('whole', { is: true }),
    ]),
    wait('soak', 'run on the target', soak),
    approval(
      'commit-approval',
      'approve the commit, by two',
      `Commit: stop keeping ${source} equal? After this there is no way back but another migration, or a backup. Has the application been tested?`,
      { quorum: 2, within: hours(4) },
      [fact(`${source} is kept equal`, backReady, expect('ready', { is: true }))],
    ),
    act('commit', on.split(host, { job: back }), { timeout, final: true }),
    [act('forget', on.forget(host, { job }), { timeout }), act('forget-back', on.forget(host, { job: back }), { timeout })],
    act('release', on.release(host, { node: source }), { timeout }),
  ])
}

/** A name for the target that QEMU takes, from the file's or the export's: never the source's own. */
function nodeFor(where: string, source: string): string {
  const name = (where.split('/').pop() ?? '').replace(/\.[A-Za-z0-9]+$/, '').replace(/[^A-Za-z0-9_.-]/g, '-')
  const node = (/^[A-Za-z]/.test(name) ? name : `disk-${name}`).slice(0, LONGEST)
  return node === source ? `${node.slice(0, LONGEST - 4)}-new` : node
}

/** So that `migrate-` in front of it is still a name for a job. */
const LONGEST = 23
