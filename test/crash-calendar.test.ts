import { expect, test, vi } from 'vitest'
import { minutes, type StepId } from '../src/domain/ids.ts'
import type { Wait } from '../src/domain/plan.ts'
import { counter } from './crash-benches.ts'
import { dies, everyPair, placed, told } from './crash-placed.ts'
import type { Bench } from './crash-world.ts'

vi.setConfig({ testTimeout: 240_000 })

/** A change that has a window of its own, from two minutes after it was asked for; what comes first needs none. */
const settle: Wait = { id: 'settle' as StepId, says: 'settle for 1 min', kind: 'wait', for: minutes(1) }
const plain = counter('device')
const windowed: Bench = {
  ...plain,
  plan: command => {
    const planned = plain.plan(command)
    return 'plan' in planned ? { ...planned, plan: { ...planned.plan, stages: [[settle], ...planned.plan.stages] } } : planned
  },
  policy: {
    ...plain.policy,
    labels: new Map([['relay', {}]]),
    windows: [
      // The store's time begins at 12:00 UTC.
      { name: 'noon', target: 'relay', from: 'routine', zone: 'UTC', open: [{ from: { minute: 722 }, to: { minute: 840 } }] },
    ],
  },
}

test('a run that waits for its window is asked and sent once when it opens, wherever two workers die', async () => {
  const { entries, met } = await placed({ bench: windowed }, 'succeeded')
  const opened = entries.find(({ type, data }) => type === 'step.opened' && (data as { step: string }).step !== 'settle')
  expect(new Date(opened?.at ?? 0).toISOString().slice(11, 16) >= '12:02').toBe(true)
  expect(met.flat()).toEqual(expect.arrayContaining(['before waitFor', 'after waitFor', 'before forged', 'after forged']))
  told('a change in its window, pairs of every third await', await everyPair(windowed, dies, 'succeeded', 3))
})
