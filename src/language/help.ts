import { COMMANDS, type Explained, RUNBOOKS } from './commands-help.ts'
import { distance, slips } from './distance.ts'
import type { Documented } from './reference.ts'

/** Everything that can be said, one line each. */
export function overview(adapters: readonly Documented[]): readonly string[] {
  return [
    'Runbooks:',
    ...RUNBOOKS.map(line),
    'Runs and gates:',
    ...COMMANDS.map(line),
    'Devices:',
    ...adapters.map(({ name, summary }) => `  \`help ${name}\` - ${summary}`),
  ]
}

/** One thing in full: a command, a runbook, a kind of device, or whatever sentences have these words. */
export function help(topic: string, adapters: readonly Documented[]): readonly string[] {
  const wanted = topic.toLowerCase()
  const device = adapters.find(it => it.name.toLowerCase() === wanted)
  if (device !== undefined) return [`${device.name}: ${device.summary}`, ...explained(device).flatMap(full)]
  const all = [...RUNBOOKS, ...COMMANDS, ...adapters.flatMap(explained)]
  const exact = all.filter(it => it.topic.toLowerCase() === wanted)
  const found = exact.length > 0 ? exact : all.filter(it => it.examples.some(example => has(example, wanted)))
  if (found.length > 0) return found.flatMap(full)
  const near = [...all.map(it => it.topic), ...adapters.map(it => it.name)].filter(
    it => distance(it, wanted, slips(it)) < Number.POSITIVE_INFINITY,
  )
  return [
    `I have no help on ${topic}.`,
    near.length > 0 ? `Did you mean \`help ${near[0]}\`?` : 'Say `help` to see what can be said.',
  ]
}

const line = ({ summary, examples }: Explained): string => `  \`${examples[0]}\` - ${summary}`
const full = ({ summary, examples }: Explained): readonly string[] => [`${summary}:`, ...examples.map(it => `  \`${it}\``)]
const has = (example: string, wanted: string): boolean => ` ${example.toLowerCase()} `.includes(` ${wanted} `)

const explained = ({ name, capabilities }: Documented): readonly Explained[] =>
  Object.entries(capabilities).map(([verb, { summary, examples }]) => ({ topic: `${name}.${verb}`, summary, examples }))
