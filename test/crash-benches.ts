import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import powerpath from '../adapters/powerpath/index.ts'
import { simulate } from '../adapters/powerpath/simulator.ts'
import { type StepId, seconds, type Target } from '../src/domain/ids.ts'
import type { Action, Plan, Step } from '../src/domain/plan.ts'
import type { Run } from '../src/domain/run.ts'
import type { Adapter, Call, Capability, Change } from '../src/kit/device.ts'
import { Refused, Uncertain, Unreachable } from '../src/kit/errors.ts'
import { planner } from '../src/planning.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { type Bench, POLICY, randomly, type Trial } from './crash-world.ts'

/** The ledgers and the disks are synced to disk at every change: in memory that costs nothing, and nobody pulls the plug here. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const SIZE = 64 * 1024
const SQL01 = 'sql01' as Target

/** A whole migration: the real runbook, the real adapter and the real simulator, without the network. */
export const migration: Bench = {
  asks: {
    kind: 'run',
    runbook: 'migrate',
    params: { host: SQL01, from: 'harddisk5', to: 'harddisk8', throttle: 0, soak: seconds(60), look: seconds(10) },
  },
  policy: POLICY,
  plan: planner(new Map<string, Adapter>([['powerpath', powerpath]]), RUNBOOKS, {}),
  capability: action => capabilityOf(action),
  begin: seed => host(seed, []),
}

/** One change on a host whose copy is complete. */
export const cutover: Bench = {
  ...migration,
  asks: { kind: 'act', wish: { capability: 'powerpath.selectTarget', target: SQL01, params: { session: 1 } } },
  begin: seed => host(seed, ['sync']),
}

function capabilityOf({ capability }: Action): Capability {
  const found = (powerpath.capabilities as Readonly<Record<string, Capability>>)[capability.slice('powerpath.'.length)]
  if (!found) throw new Error(`there is no ${capability}`)
  return found
}

async function host(seed: number, prepared: readonly 'sync'[]): Promise<Trial> {
  const folder = mkdtempSync(join(ROOT, 'signalbox-crash-'))
  const lab = await simulate({ folder, size: SIZE, rate: Number.POSITIVE_INFINITY })
  const { machine } = lab
  const random = randomly(seed)
  const expected = machine.read(lab.source, 0, SIZE)
  const write = (): void => {
    const bytes = Buffer.alloc(1 + random(200), 1 + random(255))
    const offset = random(SIZE - bytes.length)
    machine.write(lab.source, offset, bytes)
    bytes.copy(expected, offset)
  }
  for (let n = 0; n < 50; n++) write()
  if (prepared.length > 0) {
    const handle = machine.setup(lab.source, lab.target)
    for (const verb of prepared) machine.move(handle, verb)
  }
  const behind = lab.state().behind
  let spoilt = false
  return {
    device: lab.device(),
    changes: ['setup', 'throttle', 'send'],
    effects: () => lab.ledger().map(({ command }) => command),
    isOf: (effect, action) => effect.startsWith(`powermig ${verbOf(action)} `),
    meanwhile: write,
    wrong: run => [
      ...(machine.read(lab.source, 0, SIZE).equals(expected) ? [] : ['the application has lost a write']),
      ...(ends(run, 'migrate', 'succeeded') && !lab.raw(lab.target).subarray(0, SIZE).equals(expected)
        ? ['the target is not equal']
        : []),
      ...(ends(run, 'migrate', 'succeeded') && lab.state().behind[lab.source] !== behind[lab.target]
        ? ['the target does not serve']
        : []),
      ...(ends(run, '', 'rolled back') && lab.state().behind[lab.source] !== behind[lab.source]
        ? ['the source does not serve']
        : []),
      ...(ends(run, 'migrate', 'succeeded', 'rolled back') && lab.state().migrations.length > 0
        ? ['a session is left behind']
        : []),
    ],
    fallIll(choice) {
      const how = (['lose request', 'lose answer', 'refuse', 'hang', 'garble'] as const)[choice % 5]!
      lab.misbehave({ how, ...(choice % 3 === 0 ? {} : { to: choice % 3 === 1 ? 'changes' : 'reads' }) })
    },
    heal: lab.heal,
    spoil() {
      spoilt = true
      lab.setPaths(lab.target, 'dead', 1)
    },
    spoilt: () => spoilt,
    async end() {
      await lab.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const ends = (run: Run, title: string, ...outcomes: readonly string[]): boolean =>
  run.plan.title.startsWith(title) && outcomes.includes(run.outcome ?? '')

const VERBS: Readonly<Record<string, string>> = { 'powerpath.setup': 'setup', 'powerpath.throttle': 'throttle' }
const verbOf = ({ capability }: Action): string => VERBS[capability] ?? capability.slice('powerpath.'.length)

/** A device that only counts: one step for each way of settling a doubt, with the gates that the policy wants. */
export function counter(...kinds: readonly ('nobody' | 'device' | 'person')[]): Bench {
  const pulse = (kind: string, n: number): Step => ({
    id: `${kind}-${n + 1}` as StepId,
    says: `pulse ${kind} ${n + 1}`,
    kind: 'act',
    action: {
      capability: `counter.${kind}`,
      target: 'relay' as Target,
      params: { name: `${kind}-${n + 1}` },
      risk: 'disruptive',
    },
    timeout: seconds(20), // longer than a lease: a request may outlive its worker
    tries: 3,
    every: seconds(1),
  })
  return counting({ title: 'pulse', stages: kinds.map((kind, n) => [pulse(kind, n)]), onFailure: 'hold' })
}

/** Any plan for the device that only counts: its capabilities are `counter.nobody`, `.device`, `.person`, and the read `.level`. */
export function counting(plan: Plan): Bench {
  return {
    asks: { kind: 'run', runbook: 'pulse', params: {} },
    policy: POLICY,
    plan: () => ({ plan, reads: [] }),
    capability: ({ capability }) => PULSES[capability.slice('counter.'.length) as keyof typeof PULSES],
    begin: async () => relay(),
  }
}

interface Relay {
  press(name: string, call: Call<{ readonly name: string }>): Promise<void>
  look(name: string): Promise<number>
  level(): Promise<{ readonly level: number }>
}

const pulsing = (inDoubt: Change<Relay, { name: string }, void, number>['inDoubt']): Capability => ({
  summary: 'pulse',
  examples: [],
  params: z.object({ name: z.string() }),
  says: (_, { name }) => `pulse ${name}`,
  sends: ({ name }) => [`pulse ${name}`],
  effect: { risk: 'disruptive', claims: ({ name }) => [{ path: name, mode: 'exclusive' }], inDoubt },
  perform: (device: Relay, call: Call<{ name: string }>) => device.press(call.params.name, call),
})

const PULSES = {
  level: {
    ...pulsing({ ask: 'nobody' }),
    effect: 'read',
    progress: ({ level }: { level: number }) => ({ done: Math.min(1, level / 100) }),
    perform: (device: Relay) => device.level(),
  } satisfies Capability as Capability,
  nobody: pulsing({ ask: 'nobody' }),
  person: pulsing({ ask: 'person' }),
  device: pulsing({
    ask: 'device',
    look: (device, { params }) => device.look(params.name),
    judge: (before, now) => ({ done: now > before }),
  }),
}

function relay(): Trial {
  const pressed: string[] = []
  let illness: number | undefined
  let looks = 0
  const ill = (): number | undefined => {
    const now = illness
    illness = undefined
    return now
  }
  const device: Relay = {
    async press(name, { go }) {
      go()
      const how = ill()
      if (how === 0) throw new Unreachable('no route')
      if (how === 1) throw new Refused('busy')
      if (how === 2) throw new Uncertain('the request was lost')
      pressed.push(`press ${name}`)
      if (how === 3) throw new Uncertain('the answer was lost')
      if (how === 4) throw new TypeError('a bug in the adapter')
    },
    async look(name) {
      if (ill() !== undefined) throw new Unreachable('no route')
      return pressed.filter(one => one === `press ${name}`).length
    },
    async level() {
      const how = ill()
      if (how === 0) throw new Refused('busy')
      if (how !== undefined) throw new Unreachable('no route')
      looks += 10
      return { level: looks }
    },
  }
  return {
    device,
    changes: ['press'],
    effects: () => pressed,
    isOf: (effect, { params }) => effect === `press ${String(params['name'])}`,
    meanwhile: () => {},
    wrong: () => [],
    fallIll: choice => {
      illness = choice % 5
    },
    heal: () => {
      illness = undefined
    },
    spoil: () => {},
    spoilt: () => false,
    end: async () => {},
  }
}
