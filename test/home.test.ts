import { describe, expect, test } from 'vitest'
import { homeCard } from '../src/domain/home.ts'
import { hours, type Instant, minutes, type Person, type RunId } from '../src/domain/ids.ts'
import type { Run } from '../src/domain/run.ts'
import { act, begun, done, failed, gate, having, NOW, POLICY, plan, say, sent, step } from './fakes/given.ts'

const PLAN = plan(act('setup', 'routine'), gate('cutover', { quorum: 2 }), act('switch', 'disruptive'), act('tidy', 'routine'))
const called = (run: Run, id: string): Run => ({ ...run, id: id as RunId })
const open = (by = 'olga', at: Instant = NOW): Run => done(begun(PLAN, by, at), 'setup', at)
const approved = (run: Run): Run => say(say(run, 'lee', 'approve R1').run, 'dee', 'approve R1').run
const held = failed(approved(open()), 'switch')
const doubtful = having(sent(approved(open()), 'switch'), [step('switch', { type: 'step.doubted', why: 'no trace' })])
const ended = (at: Instant): Run => done(begun(plan(act('sync', 'routine')), 'otto', at - minutes(6)), 'sync', at)

const home = (by: string, runs: readonly Run[], now = NOW) => homeCard(runs, by as Person, POLICY, now)
const lines = (by: string, ...runs: readonly Run[]): readonly string[] => home(by, runs).lines

describe('what waits for somebody', () => {
  test('is a vote that they could cast, with the run, its title and who asked', () => {
    const card = home('lee', [open()])
    expect(card).toEqual({
      title: 'One run waits for you',
      tone: 'waiting',
      lines: ['Waits for you:', '  R1 move a disk on sql01: your vote on cutover; asked for by olga'],
      buttons: [],
    })
  })

  test('is nothing that they may not vote on: without the role, on their own request, or once they have', () => {
    const nothing = { title: 'Nothing waits for you', tone: 'calm' }
    expect(home('otto', [open()])).toMatchObject(nothing)
    expect(home('lee', [open('lee')])).toMatchObject(nothing)
    expect(home('mallory', [open()])).toMatchObject(nothing)
    const once = say(open(), 'lee', 'approve R1').run
    expect(home('lee', [once])).toMatchObject(nothing)
    expect(home('dee', [once])).toMatchObject({ tone: 'waiting' })
    expect(home('lee', [once]).lines).toEqual(['Runs:', '  R1 move a disk on sql01: waits for cutover; asked for by olga'])
  })

  test('is nothing whose time has run out', () => {
    expect(home('lee', [open()], NOW + hours(1) - 1)).toMatchObject({ tone: 'waiting' })
    expect(home('lee', [open()], NOW + hours(1))).toMatchObject({ tone: 'calm' })
  })

  test('is a doubt or a hold of a run of their own, and of no other', () => {
    expect(lines('olga', doubtful)).toContain('  R1 move a disk on sql01: in doubt about switch; asked for by olga')
    expect(lines('olga', held)).toContain('  R1 move a disk on sql01: held at switch; asked for by olga')
    for (const run of [doubtful, held])
      expect(home('otto', [run])).toMatchObject({ tone: 'calm', title: 'Nothing waits for you' })
  })

  test('is whether to skip a step, for whoever neither asks for that nor for the run', () => {
    const asked = say(held, 'otto', 'skip R1 switch because "done by hand"').run
    expect(lines('lee', asked)[1]).toBe('  R1 move a disk on sql01: your vote on whether to skip switch; asked for by olga')
    expect(home('otto', [asked])).toMatchObject({ tone: 'calm' })
    expect(home('olga', [asked])).toMatchObject({ tone: 'calm' })
    const mine = say(held, 'lee', 'skip R1 switch because "done by hand"').run
    expect(home('lee', [mine])).toMatchObject({ tone: 'calm' })
    expect(home('dee', [mine])).toMatchObject({ tone: 'waiting' })
  })

  test('comes first, the longest wait at the top', () => {
    const runs = [called(open('olga', NOW + 5), 'R9'), called(held, 'R8'), called(open('olga', NOW), 'R7')]
    const card = home('lee', runs)
    expect(card.title).toBe('2 runs wait for you')
    expect(card.lines.map(line => line.trim().split(' ')[0])).toEqual(['Waits', 'R7', 'R9', 'Runs:', 'R8'])
  })
})

describe('what runs and what ran', () => {
  test('is told with how it stands', () => {
    const going = called(begun(PLAN), 'R5')
    expect(lines('otto', going, called(ended(NOW), 'R4'))).toEqual([
      'Runs:',
      '  R5 move a disk on sql01: setup; asked for by olga',
      'Ended lately:',
      '  R4 move a disk on sql01: succeeded after 6 min, at 2025-11-20 12:00 UTC; asked for by otto',
    ])
  })

  test('lately is the ten that ended last, the latest at the top', () => {
    const runs = Array.from({ length: 14 }, (_, n) => called(ended(NOW + minutes((n * 7) % 14)), `R${(n * 7) % 14}x${n}`))
    const shown = lines('olga', ...runs).slice(1)
    expect(shown).toHaveLength(10)
    expect(shown.map(line => line.match(/12:\d\d UTC/)?.[0])).toEqual(
      [...shown]
        .map(line => line.match(/12:\d\d UTC/)?.[0])
        .sort()
        .reverse(),
    )
  })

  test('of very many runs is a number behind the first of them, and not lost', () => {
    const runs = Array.from({ length: 33 }, (_, n) => called(begun(PLAN), `R${n + 1}`))
    expect(lines('otto', ...runs)).toHaveLength(22)
    expect(lines('otto', ...runs).at(-1)).toBe('  and 13 more: say `show runs`')
  })

  test('where nothing does, says how to begin', () => {
    expect(home('olga', [])).toEqual({
      title: 'Nothing waits for you',
      tone: 'calm',
      lines: ['Nothing runs, and nothing has run yet. Say `help` to see what can be said.'],
      buttons: [],
    })
  })

  test('is the same text for as long as nothing happens', () => {
    const runs = [open(), called(doubtful, 'R2'), called(ended(NOW), 'R3')]
    expect(home('olga', runs, NOW + minutes(59))).toEqual(home('olga', runs))
  })
})
