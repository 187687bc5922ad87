import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ApprovalRule, Vote } from '../src/domain/approval.ts'
import { canonical, digestOf, type Entry } from '../src/domain/chain.ts'
import { type Handle, hours, type Instant, minutes, type Person, type RunId, type StepId } from '../src/domain/ids.ts'
import { inBackticks, inMarkdown, plain } from '../src/domain/plain-text.ts'
import type { Action, Plan } from '../src/domain/plan.ts'
import { observe, type Track } from '../src/domain/progress.ts'
import { type ChangeRecord, jsonOf, type RecordFacts, record, type Verification } from '../src/domain/record.ts'
import { reportCard } from '../src/domain/record-card.ts'
import { markdownOf } from '../src/domain/record-markdown.ts'
import { SMALL } from '../src/domain/record-scribe.ts'
import type { Event, Run, SeenFact } from '../src/domain/run.ts'
import { redactedValue, redactor } from '../src/kit/redact.ts'
import { act, action, fact, gate, rule, step, wait, watch } from './fakes/given.ts'
import { memoryStore } from './fakes/memory-store.ts'

const BEGAN: Instant = Date.UTC(2025, 9, 26, 0, 30) // Berlin, an hour before its clocks are set back
const VERIFIED: Verification = {
  whole: true,
  entries: 40,
  head: 'c0ffee',
  macs: 'checked: 40 of 40 entries have one, and it is right',
  anchor: { day: '2025-10-26', digest: 'deadbeef', upTo: 12 },
}
const FACTS: RecordFacts = {
  verified: VERIFIED,
  site: 'berlin',
  zone: 'Europe/Berlin',
  sends: ({ capability, params }: Action) => [`lab ${capability.split('.')[1]} --with ${canonical(params)}`],
}

/** Every word that people and devices say in the story, so that a test may say it otherwise. */
const WORDS = {
  title: 'move a disk on sql01',
  said: 'migrate harddisk5 because "CHG0042"',
  reason: 'CHG0042: the old array goes',
  note: 'the cluster stays where it is',
  label: 'harddisk5 is',
  shows: 'Symmetrix 0328',
  words: 'both owners agree, CHG0042',
  told: 'I looked at the array',
  why: 'the session did not answer',
  result: 'session 7 of two',
  emergency: 'the array is failing',
  review: 'it was right to go on',
  skip: 'the host is gone anyway',
}
type Words = typeof WORDS

const planOf = (words: Words): Plan => ({
  title: words.title,
  notes: [words.note],
  runbook: 'migrate',
  onFailure: 'hold',
  stages: [
    [gate('start', { role: 'operator', quorum: 1, reason: 'CHG\\d+', from: 'operators move disks' }, [fact(words.label)])],
    [act('setup', 'routine', { undo: [{ says: 'clean up on sql01', action: action('cleanup', 'routine') }] })],
    [watch('copy')],
    [gate('cutover', { and: [{ role: 'owner', quorum: 1 }], stepUp: true, denies: 2, goodFor: minutes(30), risk: 'disruptive' })],
    [act('select', 'disruptive', { final: true })],
    [wait('soak')],
  ],
})

const via = (handle: string) => ({ handle: handle as Handle, channel: 'C0OPS', workspace: 'T0HOME' })
const GLASS: ApprovalRule = rule({ role: 'on-call', quorum: 1, from: 'emergencies' })

interface Story {
  readonly run: Run
  readonly entries: readonly Entry[]
}

/** A run to which everything happens that can happen to one. A minute passes between any two things. */
async function story(words: Words = WORDS, result: unknown = { session: 7, says: words.result }): Promise<Story> {
  const store = memoryStore(BEGAN)
  const plan = planOf(words)
  const started: Event = {
    type: 'run.started',
    by: 'olga' as Person,
    plan,
    digest: digestOf(plan),
    said: words.said,
    because: words.reason,
    via: via('slack:U0OLGA'),
  }
  const { id } = await store.create('origin', { chat: 'slack', channel: 'C0OPS', thread: '171.5' }, started)
  const happens = (...events: readonly Event[]) => {
    store.time += minutes(1)
    return store.record(id, () => events)
  }
  const facts: readonly SeenFact[] = [{ label: words.label, shows: words.shows, holds: true, at: store.time }]
  const vote = (by: string, more: Partial<Vote> = {}): Vote => ({
    by: by as Person,
    verdict: 'approve',
    shown: digestOf(plan),
    at: store.time,
    via: via(`slack:U0${by.toUpperCase()}`),
    ...more,
  })
  const intends = (step_: string, what: Action, n: number, before?: unknown): Event =>
    step(step_, {
      type: 'step.intended',
      intent: { id: `${id}/${step_}/${n}` as never, at: store.time, action: what, ...(before === undefined ? {} : { before }) },
    })

  await happens(step('start', { type: 'step.shown', facts: [{ label: words.label, shows: 'not read', holds: false }] }))
  await happens({ type: 'step.refreshed', step: 'start' as StepId, by: 'lee' as Person })
  await happens(step('start', { type: 'step.shown', facts }))
  await happens(
    step('start', { type: 'step.voted', vote: vote('lee', { because: words.words, facts: digestOf(facts), as: ['operator'] }) }),
  )
  await happens(intends('setup', action('setup', 'routine', { disk: 'harddisk5' }), 1, { state: 'none' }))
  await happens(step('setup', { type: 'step.doubted', why: words.why }))
  await happens(step('setup', { type: 'step.done', how: 'told', by: 'olga' as Person, because: words.told, result }))
  await store.hold(id, 1_000, async hold => {
    let track: Track | undefined
    for (let n = 0; n <= 4; n++)
      track = observe(track, { done: n / 4, copied: n * 1e12, total: 4e12 }, store.time + n * minutes(30))
    if (track) await hold.track('copy' as StepId, track)
  })
  store.time += hours(2)
  await happens({ type: 'worker.lost', steps: ['copy' as StepId] }, step('copy', { type: 'step.looked' }))
  await happens(step('copy', { type: 'step.done', how: 'seen', result: { state: 'complete' } }))
  await happens(step('cutover', { type: 'step.voted', vote: vote('dee', { stepUp: 'totp', as: ['lead'] }) }))
  await happens({ type: 'run.paused', by: 'olga' as Person })
  await happens({ type: 'run.resumed', by: 'olga' as Person })
  await happens({
    type: 'run.broke-glass',
    by: 'olga' as Person,
    because: words.emergency,
    until: store.time + hours(1),
    rule: GLASS,
    via: via('discord:42'),
  })
  await happens(step('cutover', { type: 'step.voted', vote: vote('cal', { as: ['on-call'], stepUp: 'totp' }) }))
  await happens(intends('select', action('select', 'disruptive'), 1))
  await happens(step('select', { type: 'step.failed', why: words.why, again: store.time + minutes(1) }))
  await happens(intends('select', action('select', 'disruptive'), 2))
  await happens(step('select', { type: 'step.failed', why: words.why }))
  await happens({ type: 'step.retried', step: 'select' as StepId, by: 'olga' as Person, because: 'once more' })
  await happens(intends('select', action('select', 'disruptive'), 3))
  await happens(step('select', { type: 'step.failed', why: words.why }))
  await happens(
    step('select', {
      type: 'step.skip-asked',
      by: 'olga' as Person,
      because: words.skip,
      rule: rule({ role: 'lead', quorum: 2 }),
      until: store.time + hours(1),
    }),
  )
  await happens(step('select', { type: 'step.voted', vote: vote('lee', { verdict: 'deny', because: words.words }) }))
  await happens({ type: 'run.heard', said: 'm17', via: via('slack:U0OLGA') })
  await happens({ type: 'run.turned', to: 'rolling back', by: 'olga' as Person, because: words.skip })
  await happens(intends('undo-setup', action('cleanup', 'routine'), 1))
  await happens(step('undo-setup', { type: 'step.done', how: 'seen', result: { removed: true } }))
  const run = await happens({ type: 'run.reviewed', by: 'dee' as Person, because: words.review, via: via('slack:U0DEE') })
  const entries: Entry[] = []
  for await (const entry of store.entries(id)) entries.push(entry)
  return { run, entries }
}

const recordOf = ({ run, entries }: Story, facts: Partial<RecordFacts> = {}): ChangeRecord =>
  record(run, entries, { ...FACTS, ...facts })
const question = (whole: ChangeRecord, name: string) => whole.questions.filter(it => it.step === name)
const stepOf = (whole: ChangeRecord, id: string) => whole.steps.find(it => it.id === id)
/** Every text of a record. */
const texts = (value: unknown): readonly string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : []
/** Every number that stands under this name. */
const numbers = (value: unknown, name: string): readonly number[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, it]) => (key === name && typeof it === 'number' ? [it] : numbers(it, name)))

describe('a change record', () => {
  test('says what was asked, why, by whom and from where, and when by the clock of the database', async () => {
    expect(recordOf(await story())).toMatchObject({
      record: 'signalbox change record',
      version: 1,
      site: 'berlin',
      run: 'R1',
      title: 'move a disk on sql01',
      asked: {
        sentence: 'migrate harddisk5 because "CHG0042"',
        reason: 'CHG0042: the old array goes',
        by: 'olga',
        via: { handle: 'slack:U0OLGA', channel: 'C0OPS', workspace: 'T0HOME' },
        chat: 'slack',
        channel: 'C0OPS',
        thread: '171.5',
        at: { utc: '2025-10-26T00:30:00.000Z', local: '2025-10-26 02:30:00 GMT+2 (Europe/Berlin)' },
      },
    })
  })

  test('takes the reason out of the sentence of a run that was begun before reasons stood apart', async () => {
    const { run, entries } = await story()
    const old = entries.map(it =>
      it.seq === 1 ? { ...it, data: { ...(it.data as object), because: undefined, via: undefined } } : it,
    )
    expect(record(run, old, FACTS).asked).toMatchObject({ reason: 'CHG0042' })
    expect(record(run, old, FACTS).asked.via).toBeUndefined()
  })

  test('has the plan with its digest, the undos, the point of no return and the commands for the devices', async () => {
    const { plan } = recordOf(await story())
    expect(plan).toMatchObject({ digest: digestOf(planOf(WORDS)), digestFits: true, runbook: 'migrate', notes: [WORDS.note] })
    expect(plan.stages.flat().map(({ id }) => id)).toEqual(['start', 'setup', 'copy', 'cutover', 'select', 'soak'])
    expect(plan.stages[1]?.[0]).toMatchObject({
      action: { capability: 'lab.setup', target: 'sql01', risk: 'routine', commands: ['lab setup --with {}'] },
      undo: [{ says: 'clean up on sql01', commands: ['lab cleanup --with {}'] }],
    })
    expect(plan.stages[4]?.[0]).toMatchObject({ final: true })
    const { run, entries } = await story()
    expect(record({ ...run, plan: { ...run.plan, title: 'another' } }, entries, FACTS).plan.digestFits).toBe(false)
  })

  test('has every question with its rule, the facts that were shown, and who voted what, in which words, how and when', async () => {
    const [start] = question(recordOf(await story()), 'start')
    expect(start).toMatchObject({
      for: 'approval',
      rule: {
        needs: [{ role: 'operator', people: 1 }],
        reason: 'CHG\\d+',
        from: 'operators move disks',
        ownRequest: false,
        denies: 1,
      },
      readings: [
        { facts: [{ holds: false }] },
        { facts: [{ label: WORDS.label, shows: WORDS.shows, holds: true, read: { utc: '2025-10-26T00:30:00.000Z' } }] },
      ],
      ended: { how: 'approved' },
    })
    const [vote] = start?.votes ?? []
    expect(vote).toMatchObject({
      by: 'lee',
      verdict: 'approve',
      words: WORDS.words,
      as: ['operator'],
      via: { handle: 'slack:U0LEE', channel: 'C0OPS', workspace: 'T0HOME' },
      secondFactor: 'none',
      shown: digestOf(planOf(WORDS)),
      at: { utc: '2025-10-26T00:34:00.000Z' },
    })
    // The facts that were on the card are those of the second reading, and no other.
    expect(vote?.facts).toBe(start?.readings[1]?.digest)
    expect(vote?.reading).toBe(start?.readings[1]?.entry)
  })

  test('asks by the rule for emergencies from the moment that the glass was broken, and says that it was reviewed', async () => {
    const whole = recordOf(await story())
    const [before, after] = question(whole, 'cutover')
    expect(before).toMatchObject({
      rule: {
        needs: [
          { role: 'lead', people: 1 },
          { role: 'owner', people: 1 },
        ],
        secondFactor: true,
        denies: 2,
        goodFor: minutes(30),
        risk: 'disruptive',
      },
      votes: [{ by: 'dee', secondFactor: 'totp' }],
      ended: { how: 'asked anew: the glass was broken' },
    })
    expect(after).toMatchObject({
      glass: true,
      rule: { from: 'emergencies' },
      votes: [{ by: 'cal' }],
      ended: { how: 'approved' },
    })
    expect(whole.glass).toMatchObject([
      {
        by: 'olga',
        because: WORDS.emergency,
        via: { handle: 'discord:42' },
        rule: { needs: [{ role: 'on-call', people: 1 }] },
        reviewed: { by: 'dee', because: WORDS.review, via: { handle: 'slack:U0DEE' } },
      },
    ])
  })

  test('has every step with what was sent, what the device showed before, doubts and how they were settled, and how long it took', async () => {
    const whole = recordOf(await story())
    expect(stepOf(whole, 'setup')).toMatchObject({
      is: 'said to be done',
      took: minutes(2),
      sent: [
        {
          intent: 'R1/setup/1',
          commands: ['lab setup --with {"disk":"harddisk5"}'],
          before: { state: 'none' },
          became: 'said to be done',
          took: minutes(2),
        },
      ],
    })
    const [doubt, settled] = stepOf(whole, 'setup')?.came ?? []
    expect(doubt).toMatchObject({ what: 'in doubt', why: WORDS.why })
    expect(settled).toMatchObject({
      by: 'olga',
      because: WORDS.told,
      doubt: doubt?.entry,
      result: { session: 7, says: WORDS.result },
    })
    expect(stepOf(whole, 'copy')).toMatchObject({ is: 'done' })
    expect(stepOf(whole, 'soak')).toMatchObject({ is: 'skipped', sent: [] })
  })

  test('has every failure, every other try, the skip that was denied and the way back', async () => {
    const whole = recordOf(await story())
    const select = stepOf(whole, 'select')
    expect(select?.sent.map(({ became }) => became)).toEqual(['failed, to be tried again', 'failed', 'failed'])
    const came = ['failed, to be tried again', 'failed', 'tried anew', 'failed', 'failed']
    expect(select?.came.map(({ what }) => what)).toEqual(came)
    expect(select?.came.find(({ what }) => what === 'tried anew')).toMatchObject({ by: 'olga', because: 'once more' })
    expect(question(whole, 'select')).toMatchObject([
      {
        for: 'skip',
        by: 'olga',
        because: WORDS.skip,
        rule: { needs: [{ role: 'lead', people: 2 }] },
        votes: [{ by: 'lee', verdict: 'deny' }],
        ended: { how: expect.stringContaining('denied') as string },
      },
    ])
    expect(stepOf(whole, 'undo-setup')).toMatchObject({
      undoes: true,
      is: 'done',
      sent: [{ commands: ['lab cleanup --with {}'] }],
    })
    expect(whole.others.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        'run.turned',
        'run.paused',
        'run.resumed',
        'worker.lost',
        'step.looked',
        'step.refreshed',
        'run.heard',
      ]),
    )
    expect(whole.outcome).toMatchObject({ is: 'rolled back', at: expect.anything() as unknown })
    expect(whole.outcome.took).toBeGreaterThan(hours(2))
  })

  test('has the bytes and the rates that were measured, and none that nobody measured', async () => {
    const { moved } = recordOf(await story())
    expect(moved).toMatchObject([{ step: 'copy', share: 1, copied: 4e12, total: 4e12, average: Math.round(4e12 / 7200) }])
    const { run, entries } = await story()
    const looked: Track = { since: BEGAN, at: BEGAN, moved: BEGAN, note: 'nothing to say' }
    expect(record({ ...run, tracks: new Map([['copy' as StepId, looked]]) }, entries, FACTS).moved).toEqual([])
    const once = observe(undefined, { done: 0.5 }, BEGAN)
    expect(record({ ...run, tracks: new Map([['copy' as StepId, once]]) }, entries, FACTS).moved).toEqual([
      { step: 'copy', since: expect.anything() as unknown, until: expect.anything() as unknown, share: 0.5 },
    ])
  })

  test('says whether the log is whole, by whom that was checked and which anchor covers it', async () => {
    const told = await story()
    expect(recordOf(told).verification).toEqual(VERIFIED)
    expect(markdownOf(recordOf(told))).toContain('Whole: entries 1 to 40')
    const { anchor: _, ...bare } = VERIFIED
    const broken = markdownOf(recordOf(told, { verified: { ...bare, whole: false, why: 'entry 3 was changed' } }))
    expect(broken).toContain('**Not whole**')
    expect(broken).toContain('entry 3 was changed')
    expect(broken).toContain('none covers it yet')
  })

  test('tells each hour of an autumn night apart, and has no local times where no zone is known', async () => {
    const { run, entries } = await story()
    const at = (hour: number) => entries.map(it => ({ ...it, at: Date.UTC(2025, 9, 26, hour, 30) }))
    const [summer, winter] = [0, 1].map(hour => record(run, at(hour), FACTS).asked.at.local)
    expect([summer, winter]).toEqual(['2025-10-26 02:30:00 GMT+2 (Europe/Berlin)', '2025-10-26 02:30:00 GMT+1 (Europe/Berlin)'])
    for (const zone of ['Nowhere/Land', ''])
      expect(record(run, entries, { ...FACTS, zone }).asked.at).toEqual({ utc: '2025-10-26T00:30:00.000Z' })
    const { zone: _, ...unzoned } = FACTS
    expect(JSON.stringify(record(run, entries, unzoned))).not.toContain('"local"')
  })

  test('has what is small as it is, and of the rest how much it was and its digest', async () => {
    const big = { listing: 'x'.repeat(SMALL) }
    const came = stepOf(recordOf(await story(WORDS, big)), 'setup')?.came.at(-1)
    expect(came?.result).toEqual({ leftOut: true, characters: canonical(big).length, digest: digestOf(big) })
  })
})

describe('nothing is left out of a change record', () => {
  test('every entry of the log is told of somewhere in it', async () => {
    const { run, entries } = await story()
    const told = new Set(numbers(record(run, entries, FACTS), 'entry'))
    expect(entries.length).toBeGreaterThan(35)
    expect(entries.map(({ seq }) => seq).filter(seq => !told.has(seq))).toEqual([])
  })

  test('what nobody knows yet is listed as it is, under whatever name it has', async () => {
    const { run, entries } = await story()
    const last = entries.at(-1) as Entry
    const types = ['run.sung', 'step.polished', 'constructor', 'toString', '__proto__', 'step.voted', 'step.opened']
    const more = types.map((type, n) => ({ ...last, seq: last.seq + 1 + n, type, data: { step: 'nowhere', song: 'of joy' } }))
    const whole = record(run, [...entries, ...more], FACTS)
    expect(whole.others.slice(-types.length)).toMatchObject(types.map(type => ({ type, says: { song: 'of joy' } })))
    for (const type of types) expect(markdownOf(whole)).toContain(inMarkdown(type))
  })

  test('each text of the JSON is in the Markdown, as words or as it was sent', async () => {
    const whole = recordOf(await story())
    const markdown = markdownOf(whole)
    const missing = texts(whole).filter(text => !markdown.includes(inMarkdown(text)) && !markdown.includes(text))
    expect(missing).toEqual([])
    for (const entry of numbers(whole, 'entry')) expect(markdown).toMatch(new RegExp(`entry ${entry}\\b`))
    for (const ms of [...numbers(whole, 'took'), ...numbers(whole, 'within'), ...numbers(whole, 'copied')])
      expect(markdown).toContain(String(ms))
    expect(JSON.parse(jsonOf(whole))).toEqual(whole)
  })
})

/** What is left of a text of Markdown once everything in backticks is out of it: read as CommonMark reads it. */
function outside(markdown: string): string {
  let [rest, out] = [markdown, '']
  for (;;) {
    const tick = /(?<!\\)`+/.exec(rest)
    if (!tick) return out + rest
    const after = rest.slice(tick.index + tick[0].length)
    const close = [...after.matchAll(/`+/g)].find(([run]) => run.length === tick[0].length)
    expect(close, `an open backtick: ${rest.slice(tick.index, tick.index + 80)}`).toBeDefined()
    out += rest.slice(0, tick.index)
    rest = after.slice((close?.index ?? 0) + tick[0].length)
  }
}

describe('whatever people and devices say in a change record', () => {
  const HOSTILE = [
    '</td><script>alert(1)</script><img src=x onerror=alert(1)>',
    '| a | b |\n|---|---|\n| approved | by everybody |',
    '``` `` ` ```\n# approved\n```sh\nrm -rf /\n```',
    '[approve here](javascript:alert(1)) ![x](https://evil.example/p.png) <https://evil.example>',
    '**approved** by _lee_ ~~denied~~ # heading > quote - list 1. list',
    '\u001b[2J\u001b[31mred\u0007\u0000\u202egnp.exe\u200b\u2066',
    'line one\r\nline two\u2028line three\u0085\n\n---\n\n## Outcome: succeeded',
    '@channel @here mail@evil.example www.evil.example https://evil.example \\',
    '&lt;b&gt; &#60;b&#62; $x^2$ {{constructor}} \ud800',
    '<!-- comment',
  ]
  const all = (said: string): Words => Object.fromEntries(Object.keys(WORDS).map(key => [key, said])) as Words
  const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]/u

  test('is one line of plain text, in both forms, and marks up, links and hides nothing', async () => {
    const calm = markdownOf(recordOf(await story(all('calm')))).split('\n')
    for (const said of HOSTILE) {
      const whole = recordOf(await story(all(said), { says: said, [said]: [said] }))
      for (const text of texts(whole)) expect(text).not.toMatch(CONTROLS)
      const markdown = markdownOf(whole)
      // The same lines with the same beginnings: no line was made, and none was taken.
      const lines = markdown.split('\n')
      expect(lines.map(line => /^[\s|#-]*/.exec(line)?.[0])).toEqual(calm.map(line => /^[\s|#-]*/.exec(line)?.[0]))
      const rest = outside(markdown)
      expect(rest).not.toMatch(/[<>]/)
      expect(rest).not.toMatch(/(?<!\\)\]\(|!\[|@(?!&#8203;)|:\/\/|www\.|(?<!\\)`/)
      for (const line of rest.split('\n')) expect(line).not.toMatch(CONTROLS)
      // Cells of the table are as many as they were.
      expect(lines.filter(line => line.startsWith('|')).map(line => line.match(/(?<!\\)\|/g)?.length)).toEqual(
        calm.filter(line => line.startsWith('|')).map(line => line.match(/(?<!\\)\|/g)?.length),
      )
    }
  }, 120_000)

  test('whatever it is, comes out of Markdown as it went in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), said => {
        const escaped = inMarkdown(said)
        expect(escaped).not.toMatch(/[<>\n]/)
        const back = escaped
          .replaceAll('&#8203;', '')
          .replace(/\\([!-/:-@[-`{-~])/g, '$1')
          .replace(/&lt;/g, '<')
          .replace(/&gt;/g, '>')
          .replace(/&amp;/g, '&')
        expect(back).toBe(plain(said))
        const ticked = inBackticks(said)
        expect(outside(`before ${ticked} after`).replace('(empty)', '')).toBe('before  after')
      }),
    )
  })
})

describe('a secret', () => {
  const CANARY = 'canary-7f3a-record'

  test('that a device or a person has said is in neither form once the caller has redacted the record', async () => {
    const told = await story(
      { ...WORDS, why: `login with ${CANARY} failed`, words: `use ${CANARY}` },
      { out: `password=${CANARY}`, [CANARY]: 1 },
    )
    const leaky: Partial<RecordFacts> = { sends: () => [`lab --password ${CANARY}`] }
    expect(jsonOf(recordOf(told, leaky))).toContain(CANARY)
    const clean = redactedValue(recordOf(told, leaky), redactor([CANARY]))
    expect(jsonOf(clean)).not.toContain(CANARY)
    expect(markdownOf(clean)).not.toContain(CANARY)
    expect(JSON.stringify(reportCard(clean))).not.toContain(CANARY)
  })

  test('is nothing that the record has names for: without one, redacting changes nothing', async () => {
    const whole = recordOf(await story())
    expect(redactedValue(whole, redactor([]))).toEqual(whole)
  })
})

describe('a record of any log', () => {
  test('is made of each beginning of a log, and of each with the run as it became', async () => {
    const { run, entries } = await story()
    for (let n = 0; n <= entries.length; n++) {
      const whole = record(run, entries.slice(0, n), FACTS)
      expect(markdownOf(whole)).toContain('# Change record R1')
      expect(new Set(numbers(whole, 'entry')).size).toBeGreaterThanOrEqual(n)
    }
  })

  test('is made whatever stands in the log', async () => {
    const { run, entries } = await story()
    const types = [...new Set(entries.map(({ type }) => type)), 'constructor', '']
    const steps = [...run.steps.keys(), 'nowhere', '__proto__', 'undo-select']
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        null,
        {},
        [],
        { vote: null },
        { intent: { action: {} } },
        { facts: 'no' },
        { rule: 3, until: 1e300 },
      ),
    )
    const line = fc.tuple(fc.constantFrom(...types), fc.constantFrom(...steps), junk, fc.double())
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), lines => {
        const log = lines.map(([type, step, says, at], n): Entry => {
          const data = typeof says === 'object' && says !== null && !Array.isArray(says) ? { step, ...says } : says
          return { run: 'R1' as RunId, seq: n + 1, at, type, data, hash: '' }
        })
        const whole = record(run, log, FACTS)
        expect(numbers(whole, 'entry')).toEqual(expect.arrayContaining(log.map(({ seq }) => seq)))
        expect(markdownOf(whole).length).toBeGreaterThan(100)
        expect(() => JSON.parse(jsonOf(whole))).not.toThrow()
      }),
      { numRuns: 300 },
    )
  })
})

describe('the answer of a chat', () => {
  test('says in a few lines what matters, and has the whole record with it as two files', async () => {
    const whole = recordOf(await story())
    const card = reportCard(whole)
    expect(card.title).toBe('Change record of R1 move a disk on sql01')
    expect(card.lines.join('\n')).toContain('Asked for by olga')
    expect(card.lines.join('\n')).toContain('lee approved')
    expect(card.lines.join('\n')).toContain('anchored on 2025-10-26')
    expect(card.lines.length).toBeLessThan(8)
    expect(card.buttons).toEqual([])
    expect(card.attached).toEqual([
      { name: 'R1.md', text: markdownOf(whole) },
      { name: 'R1.json', text: jsonOf(whole) },
    ])
  })

  test('is no calm one where the log is not whole, or an emergency was not reviewed', async () => {
    const told = await story()
    expect(reportCard(recordOf(told)).tone).toBe('calm')
    const broken = reportCard(recordOf(told, { verified: { ...VERIFIED, whole: false, why: 'entry 3 was changed' } }))
    expect(broken).toMatchObject({ tone: 'bad' })
    expect(broken.lines.join()).toContain('entry 3 was changed')
    const open = { ...told, entries: told.entries.filter(({ type }) => type !== 'run.reviewed') }
    expect(reportCard(recordOf(open))).toMatchObject({ tone: 'bad' })
    expect(reportCard(recordOf(open)).lines.join()).toContain('the review is open')
  })
})
