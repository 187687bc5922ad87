import { ballots, people } from './ballot.ts'
import { breakGlass, review } from './glass.ts'
import type { Instant, Person, StepId } from './ids.ts'
import { changesOf } from './plan.ts'
import { type Policy, permit, skipRule } from './policy.ts'
import { failures, gatesBefore, passed, passing, touched, undoable } from './program.ts'
import type { Refusal } from './refusal.ts'
import { inFlight, type Run, stepNamed } from './run.ts'
import { sentences } from './sentences.ts'
import type { AboutRun, Speech, Verdict } from './verdict.ts'
import { vote } from './vote.ts'

/** Pure, and called under the run's row lock: two last votes make one opening, the same press twice is one vote. */
export function decide(run: Run, said: AboutRun, by: Person, policy: Policy, now: Instant, speech: Speech = {}): Verdict {
  const no = (why: string, instead: readonly string[] = []): { readonly refusal: Refusal } => ({
    refusal: { no: 'not now', run: run.id, why, instead },
  })
  if (said.kind === 'close review') return review(run, said.because, by, policy, no)
  if (run.outcome) return no(`it is over (${run.outcome})`)
  if (said.kind === 'vote') return vote(run, said, by, policy, now, speech)
  if (said.kind === 'break glass') return breakGlass(run, said.because, by, policy, now, no)
  const forbidden = permit(policy, by, changesOf(run.plan))
  if (forbidden) return { refusal: forbidden }
  const because = 'because' in said && said.because !== undefined ? { because: said.because } : {}
  switch (said.kind) {
    case 'tell': {
      const state = run.steps.get(said.step)
      if (state?.is !== 'doubtful') return no(`${said.step} is not in doubt`, sentences(run))
      return said.happened
        ? {
            events: [{ type: 'step.done', step: said.step, how: 'told', by, because: said.because }],
            heard: `${said.step} counts as done, on your word`,
          }
        : {
            events: [{ type: 'step.failed', step: said.step, why: `it did not happen, says ${by}: ${said.because}`, again: now }],
            heard: `${said.step} counts as not done, on your word`,
          }
    }
    case 'refresh': {
      const gates = ballots(run).filter(({ step }) => step.kind === 'gate' && step.facts.length > 0)
      if (gates.length === 0) return no('no gate with facts is open', sentences(run))
      return {
        events: gates.map(({ step }) => ({ type: 'step.refreshed', step: step.id, by })),
        heard: 'its facts are read again',
      }
    }
    case 'retry': {
      const failed = failures(run)
      const wanted = said.step ? failed.filter(step => step.id === said.step) : failed
      if (wanted.length === 0) return no(said.step ? `${said.step} has not failed` : 'nothing has failed', sentences(run))
      const mends = wanted.flatMap(step => (step.kind === 'watch' && step.mend ? (stepNamed(run, step.mend) ?? []) : []))
      // An approval is for one go: what is tried again is asked again.
      const gates = [...mends, ...wanted].flatMap(step =>
        step.kind === 'act' && run.course === 'forward' ? gatesBefore(run, step) : [],
      )
      return {
        events: [...gates, ...mends, ...wanted].map(step => ({ type: 'step.retried', step: step.id, by })),
        heard: `${run.id} tries ${ids(wanted)} again`,
      }
    }
    case 'skip': {
      const step = failures(run).find(step => step.id === said.step)
      if (!step) return no(`${said.step} has not failed, and only a failed step can be skipped`, sentences(run))
      if (step.kind === 'gate') return no('a gate cannot be skipped', [`retry ${run.id} ${step.id}`, `roll back ${run.id}`])
      const rule = skipRule(run.plan, step.id)
      if (!rule)
        return {
          events: [{ type: 'step.skipped', step: step.id, by, because: said.because }],
          heard: `${run.id} goes on without ${step.id}`,
        }
      return {
        events: [{ type: 'step.skip-asked', step: step.id, by, because: said.because, rule, until: now + rule.within }],
        heard: `skipping ${step.id} needs ${people(rule)}`,
      }
    }
    case 'roll back': {
      if (run.course === 'rolling back') return no('it is being rolled back already')
      const point = passing(run)
      if (point) return no(`${point.says} is the point of no return, and what became of it must be known first`, sentences(run))
      if (!undoable(run)) {
        const point = passed(run)
        return point
          ? no(`${point.says} was the point of no return, and nothing after it can be undone`, [`give up ${run.id}`])
          : no('nothing has been done that could be undone', [touched(run) ? `give up ${run.id}` : `cancel ${run.id}`])
      }
      return { events: [{ type: 'run.turned', to: 'rolling back', by, ...because }], heard: `${run.id} is rolled back` }
    }
    case 'give up':
      if (anyInFlight(run)) return no('a step is in flight, and what became of it must be known first', sentences(run))
      return {
        events: [{ type: 'run.turned', to: 'stopping', by, ...because }],
        heard: `${run.id} ends here; what was done stays as it is`,
      }
    case 'cancel':
      if (touched(run)) return no('it has changed things already', [`roll back ${run.id}`, `give up ${run.id}`])
      return { events: [{ type: 'run.turned', to: 'stopping', by, ...because }], heard: `${run.id} is cancelled` }
    case 'pause':
      if (run.paused) return no(`it is paused already, by ${run.paused}`, [`resume ${run.id}`])
      return {
        events: [{ type: 'run.paused', by }],
        heard: `${run.id} sends nothing new until somebody says \`resume ${run.id}\``,
      }
    case 'resume':
      return run.paused ? { events: [{ type: 'run.resumed', by }], heard: `${run.id} goes on` } : no('it is not paused')
  }
}

const anyInFlight = (run: Run): boolean => [...run.steps.values()].some(inFlight)
const ids = (steps: readonly { readonly id: StepId }[]): string => steps.map(step => step.id).join(' and ')
