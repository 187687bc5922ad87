import type { StepLine } from '../../domain/chat.ts'

/** A plan as far as a card shows it: its lines, and how many are left out between them. */
export type Folded = StepLine | { readonly left: number; readonly marks: string }

/** As many steps as people take in at a glance. */
export const AT_A_GLANCE = 24
/** Leaving out fewer than this would save nobody a glance. */
const WORTH = 6
const HOT: ReadonlySet<StepLine['mark']> = new Set(['now', 'waiting', 'failed', 'doubtful'])
const AROUND = 2

/**
 * A long plan as what matters of it now: where it stands and what is around that, the point of no return with what leads up to it, and
 * its end. What is left out between is counted, by what became of it.
 */
export function fold(steps: readonly StepLine[]): readonly Folded[] {
  if (steps.length < AT_A_GLANCE + WORTH) return steps
  const kept = new Set([0, steps.length - 1])
  const keep = (from: number, to: number): void => {
    for (let n = Math.max(0, from); n <= Math.min(steps.length - 1, to); n++) if (kept.size < AT_A_GLANCE) kept.add(n)
  }
  const where = (wanted: (step: StepLine) => boolean): readonly number[] => steps.flatMap((step, n) => (wanted(step) ? [n] : []))
  // What must be seen comes first, for as long as there is room.
  for (const n of where(step => step.final === true)) keep(n, n)
  for (const n of where(step => HOT.has(step.mark))) keep(n, n)
  for (const n of where(step => HOT.has(step.mark))) keep(n - AROUND, n + AROUND)
  for (const n of where(step => step.final === true)) keep(n - 1, n)
  return steps.flatMap((step, n): readonly Folded[] => {
    if (kept.has(n)) return [step]
    if (n > 0 && !kept.has(n - 1)) return []
    const next = steps.findIndex((_, at) => at > n && kept.has(at))
    return [left(steps.slice(n, next))]
  })
}

/** "31 steps: 28 done, 3 skipped". */
function left(steps: readonly StepLine[]): Folded {
  const counts = new Map<string, number>()
  for (const { mark } of steps) counts.set(WORDS[mark], (counts.get(WORDS[mark]) ?? 0) + 1)
  return { left: steps.length, marks: [...counts].map(([word, n]) => `${n} ${word}`).join(', ') }
}

const WORDS: Readonly<Record<StepLine['mark'], string>> = {
  done: 'done',
  now: 'going on',
  waiting: 'waiting',
  next: 'to come',
  failed: 'failed',
  doubtful: 'in doubt',
  skipped: 'skipped',
  undone: 'undone',
}
