import type { Person, Target } from './domain/ids.ts'
import type { Risk } from './domain/plan.ts'
import { hasRole, type Policy, ruleFor } from './domain/policy.ts'
import { program } from './domain/program.ts'
import type { Run } from './domain/run.ts'
import type { Adapter, Capability } from './kit/device.ts'
import { complete } from './language/complete.ts'
import { help, overview } from './language/help.ts'
import type { Inventory } from './language/inventory.ts'
import { parse } from './language/parse.ts'
import type { Site } from './site/site.ts'

/** The language with the site's inventory: parsing, completion, help, and what somebody may do on which target. */
export function languageOf(
  site: Pick<Site, 'targets'>,
  adapters: ReadonlyMap<string, Adapter>,
  live: () => readonly Run[] = () => [],
) {
  const inventory = (): Inventory => ({
    targets: site.targets,
    runs: new Map(
      live().map(run => [
        run.id,
        program(run)
          .flat()
          .map(step => step.id),
      ]),
    ),
  })
  const used = [...adapters.values()].filter(adapter => [...site.targets.values()].some(target => target.kind === adapter.name))
  const may = (policy: Policy, by: Person, capability: string, target: Target, risk: Risk): boolean => {
    const rule = ruleFor(policy, { capability, target, params: {}, risk })
    return rule !== undefined && hasRole(policy, by, rule.may, risk)
  }
  return {
    parse: (text: string) => parse(text, inventory()),
    complete: (text: string) => complete(text, inventory()),
    help: (topic: string | undefined): readonly string[] => (topic === undefined ? overview(used) : help(topic, used)),
    canDo(target: string | undefined, by: Person, policy: Policy): readonly string[] {
      const lines = [...site.targets]
        .filter(([name]) => target === undefined || name === target)
        .flatMap(([name, { kind }]) => {
          const able = Object.entries<Capability>(adapters.get(kind)?.capabilities ?? {}).filter(([verb, { effect }]) =>
            may(policy, by, `${kind}.${verb}`, name, effect === 'read' ? 'none' : effect.risk),
          )
          if (able.length === 0) return [`${name}: nothing; no rule allows it`]
          return [
            `${name} (${kind}):`,
            ...able.map(([, { examples, summary }]) => `  ${example(examples[0] ?? '', name)}  - ${summary}`),
          ]
        })
      return lines.length > 0 ? lines : [`I know no target called ${target}. I know ${[...site.targets.keys()].join(', ')}.`]
    },
  }
}

/** An example with this target's name in it. */
const example = (sentence: string, target: string): string =>
  sentence.replace(/\bon \S+$/, `on ${target}`).replace(/\bon \S+ to\b/, `on ${target} to`)
