import { describe, expect, test } from 'vitest'
import { hours } from '../src/domain/ids.ts'
import { act, action, gate, plan, policyOf } from './fakes/given.ts'
import { R1, type Threatened, threatened } from './threats-world.ts'

/** Somebody wants a run to stop, at any moment of a cutover: it stops where it may, and says what to say where it may not. */

const POLICY = policyOf({ olga: ['operator'], lee: ['lead', 'operator'], vic: ['viewer'] }, { may: 'operator' })
const undo = (name: string) => [{ action: action(name, 'routine'), says: name }]
const PLAN = plan(
  gate('start'),
  act('setup', 'routine', { undo: undo('unsetup') }),
  gate('ready'),
  act('select', 'disruptive', { undo: undo('unselect') }),
  gate('commit-approval'),
  act('commit', 'destructive', { final: true }),
  gate('last'),
  act('tidy', 'routine'),
)
/** What brings the run from one point to the next. */
const POINTS = ['approve R1 start', 'approve R1 ready', 'approve R1 commit-approval', 'approve R1 last']
const UNDOES: Readonly<Record<string, string>> = { setup: 'unsetup', select: 'unselect' }

/** The run after so many approvals, and with what they open sent or not yet. */
async function at(approvals: number, sent: boolean): Promise<Threatened> {
  const world = threatened()
  world.policy = POLICY
  await world.begin(PLAN)
  for (const [n, text] of POINTS.slice(0, approvals).entries()) {
    await world.say(R1, 'lee', text)
    if (sent || n < approvals - 1) await world.advance(R1)
  }
  return world
}
const names = ({ sent }: Threatened) => sent.map(one => one.split(' ')[0] ?? '')
const points = [0, 1, 2, 3, 4].flatMap(approvals => [true, false].map(sent => [approvals, sent] as const))

describe.each(points)('after %i approvals, with what they open sent: %s,', (approvals, sent) => {
  test.each(['cancel R1', 'roll back R1', 'give up R1', 'pause R1'])(
    'what somebody says to stop it ends well or is refused, and starts nothing new: %s',
    async text => {
      const world = await at(approvals, sent)
      const before = names(world)
      const seq = (await world.load(R1)).seq
      expect(await world.say(R1, 'vic', text)).toContain('no:')
      expect((await world.load(R1)).seq).toBe(seq)
      const heard = await world.say(R1, 'olga', text)
      const moved = (await world.load(R1)).seq > seq
      expect(moved, heard).toBe(!heard.startsWith('no:'))
      world.store.time += hours(24)
      await world.advance(R1)
      await world.advance(R1)
      const run = await world.load(R1)
      const after = names(world).slice(before.length)
      // What was refused changed nothing: the run is where it would have come to anyhow.
      if (!moved) return expect(heard).toMatch(/it is over|"instead":\["/)
      const back = before.includes('commit') ? [] : [...before].reverse().map(one => UNDOES[one])
      expect(after).toEqual(text === 'roll back R1' ? back : [])
      const ends = { 'roll back R1': 'rolled back', 'give up R1': 'cancelled', 'cancel R1': 'cancelled', 'pause R1': undefined }
      if (text !== 'pause R1') expect(run.outcome).toBe(ends[text as keyof typeof ends])
      for (const forward of ['commit', 'tidy', 'select', 'setup']) expect(after).not.toContain(forward)
    },
  )
})

test('a cancel is not taken once something was changed, and says what can be said instead', async () => {
  const world = await at(2, true)
  expect(await world.say(R1, 'olga', 'cancel R1')).toContain('"instead":["roll back R1","give up R1"]')
})
