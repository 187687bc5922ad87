import blocksync from '../../adapters/blocksync/index.ts'
import { minutes, seconds } from '../domain/ids.ts'
import type { Step } from '../domain/plan.ts'
import { expect, stepsFor } from './build.ts'

const { act, watch } = stepsFor(blocksync)

/** Whatever became of a run: its sync does not go on without it, and its name is free for the next one. */
export const tidied = (store: string, sync: string): readonly Step[] => [
  { ...act('halt', blocksync.act.halt(store, { sync })), always: true },
  {
    ...watch(
      'halted',
      'wait until nothing is moved any more',
      blocksync.act.sync(store, { sync }),
      expect('state', {
        oneOf: ['done', 'failed', 'cancelled', 'dead', 'none'],
      }),
      { every: seconds(2), within: minutes(10) },
    ),
    always: true,
  },
  { ...act('tidy', blocksync.act.tidy(store, { sync })), always: true },
]
