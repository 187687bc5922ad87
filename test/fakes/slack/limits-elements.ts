import { isJson, textOf } from './wire.ts'
import type { Json } from './world.ts'

/** Elements and composition objects of docs.slack.dev/reference/block-kit, as far as a bot may use them. */
export function elementComplaints(element: unknown): readonly string[] {
  if (!isJson(element)) return ['an element that is no object']
  const { type, action_id, confirm } = element
  const found = [...short(action_id, 'action_id', 255), ...(confirm === undefined ? [] : confirmComplaints(confirm))]
  switch (type) {
    case 'button':
      return [...found, ...buttonComplaints(element)]
    case 'plain_text_input': {
      const { placeholder, initial_value, min_length, max_length } = element
      if (placeholder !== undefined) found.push(...textObject(placeholder, 'a placeholder', 150, 'plain'))
      if (Number(max_length ?? 1) < 1 || Number(max_length ?? 1) > 3000) found.push(`max_length ${String(max_length)}`)
      if (Number(min_length ?? 0) < 0 || Number(min_length ?? 0) > 3000) found.push(`min_length ${String(min_length)}`)
      return [...found, ...short(initial_value, 'initial_value', Number(max_length ?? 3000))]
    }
    case 'image':
      if (typeof element['alt_text'] !== 'string') found.push('an image without alt_text')
      return found
    case 'static_select':
    case 'radio_buttons':
    case 'checkboxes':
    case 'overflow': {
      const options = Array.isArray(element['options']) ? element['options'] : []
      const most = type === 'static_select' ? 100 : type === 'overflow' ? 5 : 10
      if (options.length === 0 || options.length > most) found.push(`${options.length} options in ${type}`)
      return [...found, ...options.flatMap(optionComplaints)]
    }
    case 'users_select':
    case 'conversations_select':
    case 'channels_select':
      return found
    default:
      return [...found, `an element of type ${String(type)}`]
  }
}

function buttonComplaints({ text, value, url, style, accessibility_label }: Json): readonly string[] {
  const found = [
    ...textObject(text, 'a button', 75, 'plain'),
    ...short(value, 'the value of a button', 2000),
    ...short(url, 'the url of a button', 3000),
    ...short(accessibility_label, 'the accessibility_label of a button', 75),
  ]
  return style === undefined || style === 'primary' || style === 'danger'
    ? found
    : [...found, `a button of style ${String(style)}`]
}

function confirmComplaints(confirm: unknown): readonly string[] {
  if (!isJson(confirm)) return ['a confirm that is no object']
  return [
    ...textObject(confirm['title'], 'the title of a confirm', 100, 'plain'),
    ...textObject(confirm['text'], 'the text of a confirm', 300),
    ...textObject(confirm['confirm'], 'the yes of a confirm', 30, 'plain'),
    ...textObject(confirm['deny'], 'the no of a confirm', 30, 'plain'),
  ]
}

function optionComplaints(option: unknown): readonly string[] {
  if (!isJson(option)) return ['an option that is no object']
  return [...textObject(option['text'], 'an option', 75), ...short(option['value'], 'the value of an option', 150)]
}

/** A text object: never empty, never too long, of a kind that is allowed there. */
export function textObject(value: unknown, what: string, most: number, kind?: 'plain'): readonly string[] {
  if (!isJson(value)) return [`${what} is missing`]
  const { type, text } = value
  if (type !== 'plain_text' && (type !== 'mrkdwn' || kind === 'plain')) return [`${what} is ${String(type)}`]
  if (typeof text !== 'string' || text.length === 0) return [`${what} is empty`]
  if (type === 'mrkdwn' && value['emoji'] !== undefined) return [`${what} is mrkdwn and says emoji`]
  return short(text, what, most)
}

export function short(value: unknown, what: string, most: number): readonly string[] {
  const text = textOf(value)
  return text !== undefined && text.length > most ? [`${what} of ${text.length} characters, ${most} are allowed`] : []
}
