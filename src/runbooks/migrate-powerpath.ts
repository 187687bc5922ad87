import powerpath from '../../adapters/powerpath/index.ts'
import { hours } from '../domain/ids.ts'
import type { Plan } from '../domain/plan.ts'
import { approval, confirmation, expect, from, plan, stepsFor, wait } from './build.ts'
import type { Pace } from './pace.ts'

const { act, check, fact, watch } = stepsFor(powerpath)
const on = powerpath.act

/**
 * Moves one PowerPath disk to another under a running host, with Migration Enabler's host copy. The order, the checks and the
 * point of no return are those of the runbook in the device research on PowerPath, section 5.
 */
export function planPowerPath(
  { host, from: source, to: target, throttle }: { host: string; from: string; to: string; throttle?: number | undefined },
  { soak, look, stall, timeout }: Pace,
): Plan {
  const pair = { source, target }
  const session = from('setup', 'session')
  const preflight = on.preflight(host, pair)
  const state = on.session(host, { session })
  const ready = on.cutoverReady(host, { session })
  const targetAlive = fact('every path to the target is alive', ready, expect('targetPathsDead', { atMost: 0 }))
  return plan(`migrate ${source} to ${target} on ${host}`, [
    check('preflight', 'check both disks: size, contents, paths, other sessions', preflight, [
      expect('differentDisks', { is: true }),
      expect('targetBigEnough', { is: true }),
      expect('targetEmpty', { is: true }),
      expect('sourcePathsDead', { atMost: 0 }),
      expect('targetPathsDead', { atMost: 0 }),
      expect('sessionsOnDisks', { atMost: 0 }),
    ]),
    confirmation(
      'ready',
      'confirm disks, licence, backup and cabling',
      'Are these the right two disks, is Migration Enabler licensed, is there a fresh backup, and do the path counts match the cabling?',
      {},
      [
        fact(`${source} is`, preflight, expect('sourceIdentity')),
        fact(`${target} is`, preflight, expect('targetIdentity')),
        fact(`${source} has paths`, preflight, expect('sourcePathsAlive', { atLeast: 1 })),
        fact(`${target} has paths`, preflight, expect('targetPathsAlive', { atLeast: 1 })),
      ],
    ),
    // Given up before the cutover, a session is aborted and only then forgotten: cleanup wants one that has ended.
    act('setup', on.setup(host, pair), { timeout, undo: [on.abort(host, { session }), on.cleanup(host, { session })] }),
    throttle === undefined ? undefined : act('throttle', on.throttle(host, { session, level: throttle }), { timeout }),
    act('sync', on.sync(host, { session }), { timeout }),
    watch('copy', `copy ${source} to ${target}`, state, expect('state', { is: 'sourceSelected' }), {
      unless: expect('state', { oneOf: ['syncFailed', 'failed', 'aborted', 'committed', 'targetSelected'] }),
      size: from('preflight', 'sourceBytes'),
      every: look,
      stall,
    }),
    [
      approval('cutover', 'approve the cutover', `Cut over: let ${target} serve ${host}?`, { within: hours(4) }, [
        fact('the copy is complete and kept equal', ready, expect('sourceSelected', { is: true })),
        targetAlive,
      ]),
      confirmation(
        'cluster-pinned',
        'confirm that the cluster stays where it is',
        'If this host is in a cluster: are its groups pinned, failback off, patching suspended, and do the operators know?',
      ),
    ],
    act('select-target', on.selectTarget(host, { session }), { timeout, undo: [on.selectSource(host, { session })] }),
    check('on-target', 'check that the target serves', state, [expect('state', { is: 'targetSelected' })]),
    wait('soak', 'run on the target', soak),
    approval(
      'commit-approval',
      'approve the commit, by two',
      `Commit: stop keeping ${source} equal? After this there is no way back but a backup. Has the application been tested, and the backup verified?`,
      { quorum: 2, within: hours(4) },
      [fact('the target serves', state, expect('state', { is: 'targetSelected' })), targetAlive],
    ),
    act('commit', on.commit(host, { session }), { timeout, final: true }),
    check('committed', 'check that it is committed', state, [expect('state', { is: 'committed' })]),
    act('cleanup', on.cleanup(host, { session }), { timeout }),
  ])
}
