import { needsOf } from '../domain/approval.ts'
import type { Target } from '../domain/ids.ts'
import { type Action, atLeast } from '../domain/plan.ts'
import { matches, ruleFor } from '../domain/policy.ts'
import type { Rulebook } from '../domain/rulebook.ts'
import { OWN } from '../own/adapter.ts'

/** What is allowed, and may not be meant: for `check-site` to say. */
export const notesOn = (rulebook: Rulebook): readonly string[] => [...ofAcceptance(rulebook), ...ofTargets(rulebook)]

/** Accepting a changed policy is a change like any other, and the policy in force decides about it. */
const ACCEPT: Action = { capability: 'signalbox.accept-policy', target: OWN as Target, params: {}, risk: 'disruptive' }

function ofAcceptance(rulebook: Rulebook): readonly string[] {
  const rule = ruleFor({ people: new Map(), rules: rulebook.rules, labels: new Map() }, ACCEPT)
  if (!rule) return [`Nobody may accept a change of this policy in the chat: no rule allows ${ACCEPT.capability} on ${OWN}.`]
  if (rule.reason !== undefined)
    return [
      `Nobody can accept a change of this policy in the chat: the rule "${rule.name}" wants a reason, and \`accept policy\` has none.`,
    ]
  const gates = [rule.start, rule.before && atLeast('disruptive', rule.before.from) ? rule.before.rule : undefined]
  const others = gates.filter(gate => gate !== undefined)
  const alone = others.every(gate => gate.ownRequest && needsOf(gate).reduce((sum, need) => sum + need.quorum, 0) < 2)
  return alone
    ? [`One person with the role ${rule.may} can change this policy alone: the rule "${rule.name}" wants nobody else.`]
    : []
}

/** A pattern may be for targets that are still to come, or be misspelt. */
const ofTargets = ({ rules, labels }: Rulebook): readonly string[] =>
  rules
    .filter(({ target }) => ![OWN, ...Object.keys(labels)].some(name => matches(target, name)))
    .map(({ name, target }) => `The rule "${name}" is for ${target}, and no target is called like that.`)
