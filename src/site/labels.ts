import { atLeast } from '../domain/plan.ts'
import { labelled, matches } from '../domain/policy.ts'
import type { Labels, Rulebook } from '../domain/rulebook.ts'
import { OWN } from '../own/adapter.ts'
import type { Complaint } from './complaints.ts'
import { targetComplaints } from './sense.ts'

/** Names and labels that could be taken for something else, and labels that rules and windows look for in vain. */
export const labelComplaints = (rulebook: Rulebook): readonly Complaint[] => {
  const used = usedIn(rulebook)
  return [
    ...used.flatMap(({ where, path }) => wanting(where, path, rulebook)),
    ...missing(new Set(used.flatMap(({ where }) => Object.keys(where))), rulebook),
    ...rulebook.windows.flatMap(({ name, target }) =>
      target === undefined ? [] : targetComplaints(target, ['windows', name, 'target'], rulebook.labels),
    ),
    ...windowless(rulebook),
    ...mistakable(rulebook),
  ]
}

/** Where a rule says how long its changes need of a window, there has to be one: it may have been lost. */
const windowless = ({ rules, windows, labels }: Rulebook): readonly Complaint[] =>
  rules.flatMap(({ takes, target, where, upTo }, n) => {
    const fitting = Object.entries(labels).filter(([name, has]) => matches(target, name) && labelled(where, has))
    const found = windows.some(
      window =>
        atLeast(upTo, window.from) &&
        fitting.some(([name, has]) => matches(window.target ?? '*', name) && labelled(window.where, has)),
    )
    return takes === undefined || found
      ? []
      : [{ path: ['rules', n, 'takes'], message: 'it is what a change needs of a change window, and no window is for these' }]
  })

interface Used {
  readonly where: Labels
  readonly path: Complaint['path']
}

const usedIn = ({ rules, windows }: Rulebook): readonly Used[] => [
  ...rules.flatMap(({ where }, n) => (where ? [{ where, path: ['rules', n, 'on'] }] : [])),
  ...windows.flatMap(({ name, where }) => (where ? [{ where, path: ['windows', name, 'on'] }] : [])),
]

function wanting(where: Labels, path: Complaint['path'], { labels }: Rulebook): readonly Complaint[] {
  return Object.entries(where).flatMap(([key, value]): readonly Complaint[] => {
    const values = [...new Set(Object.values(labels).flatMap(one => one[key] ?? []))]
    if (values.some(one => one.toLowerCase() === value.toLowerCase())) return []
    const there = values.length > 0 ? `there is ${values.join(', ')}` : 'no target has such a label'
    return [{ path: [...path, key], message: `no target has ${key}: ${value}; ${there}` }]
  })
}

/** A target without a label that rules look at would fall through to whichever rule comes next. */
const missing = (keys: ReadonlySet<string>, { labels }: Rulebook): readonly Complaint[] =>
  Object.entries(labels).flatMap(([target, has]) =>
    [...keys]
      .filter(key => !Object.hasOwn(has, key))
      .map(key => ({
        path: ['targets', target, 'labels'],
        message: `it has no label ${key}, and the rules or windows go by it; say \`labels: { ${key}: ... }\``,
      })),
  )

/** `freeze production` must not be able to mean two things, and a name not two devices. */
function mistakable({ labels }: Rulebook): readonly Complaint[] {
  const names = Object.keys(labels)
  return Object.entries(labels).flatMap(([target, has], n): readonly Complaint[] => {
    const twin = names.slice(0, n).find(other => other.toLowerCase() === target.toLowerCase())
    return [
      ...(matches(target, OWN) || matches(target, EVERYTHING)
        ? [{ path: ['targets', target], message: `${target} stands for something else here; choose another name` }]
        : []),
      ...(twin === undefined ? [] : [{ path: ['targets', target], message: `it is too much like ${twin}; choose another name` }]),
      ...Object.entries(has)
        .filter(([, value]) => [OWN, EVERYTHING, ...names].some(name => name.toLowerCase() === value.toLowerCase()))
        .map(([key, value]) => ({
          path: ['targets', target, 'labels', key],
          message: `${value} is the name of something else, and \`freeze ${value}\` could mean both; choose another value`,
        })),
    ]
  })
}

/** The widest scope of a freeze. */
const EVERYTHING = 'everything'
