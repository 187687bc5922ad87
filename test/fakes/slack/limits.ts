import { elementComplaints, short, textObject } from './limits-elements.ts'
import { isJson, listOf, textOf } from './wire.ts'
import type { Json } from './world.ts'

/** What is wrong with a request, and the word with which Slack refuses it. */
export interface Complaint {
  readonly error: string
  readonly says: string
}

/** Limits of docs.slack.dev/reference/block-kit and of the methods' pages, unless another source is named. */
const MESSAGE = { blocks: 50, text: 40_000, edited: 4_000, allBlocks: 13_000, metadata: 16_000, attachments: 100 }
const VIEW = { blocks: 100, title: 24, metadata: 3_000, callback: 255, size: 250_000 }

/** A message that is posted, edited or whispered. */
export function messageComplaints(body: Json, edit: boolean): readonly Complaint[] {
  const { text, blocks, attachments, metadata } = body
  const found: Complaint[] = []
  const say = (error: string, says: string) => void found.push({ error, says })
  const letters = textOf(text) ?? ''
  if (letters.length > MESSAGE.text) say('msg_too_long', `a text of ${letters.length} characters`)
  // chat.update counts the bytes of the escaped text: found by running it (gitlab-org/gitlab, merge request 258898).
  if (edit && Buffer.byteLength(letters) > MESSAGE.edited)
    say('msg_too_long', `an edit with a text of ${Buffer.byteLength(letters)} bytes`)
  if (blocks !== undefined) found.push(...blocksComplaints(blocks, MESSAGE.blocks, false))
  // Not documented, found by running it (slackapi/bolt-js, issue 2509): somewhat more than 13,000 characters in all blocks.
  if (lettersIn(blocks) > MESSAGE.allBlocks) say('msg_blocks_too_long', `blocks with ${lettersIn(blocks)} characters of text`)
  if (attachments !== undefined && !Array.isArray(attachments)) say('invalid_attachments', 'attachments that are no list')
  const bars = listOf(attachments)
  if (bars.length > MESSAGE.attachments) say('too_many_attachments', `${bars.length} attachments`)
  for (const bar of bars) if (bar['blocks'] !== undefined) found.push(...blocksComplaints(bar['blocks'], MESSAGE.blocks, false))
  if (metadata !== undefined) found.push(...metadataComplaints(metadata))
  if (letters === '' && listOf(blocks).length === 0 && bars.length === 0 && !edit) say('no_text', 'neither text nor blocks')
  return found
}

/** A dialog or a home. */
export function viewComplaints(view: unknown): readonly Complaint[] {
  if (!isJson(view)) return [{ error: 'invalid_arguments', says: 'a view that is no object' }]
  const found: string[] = []
  const { type, title, blocks, private_metadata, callback_id, submit, close } = view
  if (type !== 'modal' && type !== 'home') found.push(`a view of type ${String(type)}`)
  if (type === 'modal') {
    found.push(...textObject(title, 'the title of a modal', VIEW.title, 'plain'))
    for (const [name, one] of [['submit', submit] as const, ['close', close] as const])
      if (one !== undefined) found.push(...textObject(one, `${name} of a modal`, VIEW.title, 'plain'))
    if (listOf(blocks).some(block => block['type'] === 'input') && submit === undefined) found.push('inputs without a submit')
  }
  found.push(...short(private_metadata, 'private_metadata', VIEW.metadata), ...short(callback_id, 'callback_id', VIEW.callback))
  if (JSON.stringify(view).length > VIEW.size) found.push(`a view of ${JSON.stringify(view).length} bytes`)
  return [...found.map(says => ({ error: 'invalid_arguments', says })), ...blocksComplaints(blocks, VIEW.blocks, true)]
}

function metadataComplaints(metadata: unknown): readonly Complaint[] {
  const { event_type: type, event_payload: payload } = isJson(metadata) ? metadata : {}
  if (typeof type !== 'string' || type === '' || !isJson(payload))
    return [{ error: 'invalid_metadata_format', says: 'metadata without event_type and event_payload' }]
  const size = JSON.stringify(payload).length
  return size > MESSAGE.metadata ? [{ error: 'metadata_too_large', says: `metadata of ${size} bytes` }] : []
}

function blocksComplaints(blocks: unknown, most: number, inView: boolean): readonly Complaint[] {
  const wrong = (says: string): Complaint => ({ error: 'invalid_blocks', says })
  if (!Array.isArray(blocks)) return [wrong('blocks that are no list')]
  const found: string[] = []
  if (blocks.length > most) found.push(`${blocks.length} blocks`)
  const ids = new Set<string>()
  for (const block of blocks) {
    if (!isJson(block)) {
      found.push('a block that is no object')
      continue
    }
    found.push(...blockComplaints(block, inView))
    const id = textOf(block['block_id'])
    if (id !== undefined && ids.has(id)) found.push(`block_id ${id} twice`)
    if (id !== undefined) ids.add(id)
  }
  return found.map(wrong)
}

function blockComplaints(block: Json, inView: boolean): readonly string[] {
  const { type } = block
  const found: string[] = [...short(block['block_id'], 'block_id', 255)]
  switch (type) {
    case 'header':
      return [...found, ...textObject(block['text'], 'a header', 150, 'plain')]
    case 'section': {
      const { text, fields, accessory } = block
      if (text === undefined && fields === undefined) found.push('a section with neither text nor fields')
      if (text !== undefined) found.push(...textObject(text, 'a section', 3000))
      if (fields !== undefined && (listOf(fields).length === 0 || listOf(fields).length > 10))
        found.push(`${listOf(fields).length} fields`)
      for (const field of listOf(fields)) found.push(...textObject(field, 'a field', 2000))
      return accessory === undefined ? found : [...found, ...elementComplaints(accessory)]
    }
    case 'context': {
      const elements = listOf(block['elements'])
      if (elements.length === 0 || elements.length > 10) found.push(`${elements.length} elements in a context`)
      for (const one of elements)
        found.push(...(one['type'] === 'image' ? elementComplaints(one) : textObject(one, 'a context', 3000)))
      return found
    }
    case 'actions': {
      const elements = listOf(block['elements'])
      if (elements.length === 0 || elements.length > 25) found.push(`${elements.length} elements in an actions block`)
      const ids = elements.map(one => textOf(one['action_id'])).filter(id => id !== undefined)
      for (const id of new Set(ids)) if (ids.filter(other => other === id).length > 1) found.push(`action_id ${id} twice`)
      return [...found, ...elements.flatMap(elementComplaints)]
    }
    case 'input':
      return [
        ...found,
        ...textObject(block['label'], 'a label', 2000, 'plain'),
        ...elementComplaints(block['element']),
        ...hint(block),
      ]
    case 'image': {
      const { image_url, slack_file, alt_text } = block
      if ((image_url === undefined) === (slack_file === undefined)) found.push('an image with neither or both of url and file')
      return [...found, ...required(alt_text, 'alt_text', 2000), ...short(image_url, 'image_url', 3000)]
    }
    case 'markdown':
      if (inView) found.push('a markdown block in a view')
      return [...found, ...required(block['text'], 'a markdown block', 12_000)]
    case 'divider':
    case 'rich_text':
      return found
    default:
      return [...found, `a block of type ${String(type)}`]
  }
}

const hint = (block: Json): readonly string[] =>
  block['hint'] === undefined ? [] : textObject(block['hint'], 'a hint', 2000, 'plain')

const required = (value: unknown, what: string, most: number): readonly string[] =>
  typeof value === 'string' && value !== '' ? short(value, what, most) : [`${what} is missing`]

/** The characters that a person reads in the blocks. */
function lettersIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + lettersIn(one), 0)
  if (!isJson(value)) return 0
  const own = typeof value['text'] === 'string' ? value['text'].length : 0
  return own + Object.values(value).reduce((sum: number, one) => sum + (typeof one === 'object' ? lettersIn(one) : 0), 0)
}
