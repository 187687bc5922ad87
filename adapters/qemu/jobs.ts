import { z } from 'zod'
import { exclusive, shared } from '../../src/kit/claims.ts'
import { capability } from '../../src/kit/device.ts'
import { Refused, Unreachable } from '../../src/kit/errors.ts'
import { change } from './change.ts'
import { guardFreeJob, guardTarget, guardWhole, LIVE, MOVES, STUCK, UNDER_WAY, type Verb } from './guards.ts'
import { Mirror, mirrorClaims, mirroring } from './mirroring.ts'
import { Id, OneJob } from './params.ts'
import { jobIn, nodeIn, view } from './view.ts'
import { type Command, type Monitor, shown } from './wire.ts'

export const mirror = change({
  summary: 'Mirror a live disk to another node, all of it. The disk stays where it is until the cutover.',
  examples: [
    'mirror disk0 to new0 as job mig1 on vm01',
    'mirror disk0 to new0 as job mig1 in background on vm01',
    'mirror disk0 to new0 as job mig1 with speed 50MB/s on vm01',
  ],
  params: Mirror.extend({ writes: z.enum(['blocking', 'background']) }),
  risk: 'routine',
  says: (host, { source, target, job, writes, speed }) =>
    `mirror ${source} to ${target} as job ${job}${speed === undefined ? '' : ` with speed ${speed}B/s`}${writes === 'background' ? ' in background' : ''} on ${host}`,
  command: mirroring,
  claims: mirrorClaims,
  guard: (now, { source, target, job }) => {
    guardFreeJob(now, job)
    guardTarget(now, nodeIn(now, source), nodeIn(now, target))
  },
  stands: (now, { job }) => (jobIn(now, job) ? 'there' : 'absent'),
  from: ['absent'],
  to: ['there'],
  result: (after, { job, source, target }) => ({ job, source, target, state: jobIn(after, job)?.state ?? 'absent' }),
})

export const setSpeed = capability<Monitor>()({
  summary: 'Limit how fast a copy may go, or lift the limit.',
  examples: ['set speed of job mig1 on vm01 to 50MB/s', 'set speed of job mig1 on vm01 to full'],
  params: z.object({ job: Id, speed: z.number().int().min(0) }),
  says: (host, { job, speed }) => `set speed of job ${job} on ${host} to ${speed === 0 ? 'full' : `${speed}B/s`}`,
  sends: ({ job, speed }) => [shown(speedOf(job, speed))],
  effect: {
    risk: 'routine',
    // Shared, so that people can slow a copy down while the run that began it goes on.
    claims: ({ job }) => [shared('job', job, 'speed')],
    inDoubt: { ask: 'nobody' }, // setting a state: twice is as good as once
  },
  perform: async (monitor, call) => {
    const { job, speed } = call.params
    const state = jobIn(await view(monitor, call.signal), job)?.state ?? 'absent'
    if (!LIVE.includes(state)) throw new Refused(`job ${job} is ${state}: it copies nothing`)
    await monitor.change(speedOf(job, speed), call)
    return { job, speed }
  },
})

const speedOf = (job: string, speed: number | string): Command => ({
  execute: 'block-job-set-speed',
  args: { device: job, speed },
})

export const pause = move('pause', 'routine', 'Pause a job.', 'pause job')
export const resume = move('resume', 'routine', 'Go on with a job that is paused, or that stopped at an I/O error.', 'resume job')
export const cancel = move(
  'cancel',
  'disruptive',
  'Give a job up. The source stays live; what was copied is worth nothing.',
  'cancel job',
)
export const split = move(
  'split',
  'disruptive',
  'End a mirror that is ready without a cutover: the source stays live, and the target is a copy of this moment.',
  'split job',
)
export const cutOver = move(
  'cutOver',
  'disruptive',
  'Cut over to the target of a mirror that is ready. The old disk gets no writes from here on: the way back is a new mirror.',
  'cut over job',
)
export const rollBack = move(
  'rollBack',
  'disruptive',
  'Roll back: cut over to the old disk, once the mirror back to it has copied all of it and is ready.',
  'roll back job',
)
export const finishCommit = move(
  'finishCommit',
  'destructive',
  'End a commit that is ready: the disk is one file again.',
  'finish commit job',
)
export const dismiss = move('dismiss', 'routine', 'Remove the record of a job that has ended.', 'clean up job')

/** What all changes of a job's state have in common: the guard, the command, and the state that proves it. */
function move(verb: Verb, risk: 'routine' | 'disruptive' | 'destructive', summary: string, sentence: string) {
  const { from, to, otherwise, command } = MOVES[verb]
  return change({
    summary,
    examples: [`${sentence} mig1 on vm01`],
    params: OneJob,
    risk,
    says: (host, { job }) => `${sentence} ${job} on ${host}`,
    command: ({ job }) => command(job),
    claims: ({ job }) => [exclusive('job', job, 'state')],
    guard: (now, { job }) => {
      const found = jobIn(now, job)
      if (!found) throw new Refused(`there is no job ${job}; there are ${now.jobs.map(one => one.job).join(', ') || 'none'}`)
      if (!from.includes(found.state)) {
        const why = `job ${job} is ${found.state}, and this wants ${from.join(' or ')}: ${otherwise}`
        // A mirror back that is on its way will be ready: a run tries again, and does not give up its roll back.
        throw verb === 'rollBack' && UNDER_WAY.includes(found.state) ? new Unreachable(why) : new Refused(why)
      }
      if (verb === 'cutOver' || verb === 'rollBack') guardWhole(now, found)
      const type = verb === 'finishCommit' ? 'commit' : ['cutOver', 'rollBack', 'split'].includes(verb) ? 'mirror' : found.type
      if (found.type !== type) throw new Refused(`job ${job} is a ${found.type}, and this is for a ${type}`)
    },
    stands: (now, { job }) => jobIn(now, job)?.state ?? 'absent',
    from,
    to,
    settles: 15_000,
    stuck: STUCK[verb] ?? {},
    result: (after, { job }, before) => {
      const [was, now] = [jobIn(before, job), jobIn(after, job)]
      const live = verb === 'cutOver' || verb === 'rollBack' ? was?.target : undefined
      const [node, fault] = [live, now?.fault]
      const left = after.exports.filter(one => live !== undefined && one.node === was?.source).map(one => one.export)
      const devices = after.devices.filter(one => live !== undefined && one.node === was?.source)
      return {
        job,
        state: now?.state ?? 'absent',
        ...(node === undefined ? {} : { live: node, exportsLeft: left.length, devicesLeft: devices.length }),
        ...(fault === undefined ? {} : { fault }),
      }
    },
  })
}
