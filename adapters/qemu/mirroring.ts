import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import type { Shown } from '../../src/kit/device.ts'
import { Id } from './params.ts'
import type { Command } from './wire.ts'

/** What is said of every mirror. Its speed is limited from the first byte on: a limit that is set later comes too late. */
export const Mirror = z.object({ source: Id, target: Id, job: Id, speed: z.number().int().min(1).optional() })
type Mirror = z.infer<typeof Mirror>

export const mirroring = ({ source, target, job, speed, writes }: Shown<Mirror & { readonly writes?: string }>): Command => ({
  execute: 'blockdev-mirror',
  args: {
    'job-id': job,
    device: source,
    target,
    sync: 'full', // anything less makes a cutover lose data, and QEMU calls that a success
    'copy-mode': writes === 'background' ? 'background' : 'write-blocking',
    ...(speed === undefined ? {} : { speed }),
    'on-source-error': 'stop',
    'on-target-error': 'stop',
    'auto-dismiss': false, // how it ended stays to be read until somebody cleans up
  },
})

/** The job's state and not all of it: while a run has it, people may still set its speed. */
export const mirrorClaims = ({ source, target, job }: Mirror) => [
  exclusive('node', source),
  exclusive('node', target),
  exclusive('job', job, 'state'),
]
