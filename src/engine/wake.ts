import type { Handle, Person } from '../domain/ids.ts'
import { type Policy, voters } from '../domain/policy.ts'
import type { Ring } from '../domain/rings.ts'
import type { Run } from '../domain/run.ts'

/** Whom a ring is for, as this chat calls them. A chat wakes nobody who is not mentioned. */
export function callsOf({ wakes }: Ring, run: Run, policy: Policy, chat: string): readonly Handle[] {
  return whom(wakes, run, policy).flatMap(person =>
    (policy.people.get(person)?.handles ?? []).filter(handle => handle.startsWith(`${chat}:`)),
  )
}

function whom(wakes: Ring['wakes'], run: Run, policy: Policy): readonly Person[] {
  switch (wakes) {
    case undefined:
      return []
    case 'asker':
      return [run.by]
    case 'those for emergencies':
      return run.glass ? voters(policy, run.glass.rule, [run.glass.by], []).could : []
    default: {
      const { ballot, asker } = wakes
      const voted = ballot.votes.map(vote => vote.by)
      return voters(policy, ballot.rule, asker ? [run.by, asker] : [run.by], voted).could
    }
  }
}
