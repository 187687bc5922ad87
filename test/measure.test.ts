import { expect, test } from 'vitest'
import { draw } from '../src/domain/draw.ts'
import { minutes, type StepId } from '../src/domain/ids.ts'
import { measured } from '../src/domain/measure.ts'
import { act, begun, having, NOW, plan, step } from './fakes/given.ts'

const MEASURED = {
  ...plan(act('find', 'none'), act('launch', 'routine'), act('check', 'none')),
  measures: [
    { label: 'Recovery point', kind: 'age', of: { from: 'find' as StepId, field: 'taken' } },
    { label: 'Recovery time', kind: 'took', to: 'check' as StepId },
    { label: 'Launch', kind: 'took', from: 'find' as StepId, to: 'launch' as StepId },
  ],
} as const

const done = (id: string, at: number, result?: unknown) =>
  [[step(id, { type: 'step.done', how: 'seen', result })], NOW + at] as const
const after = (...happened: readonly ReturnType<typeof done>[]) =>
  happened.reduce((run, [events, at]) => having(run, events, at), begun(MEASURED))

test('a run tells its recovery point and time as soon as they are measured, and not before', () => {
  expect(measured(after())).toEqual([])
  const found = after(done('find', minutes(1), { taken: NOW - minutes(14) }))
  expect(measured(found)).toEqual(['Recovery point: 2025-11-20 11:46 UTC, 14 min before the start'])
  const all = after(done('find', minutes(1), { taken: NOW - minutes(14) }), done('launch', minutes(4)), done('check', minutes(6)))
  expect(measured(all).slice(1)).toEqual(['Recovery time: 6 min', 'Launch: 3 min'])
  expect(draw(all, NOW + minutes(60)).lines).toEqual(expect.arrayContaining([...measured(all)]))
})

test('what a device did not say is not measured', () => {
  expect(measured(after(done('find', minutes(1), { taken: 'yesterday' })))).toEqual([])
  expect(measured(after(done('find', minutes(1))))).toEqual([])
  expect(measured(after(done('find', minutes(1), { taken: 1e300 })))).toEqual([])
})
