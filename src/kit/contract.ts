import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../domain/ids.ts'
import type { Params } from '../domain/plan.ts'
import type { Adapter, Call, Capability, Device } from './device.ts'
import { Misread, Refused, Uncertain, Unreachable } from './errors.ts'
import type { Misbehave } from './misbehave.ts'
import { redactor, secretsIn } from './redact.ts'
import { HOSTILE } from './spoilt.ts'

/** A simulated device as the suite needs it; every simulator of ours is one. */
export interface ContractSimulation {
  readonly settings: unknown // what the site file would say, to reach it over its own protocol
  state(): unknown // plain data without clocks or counters: two equal states are equal
  ledger(): readonly unknown[] // the changes that it took on
  misbehave(knob: Misbehave): void
  heal(): void
  stop(): Promise<void>
}

/** One situation in which a capability makes sense, and how one sees that it did what it says. */
export interface Scenario<S> {
  readonly params: Params
  prepare?(simulation: S): void | Promise<void>
  /** True when the result and the device's state are what the capability promises. */
  shows(seen: { readonly before: unknown; readonly after: unknown; readonly result: unknown }): boolean
  /** Moves a long operation on: between two looks progress must not go back. */
  later?(simulation: S): void | Promise<void>
}

export interface Bench<S extends ContractSimulation> {
  readonly target: string // the name that the examples use
  simulate(capability: string): Promise<S> // a new device in a folder of its own
  readonly scenarios: Readonly<Record<string, Scenario<S>>> // one for each capability
  readonly patience?: number // milliseconds that a device which hangs is waited for; 250 by default, more where much is asked before a change
}

/** The wish that a sentence comes to, or anything else when it comes to none. */
export type Parse = (sentence: string) => unknown

/**
 * What every adapter promises, checked against its simulator over its own protocol.
 * `parse` is handed in by the test, because kit knows no language.
 */
export function contract<S extends ContractSimulation>(adapter: Adapter, bench: Bench<S>, parse: Parse): void {
  const capabilities = Object.entries(adapter.capabilities as Readonly<Record<string, Capability>>)

  describe(`${adapter.name} keeps the contract`, () => {
    test('and says what it cannot do', () => {
      for (const { what, why } of adapter.cannot) console.log(`${adapter.name} cannot ${what}: ${why}`)
      expect(adapter.cannot.every(({ what, why }) => what !== '' && why !== '')).toBe(true)
    })

    test('and has a scenario for each capability', () => {
      expect(Object.keys(bench.scenarios).sort()).toEqual(capabilities.map(([name]) => name).sort())
    })

    describe.each(capabilities)('%s', (name, capability) => {
      const scenario = bench.scenarios[name]!
      const changes = capability.effect !== 'read'
      const to = changes ? 'changes' : 'reads'
      let simulation: S
      let device: Device
      const wish = (params: Params): unknown => ({ capability: `${adapter.name}.${name}`, target: bench.target, params })
      const perform = (call: Partial<Call<Params>> = {}): Promise<unknown> =>
        capability.perform(device, { ...usual(scenario.params), ...call })
      const connect = (): Device => adapter.connect(adapter.settings.parse(simulation.settings), bench.target as Target)

      beforeEach(async () => {
        simulation = await bench.simulate(name)
        await scenario.prepare?.(simulation)
        device = connect()
      })
      afterEach(async () => {
        await device.close()
        await simulation.stop()
      })

      test('its examples are its own sentences, and it can say each of them again', () => {
        expect(capability.examples.length).toBeGreaterThan(0)
        for (const example of capability.examples) {
          const read = parse(example) as { readonly params: Params }
          expect(read, example).toEqual(wish(read.params))
          expect(parse(capability.says(bench.target, read.params)), example).toEqual(read)
        }
        expect(parse(capability.says(bench.target, scenario.params))).toEqual(wish(scenario.params))
        expect(capability.sends(scenario.params).join('')).not.toBe('')
      })

      test('performing it shows', async () => {
        const [before, taken] = [simulation.state(), simulation.ledger().length]
        const result = await perform()
        expect(
          scenario.shows({ before, after: simulation.state(), result }),
          JSON.stringify({ before, after: simulation.state(), result }),
        ).toBe(true)
        expect(simulation.ledger().length - taken).toBe(changes ? 1 : 0)
        expect(capability.shows?.(result) ?? ['listed']).not.toEqual([])
      })

      test.each([
        ['refuse', Refused, 0],
        ['lose request', Uncertain, 0],
        ['lose answer', Uncertain, 1],
        ['hang', Uncertain, 0],
        ['vanish', Unreachable, 0],
        ['talk forever', changes ? Uncertain : Misread, 1],
      ] as const)('%s becomes the right error', async (how, kind, taken) => {
        const before = simulation.ledger().length
        simulation.misbehave({ how, to })
        const error = await failed(perform(how === 'hang' ? { signal: AbortSignal.timeout(bench.patience ?? 250) } : {}))
        expect(error).toBeInstanceOf(kind)
        expect(simulation.ledger().length - before).toBe(changes ? taken : 0)
        silent(error, simulation)
      })

      test('a call that is too late sends nothing', async () => {
        const before = simulation.ledger().length
        const late = new Unreachable('it was too late to send')
        const go = () => {
          throw late
        }
        if (changes) expect(await failed(perform({ go }))).toBe(late)
        expect(await failed(perform({ signal: AbortSignal.abort() }))).toBeInstanceOf(Unreachable)
        expect(simulation.ledger().length).toBe(before)
      })

      test('it finds a device again that was away', async () => {
        simulation.misbehave({ how: 'vanish' })
        await failed(perform())
        simulation.heal()
        const before = simulation.state()
        const result = await perform()
        expect(scenario.shows({ before, after: simulation.state(), result })).toBe(true)
      })

      test.each(HOSTILE)('an answer that is %s is an error or the same answer, and never a part of it', async (_, spoil) => {
        const before = simulation.state()
        const clean = changes ? undefined : await perform()
        simulation.misbehave({ how: 'garble', to, times: Number.POSITIVE_INFINITY, spoil })
        const seen = await perform().then(
          result => ({ result }),
          (error: unknown) => ({ error }),
        )
        if ('error' in seen) {
          expect(
            [Refused, Unreachable, Uncertain, Misread].some(kind => seen.error instanceof kind),
            String(seen.error),
          ).toBe(true)
          if (changes) expect(seen.error).not.toBeInstanceOf(Unreachable)
          silent(seen.error, simulation)
        } else if (changes) expect(scenario.shows({ before, after: simulation.state(), result: seen.result })).toBe(true)
        else expect(seen.result).toEqual(clean)
      })

      if (capability.progress && scenario.later) {
        test('its progress does not go back', async () => {
          const done: number[] = []
          for (let look = 0; look < 4; look++) {
            done.push(capability.progress?.(await perform()).done ?? 0)
            await scenario.later?.(simulation)
          }
          expect(done).toEqual([...done].sort((a, b) => a - b))
        })
      }

      if (capability.effect === 'read') return
      const { inDoubt, claims } = capability.effect

      test('it says what it takes hold of', () => {
        for (const { path } of claims(scenario.params)) expect(path).toMatch(/^[^/]+(?:\/[^/]+)*$/)
      })

      if (inDoubt.ask === 'nobody') {
        test('done twice leaves the state of once', async () => {
          await perform()
          const once = simulation.state()
          await perform()
          expect(simulation.state()).toEqual(once)
        })
      }

      if (inDoubt.ask === 'device') {
        test.each([
          ['lose answer', true],
          ['lose request', false],
        ] as const)('after it had to %s the device can tell: %s', async (how, done) => {
          const call = usual(scenario.params)
          // The answer of a look is stored in the intent: it has to survive JSON.
          const before = JSON.parse(JSON.stringify(await inDoubt.look(device, call)))
          simulation.misbehave({ how, to: 'changes' })
          await failed(perform())
          const verdict = inDoubt.judge(before, JSON.parse(JSON.stringify(await inDoubt.look(device, call))), scenario.params)
          expect(verdict.done, JSON.stringify(verdict)).toBe(done)
        })
      }
    })
  })
}

const usual = (params: Params): Call<Params> => ({
  intent: 'R1/contract/1' as IntentId,
  params,
  signal: AbortSignal.timeout(5_000),
  go: () => {},
})

async function failed(promise: Promise<unknown>): Promise<unknown> {
  const result = await promise.then(
    value => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in result) throw new Error(`this was to fail, and it came to ${JSON.stringify(result.value)}`)
  return result.error
}

/** No secret of the settings, and no control character, comes out in an error. */
function silent(error: unknown, { settings }: ContractSimulation): void {
  const said = error instanceof Error ? `${error.message} ${error.stack ?? ''} ${String(error.cause ?? '')}` : String(error)
  expect(redactor(secretsIn(settings))(error instanceof Error ? error.message : said)).toBe(
    error instanceof Error ? error.message : said,
  )
  for (const secret of secretsIn(settings)) expect(said).not.toContain(secret)
  expect(said).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/)
}
