import type { StepLine } from '../../domain/chat.ts'

/** How a step is written: one line, or two where it is the point of no return. */
export type Write = (step: StepLine) => readonly string[]

export interface Room {
  readonly lines: number
  readonly characters: number
}

export interface Folded {
  readonly lines: readonly string[]
  readonly hidden: number
}

const BUSY: ReadonlySet<StepLine['mark']> = new Set(['now', 'waiting', 'failed', 'doubtful'])

/**
 * As many steps of a plan as there is room for: where it stands and what is around that, and the points of no return, which are
 * never hidden while one of them fits. What is hidden is counted, in its place.
 */
export function fold(steps: readonly StepLine[], write: Write, room: Room): Folded {
  for (const around of [steps.length, 6, 3, 1, 0]) {
    const folded = keeping(steps, kept(steps, around), write)
    if (fits(folded, room)) return folded
  }
  const busy = steps.findIndex(step => BUSY.has(step.mark))
  const final = steps.findIndex(step => step.final && step.mark !== 'done')
  return keeping(steps, new Set([busy, final].filter(at => at >= 0)), write)
}

function kept(steps: readonly StepLine[], around: number): ReadonlySet<number> {
  const busy = steps.flatMap((step, at) => (BUSY.has(step.mark) ? [at] : []))
  const next = steps.findIndex(step => step.mark === 'next')
  const centres = busy.length > 0 ? busy : [next >= 0 ? next : steps.length - 1]
  return new Set(steps.flatMap((step, at) => (step.final || centres.some(one => Math.abs(one - at) <= around) ? [at] : [])))
}

function keeping(steps: readonly StepLine[], keep: ReadonlySet<number>, write: Write): Folded {
  const lines: string[] = []
  let hidden: StepLine[] = []
  const close = (): void => {
    if (hidden.length > 0) lines.push(counted(hidden))
    hidden = []
  }
  for (const [at, step] of steps.entries()) {
    if (!keep.has(at)) {
      hidden.push(step)
      continue
    }
    close()
    lines.push(...write(step))
  }
  close()
  return { lines, hidden: steps.length - keep.size }
}

const NAMES: Readonly<Record<StepLine['mark'], string>> = {
  done: 'done',
  now: 'going on',
  waiting: 'waiting',
  next: 'to come',
  failed: 'failed',
  doubtful: 'in doubt',
  skipped: 'skipped',
  undone: 'undone',
}

/** "... 12 steps: 11 done, 1 skipped" */
function counted(hidden: readonly StepLine[]): string {
  const counts = new Map<StepLine['mark'], number>()
  for (const { mark } of hidden) counts.set(mark, (counts.get(mark) ?? 0) + 1)
  const what = [...counts].map(([mark, count]) => `${count} ${NAMES[mark]}`).join(', ')
  return `\u2026 ${hidden.length} ${hidden.length === 1 ? 'step' : 'steps'}: ${what}`
}

const fits = ({ lines }: Folded, room: Room): boolean =>
  lines.length <= room.lines && lines.reduce((sum, line) => sum + line.length + 1, 0) <= room.characters
