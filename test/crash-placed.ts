import { expect } from 'vitest'
import { violations } from './crash-check.ts'
import type { Fate } from './crash-mortal.ts'
import { type Bench, play, type Script, type Story } from './crash-world.ts'

/** Printed with every sample; CRASH_SEED plays another one. */
export const SEED = Number(process.env['CRASH_SEED'] ?? 20_251_107)

export const dies = (at: number): Fate => ({ at, how: 'dies' })
export const freezes = (at: number): Fate => ({ at, how: 'freezes' })

/** Plays one placement; whatever is wrong with it names the placement. */
export async function placed(script: Script, ...outcomes: readonly (string | undefined)[]): Promise<Story> {
  const story = await play(script)
  const where = (script.fates ?? [])
    .map(({ how, at }, n) => `worker ${n + 1} ${how} at ${at}, ${story.met[n]?.[at] ?? 'which it never came to'}`)
    .join('; ')
  const what = `seed ${script.seed ?? 1}${where === '' ? '' : `: ${where}`}`
  expect(await violations(story), what).toEqual([])
  if (outcomes.length > 0) expect(outcomes, what).toContain(story.run?.outcome)
  return story
}

/** One placement for each await of the first worker, until it lives to see the end. Returns how many there were. */
export async function everywhere(script: Script, fate: (at: number) => Fate, ...outcomes: readonly string[]): Promise<number> {
  for (let at = 0; ; at++) if ((await placed({ ...script, fates: [fate(at)] }, ...outcomes)).stopped === 0) return at
}

/** All pairs: the first worker dies at each (or each nth) of its awaits, and for each of them the next one meets its fate at each of its own. */
export async function everyPair(bench: Bench, fate: (at: number) => Fate, outcome: string, nth = 1): Promise<number> {
  let placements = 0
  for (let first = SEED % nth; ; first += nth) {
    for (let second = 0; ; second++) {
      const story = await placed({ bench, fates: [dies(first), fate(second)], thaws: 'after the takeover' }, outcome)
      if (story.stopped === 0) return placements
      placements++
      if (story.stopped === 1) break
    }
  }
}

export const told = (what: string, placements: number): void => console.log(`# ${what}: ${placements} placements`)
