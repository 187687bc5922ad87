import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { render } from '../src/chat/console/render.ts'
import { ballots, questionToken } from '../src/domain/ballot.ts'
import { saysWith } from '../src/domain/chat.ts'
import { draw } from '../src/domain/draw.ts'
import { guard } from '../src/domain/guard.ts'
import { hours, type Instant, minutes, type Person, type RunId, type StepId } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import { wake, work } from '../src/domain/program.ts'
import type { Track } from '../src/domain/progress.ts'
import { rings } from '../src/domain/rings.ts'
import type { Run } from '../src/domain/run.ts'
import { sentences } from '../src/domain/sentences.ts'
import { parse } from '../src/language/parse.ts'
import migrate from '../src/runbooks/migrate.ts'
import {
  act,
  action,
  begun,
  done,
  fact,
  failed,
  gate,
  having,
  later,
  NOW,
  plan,
  policyOf,
  rule,
  say,
  sent,
  step,
  wait,
  watch,
} from './fakes/given.ts'

const undo = (verb: string) => [{ action: act(verb, 'routine').action, says: `${verb} on sql01` }]
const MOVE = plan(
  gate('start'),
  act('setup', 'routine', { undo: undo('abort') }),
  watch('copy', { stall: minutes(10) }),
  gate('cutover', { quorum: 2 }, [fact('paths')]),
  act('switch', 'disruptive', { undo: undo('switch-back') }),
  wait('soak', minutes(5)),
  act('commit', 'destructive', { final: true }),
  act('tidy', 'routine'),
)

/** The run on its way, one state after the other. */
const planned = begun(MOVE)
const approved = say(planned, 'lee', 'approve R1 because "go"').run
const copying = done(approved, 'setup')
const asking = having(copying, [step('copy', { type: 'step.done', how: 'seen' })])
const shown = (holds: boolean): Run =>
  having(asking, [
    step('cutover', {
      type: 'step.shown',
      facts: [{ label: 'paths', holds, shows: holds ? '4' : '0, wanted alive at least 1' }],
    }),
  ])
const halfway = say(shown(true), 'lee', 'approve R1').run
const opened = say(halfway, 'dee', 'approve R1').run
const doubtful = having(sent(opened, 'switch'), [
  step('switch', { type: 'step.doubted', why: 'it was sent, and nothing answered' }),
])
const held = failed(opened, 'switch')
const soaking = done(opened, 'switch')
const turning = say(soaking, 'olga', 'roll back R1 because "the application is slow"').run
const rolledBack = done(done(turning, 'undo-switch'), 'undo-setup')
const committing = later(soaking, NOW + minutes(5))
const passed = done(committing, 'commit', NOW + minutes(6))
const complete = done(passed, 'tidy', NOW + minutes(6))

const lines = (run: Run, at: Instant = NOW): readonly string[] => render(draw(run, at), { colours: false, width: 80 })
const text = (run: Run, at?: Instant): string => lines(run, at).join('\n')
const tracked = (track: Partial<Track>): Run => ({
  ...copying,
  tracks: new Map([['copy' as StepId, { since: NOW, at: NOW, moved: NOW, ...track }]]),
})
const marks = (run: Run): Record<string, string> =>
  Object.fromEntries((draw(run, NOW).steps ?? []).map(one => [one.text, one.mark]))

/** A run after whatever people and devices made of it: each number picks one of what may happen next. */
function walked(
  of: Plan,
  steps: readonly (readonly [pick: number, wait: number])[],
): { readonly run: Run; readonly now: Instant } {
  let run = begun(of)
  let now = NOW
  for (const [pick, wait] of steps) {
    now += wait
    run = later(run, now)
    const said = [...sentences(run), 'pause R1'].flatMap(text =>
      ['olga', 'lee', 'dee'].map(by => (): Run => say(run, by, text, { at: now }).run),
    )
    const made = work(run, now).flatMap(({ kind, step: { id } }): readonly (() => Run)[] => {
      const told = (what: Parameters<typeof step>[1]) => (): Run => having(run, [step(id, what)], now)
      if (kind === 'send') return [() => done(run, id, now), () => failed(run, id, 'no', now), () => sent(run, id, now)]
      if (kind === 'settle')
        return [told({ type: 'step.done', how: 'inferred' }), told({ type: 'step.doubted', why: 'no trace' })]
      return [true, false].map(holds => told({ type: 'step.shown', facts: [{ label: 'paths', holds, shows: '4' }] }))
    })
    // What a device does comes as often as what people say, or few runs would get anywhere.
    const side = pick % 2 === 0 && made.length > 0 ? made : said
    run = side[(pick >> 1) % side.length]?.() ?? run
  }
  return { run, now }
}

describe('the card of a run', () => {
  test('that is planned shows the whole of it, the question and the answers', () => {
    expect(lines(planned).slice(0, -1)).toEqual([
      'R1 move a disk on sql01  waits for start',
      '  [?] approve start',
      '  [ ] setup on sql01',
      '  [ ] copy the disk',
      '  [ ] approve cutover',
      '  [ ] switch on sql01',
      '  [ ] soak a while',
      '  ============================ point of no return ============================',
      '  [ ] commit on sql01',
      '  [ ] tidy on sql01',
      '  Go on with start?',
      '    opens: setup on sql01',
      '    needs one with the role lead, not the one who asked, by 13:00:00 UTC (within 1 h)',
    ])
    expect(draw(planned, NOW).tone).toBe('waiting')
  })

  test('that goes on says who approved and why, and where it is', () => {
    expect(lines(approved)).toContain('  [x] approve start  approved by lee (go) at 12:00:00 UTC')
    expect(lines(approved)[0]).toBe('R1 move a disk on sql01  setup')
    expect(draw(approved, NOW)).toMatchObject({ tone: 'calm', buttons: [{ says: 'cancel R1' }] })
  })

  test('that copies has a bar, the bytes, the rate and a range of time', () => {
    const run = tracked({ done: 0.37, rate: 0.001, slow: 0.0008, fast: 0.001, total: 64e9, copied: 23.7e9 })
    expect(text(run)).toContain('  ########................ 37.0 %, 23.7 GB of 64 GB at 64 MB/s; 11 min to 13 min left')
  })

  test('that copies shows what nobody has measured as unknown, and draws no bar', () => {
    expect(text(copying)).toContain('  copy: not looked at yet')
    expect(text(tracked({}))).toContain('  share unknown; time left unknown')
    expect(draw(tracked({}), NOW).meter).not.toHaveProperty('done')
    expect(text(tracked({}))).not.toMatch(/[#.]{24}|\d %/)
  })

  test('that stalls says for how long, and promises no end', () => {
    expect(text(tracked({ done: 0.37, rate: 0.001, fast: 0.001 }), NOW + minutes(11))).toContain('37.0 %; NO PROGRESS for 11 min')
  })

  test('that asks shows its facts: being read, not holding, holding', () => {
    expect(text(asking)).toContain('Go on with cutover?\n      its facts are being read'.replace('      ', '    '))
    expect(text(shown(false))).toContain('    DOES NOT HOLD: paths: 0, wanted alive at least 1')
    expect(text(shown(true))).toContain('    holds: paths: 4')
  })

  test('that asks says what the approval opens, who is missing and until when', () => {
    expect(text(halfway)).toContain('    opens: switch on sql01')
    expect(text(halfway)).toContain(
      'needs 2 with the role lead, not the one who asked; so far yes from lee; still wanted: one with the role lead, by 13:00:00 UTC',
    )
    expect(lines(opened)).toContain('  [x] approve cutover  approved by lee and dee at 12:00:00 UTC')
  })

  test('that asks shows what an earlier step has handed out in place of its name', () => {
    const of = plan(
      act('setup', 'routine'),
      gate('go'),
      act('sync', 'routine', { says: 'sync session <session of setup> on sql01' }),
    )
    expect(text(begun(of))).toContain('sync session <session of setup> on sql01')
    const run = done(begun(of), 'setup', NOW, { session: 17 })
    expect(text(run)).toContain('  [ ] sync session 17 on sql01')
    expect(text(run)).toContain('    opens: sync session 17 on sql01')
  })

  test('that is in doubt says about what, why, and what a person has to say', () => {
    expect(lines(doubtful)[0]).toBe('R1 move a disk on sql01  in doubt about switch: a person must say what happened')
    expect(text(doubtful)).toContain('  [~] switch on sql01  it was sent, and nothing answered')
    expect(text(doubtful)).toContain('tell R1 switch happened because "..." | tell R1 switch did not happen because "..."')
    expect(draw(doubtful, NOW).tone).toBe('bad')
  })

  test('that was in doubt says how it is known: done, found done, or said to be done', () => {
    expect(lines(soaking)).toContain('  [x] switch on sql01  done at 12:00:00 UTC')
    const inferred = having(sent(opened, 'switch'), [step('switch', { type: 'step.done', how: 'inferred' })])
    expect(lines(inferred)).toContain('  [x] switch on sql01  found done at 12:00:00 UTC')
    expect(lines(say(doubtful, 'otto', 'tell R1 switch happened because "saw it"').run)).toContain(
      '  [x] switch on sql01  said to be done by otto at 12:00:00 UTC',
    )
  })

  test('that is held says at what, why, and what moves it', () => {
    expect(lines(held)[0]).toBe('R1 move a disk on sql01  held at switch')
    expect(text(held)).toContain('  [!] switch on sql01  the device said no')
    expect(text(held)).toContain('retry R1 | skip R1 switch because "..." | roll back R1 | give up R1')
  })

  test('that somebody wants to skip a step of says who asks and why', () => {
    const asked = say(held, 'olga', 'skip R1 switch because "done by hand"').run
    expect(text(asked)).toContain('Skip switch? olga asks, because done by hand')
    expect(draw(asked, NOW).buttons.map(button => button.says.split(' as ')[0])).toContain('approve R1 switch')
  })

  test('that is paused says by whom and how to go on', () => {
    const paused = say(opened, 'olga', 'pause R1').run
    expect(lines(paused)[0]).toBe('R1 move a disk on sql01  paused by olga')
    expect(draw(paused, NOW)).toMatchObject({ tone: 'waiting', buttons: [{ says: 'resume R1' }, { says: 'roll back R1' }] })
  })

  test('that is rolled back shows the steps back, where it is among them, and what was undone', () => {
    expect(lines(turning)[0]).toBe('R1 move a disk on sql01  rolling back, as olga said: undo-switch')
    expect(marks(turning)).toMatchObject({
      'switch-back on sql01': 'now',
      'abort on sql01': 'next',
      'commit on sql01': 'skipped',
    })
    expect(lines(rolledBack)[0]).toBe('R1 move a disk on sql01  rolled back after 0 s')
    expect(marks(rolledBack)).toMatchObject({
      'setup on sql01': 'undone',
      'switch on sql01': 'undone',
      'switch-back on sql01': 'done',
    })
    expect(text(rolledBack)).toContain('Because the application is slow')
    expect(draw(rolledBack, NOW)).toMatchObject({ tone: 'bad', buttons: [] })
  })

  test('that is over says how, how long it took, and offers nothing', () => {
    expect(lines(complete, NOW + minutes(99))[0]).toBe('R1 move a disk on sql01  succeeded after 6 min')
    expect(draw(complete, NOW)).toMatchObject({ tone: 'good', buttons: [], lines: [] })
    expect(Object.values(marks(complete))).not.toContain('next')
  })

  test('that was given up says what was done and left as it is', () => {
    const ended = say(held, 'olga', 'give up R1').run
    expect(lines(ended)[0]).toBe('R1 move a disk on sql01  failed after 0 s')
    expect(text(ended)).toContain('Done and left as it is: setup on sql01')
  })

  test('that waits for another one says for which, and what that one holds', () => {
    expect(text({ ...approved, waitsFor: { path: 'sql01/disk/5', run: 'R9' as RunId, next: NOW } })).toContain(
      'Waits for R9, which holds sql01/disk/5.',
    )
  })

  test('that asks for longer than a day says on which day that ends', () => {
    const patient = begun(plan(gate('start', { within: hours(60) }), act('sync', 'routine')))
    expect(text(patient)).toContain('by 2025-11-23 00:00:00 UTC (within 2.5 days)')
  })

  test('is the same however often it is drawn', () => {
    for (const run of [planned, asking, doubtful, turning]) expect(draw(run, NOW)).toEqual(draw(run, NOW))
  })

  test('that has no watch is the same text for as long as nothing happens to it', () => {
    let apart = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1_000, 40_000, minutes(20))), { maxLength: 30 }), steps => {
        const { run, now } = walked(plan(...MOVE.stages.filter(stage => stage.every(one => one.kind !== 'watch'))), steps)
        const until = Math.max(now, (wake(run) ?? now + hours(90)) - 1)
        if (until > now) apart++
        expect(draw(run, until)).toEqual(draw(run, now))
      }),
      { numRuns: 300, seed: 20251120 },
    )
    expect(apart).toBeGreaterThan(100)
  })

  test('that copies is the same text but for its meter', () => {
    const run = tracked({ done: 0.37, rate: 0.001, fast: 0.001 })
    const [early, late] = [draw(run, NOW), draw(run, NOW + minutes(30))]
    expect(late.meter).not.toEqual(early.meter)
    expect({ ...late, meter: undefined }).toEqual({ ...early, meter: undefined })
  })

  test('draws the point of no return once, before the step that it is, in every state', () => {
    for (const run of [planned, copying, shown(true), doubtful, held, soaking, turning, rolledBack, passed, complete]) {
      const all = lines(run)
      const at = all.findIndex(line => line.includes('point of no return'))
      expect(
        all.filter(line => line.includes('point of no return')),
        all[0],
      ).toHaveLength(1)
      expect(all[at + 1]).toContain('commit on sql01')
    }
  })

  test('of the built-in migration has one such line, and the commit behind it', () => {
    const policy = policyOf(
      { olga: ['operator', 'lead'], lee: ['lead', 'operator'] },
      { may: 'operator', before: { from: 'disruptive', rule: rule() } },
    )
    const guarded = guard(
      migrate.plan(migrate.params.parse({ host: 'sql01', from: 'harddisk5', to: 'harddisk8' })),
      policy,
      'olga' as Person,
    )
    if ('refusal' in guarded) throw new Error('olga may')
    const all = lines(begun(guarded.plan))
    const at = all.findIndex(line => line.includes('point of no return'))
    expect(all.filter(line => line.includes('point of no return'))).toHaveLength(1)
    expect(all[at + 1]).toContain('commit session')
  })
})

describe('the buttons of a card', () => {
  const states: readonly (readonly [string, Run])[] = Object.entries({
    planned,
    approved,
    asking,
    halfway,
    doubtful,
    held,
    skip: say(held, 'olga', 'skip R1 switch because "x"').run,
    paused: say(opened, 'olga', 'pause R1').run,
    soaking,
    passed: failed(passed, 'tidy'),
  })

  test('say sentences that the language understands as being about this run, in 100 characters at most', () => {
    let found = 0
    for (const [name, run] of states)
      for (const button of draw(run, NOW).buttons) {
        found++
        const heard = parse(button.says, { targets: new Map() })
        expect(heard, `${name}: ${button.says}`).toMatchObject({ command: { run: 'R1' } })
        expect(button.says.length).toBeLessThanOrEqual(100)
        expect(button.label.length).toBeGreaterThan(0)
      }
    expect(found).toBeGreaterThan(15)
  })

  test('that vote carry a token of the question that was shown; the others need none', () => {
    const [open] = ballots(planned)
    const token = open && questionToken(planned, open.step, open.ballot)
    expect(draw(planned, NOW).buttons).toEqual([
      { label: 'Approve start', says: `approve R1 start as ${token}`, style: 'primary' },
      {
        label: 'Deny start',
        says: `deny R1 start as ${token} because "..."`,
        style: 'danger',
        words: { asks: 'Why not?', optional: true },
      },
      { label: 'Cancel', says: 'cancel R1', style: 'danger' },
      {
        label: 'Approve with a note',
        says: `approve R1 start as ${token} because "..."`,
        words: { asks: 'Note or ticket' },
      },
    ])
    expect(planned.digest).not.toContain(token)
  })

  test('that want words ask for them, and what a person writes becomes the reason', () => {
    const [seen, unseen] = draw(doubtful, NOW).buttons
    expect(seen).toEqual({
      label: 'switch happened',
      says: 'tell R1 switch happened because "..."',
      words: { asks: 'What did you see?' },
    })
    expect(unseen?.says).toBe('tell R1 switch did not happen because "..."')
    expect(seen && saysWith(seen, 'it is "listed"')).toBe('tell R1 switch happened because "it is \'listed\'"')
    expect(seen && saysWith(seen, ' ')).toBeUndefined()
    expect(draw(held, NOW).buttons).toContainEqual({
      label: 'Skip switch',
      says: 'skip R1 switch because "..."',
      style: 'danger',
      words: { asks: 'Why go on without it?' },
    })
    const deny = draw(planned, NOW).buttons.find(button => button.label === 'Deny start')
    expect(deny && saysWith(deny, '')).toMatch(/^deny R1 start as [0-9a-f]{10}$/)
  })

  test('ask for no more than 45 characters, and no two of a card say the same', () => {
    for (const [name, run] of states) {
      const { buttons } = draw(run, NOW)
      for (const { words } of buttons) expect(words?.asks.length ?? 0, name).toBeLessThanOrEqual(45)
      expect(new Set(buttons.map(button => button.says)).size, name).toBe(buttons.length)
      expect(new Set(buttons.map(button => button.label)).size, name).toBe(buttons.length)
    }
  })

  test('that open something come before all others, a vote with a note comes last', () => {
    const both = begun(plan([gate('one'), gate('two')], act('sync', 'routine')))
    expect(draw(both, NOW).buttons.map(button => button.label)).toEqual([
      'Approve one',
      'Approve two',
      'Deny one',
      'Deny two',
      'Cancel',
      'Approve one with a note',
      'Approve two with a note',
    ])
  })

  test('of a thing done by hand confirm it, with a note or without', () => {
    const pinned = begun(plan({ ...gate('pinned'), for: 'confirmation' }, act('sync', 'routine')))
    expect(draw(pinned, NOW).buttons.map(button => button.label)).toEqual(['Confirm pinned', 'Cancel', 'Confirm with a note'])
  })

  describe('that let a point of no return happen', () => {
    const guarding = (target: string): Run =>
      begun(plan(gate('go'), act('commit', 'destructive', { final: true, action: action('commit', 'destructive', {}, target) })))
    const approve = (target: string) => draw(guarding(target), NOW).buttons[0]

    test('want the name of what it happens to, to the letter', () => {
      const button = approve('sql01')
      expect(button).toMatchObject({ label: 'Approve go', words: { asks: 'Type sql01 to approve', must: 'sql01' } })
      expect(button && saysWith(button, 'sql02')).toBeUndefined()
      expect(button && saysWith(button, '')).toBeUndefined()
      expect(button && saysWith(button, 'sql01')).toBe(button?.says)
    })

    test('ask in few words where the name is long', () => {
      const long = `sql01.${'storage.'.repeat(5)}example.com`
      expect(approve(long)).toMatchObject({ words: { asks: "Type the target's name to approve", must: long } })
    })

    test('are never without words, not even with a note or when a step before it is skipped', () => {
      const behind = plan(gate('go'), act('sync', 'routine'), act('commit', 'destructive', { final: true }))
      const skipping = say(begun(behind), 'lee', 'approve R1').run
      const asked = say(failed(skipping, 'sync'), 'olga', 'skip R1 sync because "x"').run
      for (const run of [guarding('sql01'), asked]) {
        const votes = draw(run, NOW).buttons.filter(button => button.says.startsWith('approve'))
        expect(votes).toHaveLength(2)
        for (const button of votes) expect(saysWith(button, ''), button.says).toBeUndefined()
      }
      expect(draw(guarding('sql01'), NOW).buttons.at(-1)?.words).toEqual({ asks: 'Point of no return: note or ticket' })
    })

    test('stand before that step alone: an earlier gate wants no name', () => {
      expect(draw(planned, NOW).buttons[0]).not.toHaveProperty('words')
    })
  })

  test('of steps with the longest of names still fit: what has no room is left out, and a deny goes without a reason', () => {
    const long = 'a'.repeat(64)
    const named = (run: Run): Run => ({ ...run, id: 'R123456789' as RunId })
    const open = draw(named(begun(plan(gate(long), act('sync', 'routine')))), NOW).buttons
    expect(open.map(button => button.label)).toEqual([`Approve ${long}`, `Deny ${long}`, 'Cancel'])
    expect(open.map(button => button.words)).toEqual([undefined, undefined, undefined])
  })

  test('offer both answers to a doubt or, where one has no room, neither', () => {
    const labels = (id: string): readonly string[] => {
      const run = having(sent(begun(plan(act(id, 'routine'))), id), [step(id, { type: 'step.doubted', why: 'no trace' })])
      expect(draw(run, NOW).lines.join()).toContain(`tell R1 ${id} did not happen because "..."`)
      return draw(run, NOW).buttons.map(button => button.label)
    }
    const [short, long] = ['a'.repeat(63), 'a'.repeat(64)]
    expect(labels(short)).toEqual([`${short} happened`, `${short} did not happen`])
    expect(`tell R1 ${long} happened because "..."`.length).toBeLessThanOrEqual(100)
    expect(labels(long)).toEqual([])
  })

  test('do what they say: each is heard by somebody who may', () => {
    for (const [name, run] of states)
      for (const button of draw(run, NOW).buttons) {
        const outcomes = ['olga', 'otto', 'lee', 'dee'].map(by => say(run, by, button.says))
        const facts = name === 'asking' && button.says.startsWith('approve')
        expect(outcomes.some(one => one.heard !== undefined) || facts, `${name}: ${button.says}`).toBe(true)
      }
  })
})

describe('what rings', () => {
  const keys = (run: Run, at = NOW): string[] => rings(run, at).map(ring => ring.key)

  test('is a gate that opens, a doubt, a hold, a stall and the end, each with a key of its own', () => {
    expect(keys(planned)).toEqual([`ring-open-start-${NOW + minutes(60)}`])
    expect(keys(approved)).toEqual([])
    expect(keys(doubtful)[0]).toMatch(/^ring-doubt-R1\/switch\//)
    expect(keys(held)).toEqual([`ring-held-switch-${NOW}`])
    expect(keys(complete)).toEqual(['ring-end'])
    expect(keys(tracked({ done: 0.4 }), NOW + minutes(11))).toEqual([`ring-stall-copy-${NOW}`])
    expect(keys(tracked({ done: 0.4 }), NOW + minutes(9))).toEqual([])
  })

  test('again is a gate that was opened again, and a second stall', () => {
    const again = say(held, 'olga', 'retry R1', { at: NOW + minutes(30) }).run
    expect(keys(again)).not.toEqual(keys(asking))
    expect(keys(tracked({ done: 0.4, moved: NOW + minutes(20) }), NOW + minutes(40))).toEqual([
      `ring-stall-copy-${NOW + minutes(20)}`,
    ])
  })

  test('is nothing that is over: a bell never rings late', () => {
    expect(keys(approved).filter(key => key.includes('start'))).toEqual([])
    expect(keys(say(held, 'olga', 'give up R1').run)).toEqual(['ring-end'])
  })

  test('says in its title what is wanted', () => {
    expect(rings(planned, NOW)[0]?.card.title).toBe('R1 asks: Go on with start?')
    expect(rings(held, NOW)[0]?.card.title).toBe('R1 is held at switch: the device said no')
  })
})
