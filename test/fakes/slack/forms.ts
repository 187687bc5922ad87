import type { Attempt, Delivery } from './delivery.ts'
import { submissionOf } from './payloads.ts'
import type { PeopleParts } from './people.ts'
import { isJson, listOf, textOf } from './wire.ts'
import type { Json, View, World } from './world.ts'

/** Dialogs, as people fill them in. */
export interface Forms {
  /** The dialog that a press opens, or undefined when none did in time. */
  openedBy(trigger: string): Promise<View | undefined>
  /**
   * Sends a dialog with these words in its first input, or with words by block. True when the bot has acknowledged it, whatever it
   * thinks of the words: what it objects to is shown. False as well when Slack itself does not send it.
   */
  submits(view: string, words: string | Readonly<Record<string, string>>): Promise<boolean>
}

export function createForms({ world, time, patience }: PeopleParts, first: (delivery: Delivery) => Promise<Attempt>): Forms {
  const waiting = new Map<string, (view: View) => void>()
  world.watch(change => {
    if (change.is === 'view' && change.view.trigger !== undefined) waiting.get(change.view.trigger)?.(change.view)
  })
  return {
    openedBy: trigger =>
      new Promise(resolve => {
        const done = (view?: View) => {
          waiting.delete(trigger)
          callOff()
          resolve(view)
        }
        // The bot may acknowledge before or after it opens the dialog; the trigger lives no longer than this.
        const callOff = time.after(patience * 2, done)
        waiting.set(trigger, done)
      }),
    async submits(id, words) {
      const view = world.views.get(id)
      if (!view?.open) throw new Error(`the fake Slack has no dialog ${id} that is open`)
      const { values, missing } = filledIn(view, words)
      view.errors = Object.fromEntries(missing.map(block => [block, 'Please complete this required field.']))
      world.tell({ is: 'view', view })
      if (missing.length > 0) return false
      const { acked, answer } = await first(submissionOf(world, view, values, view.user))
      if (acked) answered(world, view, isJson(answer) ? answer : {})
      return acked
    },
  }
}

/** What becomes of a dialog: it closes, or stays and says what is wrong, or becomes another one. */
function answered(world: World, view: View, answer: Json): void {
  const { response_action: action, errors, view: shape } = answer
  if (action === 'errors' && isJson(errors)) {
    view.errors = Object.fromEntries(Object.entries(errors).map(([block, says]) => [block, String(says)]))
  } else if ((action === 'update' || action === 'push') && isJson(shape)) {
    view.shape = shape
    view.hash = world.id('h')
  } else {
    view.open = false
  }
  world.tell({ is: 'view', view })
}

function filledIn(
  view: View,
  words: string | Readonly<Record<string, string>>,
): { readonly values: Json; readonly missing: readonly string[] } {
  const values: Record<string, Json> = {}
  const missing: string[] = []
  const inputs = listOf(view.shape['blocks']).filter(block => block['type'] === 'input')
  for (const [n, { block_id, element, optional }] of inputs.entries()) {
    const block = textOf(block_id) ?? `block${n}`
    const { type, action_id = 'fake', max_length, initial_value } = isJson(element) ? element : {}
    const given = typeof words === 'string' ? (n === 0 ? words : undefined) : words[block]
    const value = (given ?? textOf(initial_value) ?? '').slice(0, Number(max_length ?? 3000))
    if (value === '' && optional !== true) missing.push(block)
    values[block] = { [String(action_id)]: { type, value: value === '' ? null : value } }
  }
  return { values, missing }
}
