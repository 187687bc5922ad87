import { COMMANDS, type Explained, RUNBOOKS, WORDS } from './commands-help.ts'

/** What an adapter says about itself, as far as the reference needs it; every adapter of the kit has this shape. */
export interface Documented {
  readonly name: string
  readonly summary: string
  readonly capabilities: Readonly<Record<string, DocumentedCapability>>
  readonly cannot: readonly { readonly what: string; readonly why: string }[]
}
export interface DocumentedCapability {
  readonly summary: string
  readonly examples: readonly string[]
  readonly effect: 'read' | { readonly risk: string; readonly inDoubt: { readonly ask: 'nobody' | 'device' | 'person' } }
}

/** The language reference without the devices, as Markdown. Made from the data that help shows and the tests parse. */
export function coreReference(): string {
  return [
    '# What you can say',
    '',
    'One sentence, one meaning: a sentence that has none or two is refused, with the word where understanding stopped, what was',
    'expected there, and the sentence that was probably meant. Keywords may be in any case. A sentence has 2,000 characters at most.',
    'Typographic quotes and no-break spaces, as chat clients put them in, are read as plain ones.',
    '',
    '## Words',
    '',
    '| word | meaning | examples |',
    '|---|---|---|',
    ...WORDS.map(
      ({ topic, summary, examples }) =>
        `| \`<${topic}>\` | ${cell(summary)} | ${examples.map(it => cell(code(it))).join(', ')} |`,
    ),
    '',
    '## Commands',
    '',
    ...COMMANDS.flatMap(section),
    '## Runbooks',
    '',
    ...RUNBOOKS.flatMap(section),
  ].join('\n')
}

/** The part of one kind of device. */
export function adapterReference({ name, summary, capabilities, cannot }: Documented): string {
  return [
    `## ${name}`,
    '',
    `${sentence(summary)}`,
    '',
    ...Object.entries(capabilities).flatMap(([verb, it]) => [
      `### ${name}.${verb}`,
      '',
      `${sentence(it.summary)} ${effect(it.effect)}`,
      '',
      ...it.examples.map(bullet),
      '',
    ]),
    ...(cannot.length === 0 ? [] : ['### What it cannot do', '', ...cannot.map(it => `- ${it.what}: ${it.why}`), '']),
  ].join('\n')
}

function effect(it: DocumentedCapability['effect']): string {
  return it === 'read' ? 'It only reads.' : `Risk: ${it.risk}. ${DOUBTS[it.inDoubt.ask]}`
}

const DOUBTS = {
  nobody: 'When the answer is lost it is sent again, as twice is as good as once.',
  device: 'When the answer is lost the device is asked whether it took effect.',
  person: 'When the answer is lost a person is asked whether it took effect, because nothing else can tell.',
} as const

const section = ({ topic, summary, examples }: Explained): readonly string[] => [
  `### ${topic}`,
  '',
  sentence(summary),
  '',
  ...examples.map(bullet),
  '',
]
const bullet = (example: string): string => `- ${code(example)}`
const code = (text: string): string => `\`${text}\``
const cell = (text: string): string => text.replaceAll('|', '\\|')
const sentence = (text: string): string => (/[.:]$/.test(text) ? text : `${text}.`)
