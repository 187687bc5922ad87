import type { Handle, Person } from '../domain/ids.ts'
import { hasRole, type Policy, voters } from '../domain/policy.ts'
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
      return emergency(run, policy)
    default: {
      const { ballot, asker } = wakes
      const voted = ballot.votes.map(vote => vote.by)
      return voters(policy, ballot.rule, asker ? [run.by, asker] : [run.by], voted).could
    }
  }
}

/** Whoever may decide in an emergency, and whoever may declare one and so look into it; who declared this one knows. */
function emergency({ glass }: Run, policy: Policy): readonly Person[] {
  if (!glass) return []
  const may = policy.glass?.may ?? glass.rule.role
  const could = new Set(voters(policy, glass.rule, [glass.by], []).could)
  return [...policy.people.keys()].filter(
    person => person !== glass.by && (could.has(person) || hasRole(policy, person, may, 'none')),
  )
}
