import type { Block, Drawn } from './blocks.ts'

/**
 * Channels that the site names, as Slack shows them: their ids say nothing to people. A channel's name rings nobody, and those who may
 * not see it see no name. What stands in code is there to be copied, and stays.
 */
export function withChannelNames({ blocks, text }: Drawn, channels: readonly string[]): Drawn {
  if (channels.length === 0) return { blocks, text }
  const mention = new RegExp(`(?<![\\w&/<])#(${channels.filter(id => /^[CG][A-Z0-9]+$/.test(id)).join('|')})(?![A-Z0-9])`, 'g')
  const named = (piece: string): string =>
    piece
      .split(/(```[\s\S]*?```|`[^`\n]*`)/)
      .map((part, n) => (n % 2 === 1 ? part : part.replace(mention, '<#$1>')))
      .join('')
  return { blocks: blocks.map(block => inBlock(block, named)), text: named(text) }
}

/** Only where Slack reads markup: elsewhere the brackets would be seen. */
function inBlock(block: Block, named: (text: string) => string): Block {
  return Object.fromEntries(Object.entries(block).map(([name, value]) => [name, inside(value)]))

  function inside(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(inside)
    if (typeof value !== 'object' || value === null) return value
    if ('type' in value && value.type === 'mrkdwn' && 'text' in value && typeof value.text === 'string')
      return { ...value, text: named(value.text) }
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inside(one)]))
  }
}
