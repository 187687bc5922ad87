import { digestOf } from '../src/domain/chain.ts'
import { evolve } from '../src/domain/evolve.ts'
import { type Instant, minutes, type Person, type RunId, type StepId, seconds } from '../src/domain/ids.ts'
import { type Act, stepsOf } from '../src/domain/plan.ts'
import { follow, undoSteps } from '../src/domain/program.ts'
import { observe, type Track } from '../src/domain/progress.ts'
import { type Event, type Run, type SeenFact, unborn } from '../src/domain/run.ts'
import migrate from '../src/runbooks/migrate.ts'

/** A run at one moment, and what people call that. */
export interface State {
  readonly name: 'planned' | 'waiting' | 'syncing' | 'doubtful' | 'held' | 'rolled-back' | 'done'
  readonly says: string
  readonly run: Run
  readonly now: Instant
}

/** A run that is told what happens to it. */
interface Told {
  readonly run: Run
  readonly now: Instant
}

const START: Instant = Date.UTC(2026, 10, 20, 1, 40)
const TB = 1e12

/** The seven states of a card, each of a run that came to it by its events, as they would be in the log. */
export function states(): readonly State[] {
  const planned = asked()
  const copying = copyBegun(confirmed(planned, 'ready'))
  const syncing = copied(copying, 0.63)
  const waiting = facts(seen(copied(copying, 1), 'copy'), 'cutover', READY)
  const approved = approve(confirmed(waiting, 'cluster-pinned', 'pinned to node 1'), 'cutover', 'lee')
  const doubtful = after(intended(approved, 'select-target'), seconds(64), {
    type: 'step.doubted',
    step: step('select-target'),
    why: 'the device cannot tell: session 1 went from sourceSelected to syncing, which selectTarget does not do',
  })
  const held = after(approved, seconds(2), {
    type: 'step.failed',
    step: step('select-target'),
    why: 'a fact no longer holds since it was approved: every path to the target is alive: targetPathsDead 2, wanted at most 0; nothing was sent',
  })
  return [
    {
      name: 'planned',
      says: 'The whole plan, before anything has been touched. It goes on when somebody has confirmed it.',
      ...planned,
    },
    {
      name: 'syncing',
      says: 'The copy goes on. Share, rate and time left are measured; what nobody measured is said to be unknown.',
      ...syncing,
    },
    {
      name: 'waiting',
      says: 'The copy is complete, and two gates stand before the cutover. The facts were read from the devices just now.',
      ...waiting,
    },
    {
      name: 'doubtful',
      says: 'A request was sent, no answer came, and the device cannot tell what became of it. A person says what happened.',
      ...doubtful,
    },
    {
      name: 'held',
      says: 'What was approved does not hold any more, so nothing was sent. The card offers the sentences that move it.',
      ...held,
    },
    { name: 'rolled-back', says: 'The changes were undone, newest first.', ...rolledBack(held) },
    { name: 'done', says: 'All of it is done, and who approved what stands on the card.', ...finished(approved) },
  ]
}

const step = (id: string) => id as StepId
const person = (name: string) => name as Person

function after({ run, now }: Told, ms: number, ...events: readonly Event[]): Told {
  const at = now + ms
  return { run: follow(run, events, at).reduce((run, event) => evolve(run, event, at), run), now: at }
}

function asked(): Told {
  const params = { host: 'sql01', from: 'harddisk5', to: 'harddisk8', soak: minutes(120) }
  const plan = migrate.plan(migrate.params.parse(params))
  const unasked = { run: unborn('R7' as RunId, { chat: 'console', channel: 'terminal' }), now: START }
  const said = 'migrate harddisk5 to harddisk8 on sql01 soak 2h'
  const begun = after(unasked, 0, { type: 'run.started', by: person('olga'), plan, digest: digestOf(plan), said })
  const checked = seen(begun, 'preflight', { sourceBytes: 2 * TB })
  return facts(checked, 'ready', [
    { label: 'harddisk5 is', holds: true, shows: 'Symmetrix 000190300275 0328' },
    { label: 'harddisk8 is', holds: true, shows: 'Symmetrix 000197100301 01AC' },
    { label: 'harddisk5 has paths', holds: true, shows: 'sourcePathsAlive 4' },
    { label: 'harddisk8 has paths', holds: true, shows: 'targetPathsAlive 4' },
  ])
}

const READY: readonly SeenFact[] = [
  { label: 'the copy is complete and kept equal', holds: true, shows: 'yes' },
  { label: 'every path to the target is alive', holds: true, shows: 'targetPathsDead 0' },
]

const facts = (told: Told, gate: string, shown: readonly SeenFact[]): Told =>
  after(told, seconds(2), { type: 'step.shown', step: step(gate), facts: shown })

const seen = (told: Told, id: string, result?: object): Told =>
  after(told, seconds(2), { type: 'step.done', step: step(id), how: 'seen', ...(result ? { result } : {}) })

/** An intent before the effect, as always. */
function intended(told: Told, id: string): Told {
  const found = [...stepsOf(told.run.plan), ...undoSteps(told.run)].find((one): one is Act => one.kind === 'act' && one.id === id)
  if (!found) throw new Error(`the plan has no change called ${id}`)
  const now = told.now + seconds(1)
  return after(told, seconds(1), {
    type: 'step.intended',
    step: found.id,
    intent: { id: `R7/${id}/1` as never, at: now, action: found.action, before: { state: 'sourceSelected' } },
  })
}

const changed = (told: Told, id: string, result?: object): Told => seen(intended(told, id), id, result)

function vote(told: Told, gate: string, by: string, because?: string): Told {
  const at = told.now + minutes(5)
  const why = because === undefined ? {} : { because }
  return after(told, minutes(5), {
    type: 'step.voted',
    step: step(gate),
    vote: { by: person(by), verdict: 'approve', shown: told.run.digest, at, ...why },
  })
}
const confirmed = (told: Told, gate: string, because?: string): Told => vote(told, gate, 'olga', because)
const approve = vote

const copyBegun = (told: Told): Told => changed(changed(told, 'setup', { session: 1 }), 'sync')

const EVERY = seconds(20)
/** The copy up to that share, as looks measured it: fast by night, slower while a backup runs. */
function copied(told: Told, share: number): Told {
  let track: Track | undefined
  let now = told.now
  for (let done = 0; done < share; now += EVERY) {
    const backup = done > 0.34 && done < 0.43
    const speed = (backup ? 84e6 : 205e6) * (1 + 0.07 * Math.sin(now / 900_000) + 0.02 * Math.sin(now / 61_000))
    track = observe(track, { done, copied: Math.round(done * 2 * TB), total: 2 * TB, note: 'syncing' }, now)
    done += (speed * EVERY) / 1000 / (2 * TB)
  }
  const tracks = track ? new Map(told.run.tracks).set(step('copy'), track) : told.run.tracks
  return { run: { ...told.run, tracks }, now: now - EVERY }
}

function rolledBack(held: Told): Told {
  const turned = after(held, minutes(12), {
    type: 'run.turned',
    to: 'rolling back',
    by: person('lee'),
    because: 'fabric B has lost a switch',
  })
  return undoSteps(turned.run).reduce((told, undo) => changed(told, undo.id), turned)
}

function finished(approved: Told): Told {
  const switched = seen(changed(approved, 'select-target'), 'on-target')
  const soaked = facts(after(switched, minutes(120)), 'commit-approval', [
    { label: 'the target serves', holds: true, shows: 'targetSelected' },
    { label: 'every path to the target is alive', holds: true, shows: 'targetPathsDead 0' },
  ])
  const committed = changed(approve(approve(soaked, 'commit-approval', 'lee'), 'commit-approval', 'dee', 'CHG0042'), 'commit')
  return changed(seen(committed, 'committed'), 'cleanup')
}
