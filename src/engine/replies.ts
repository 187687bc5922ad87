import type { Card } from '../domain/chat.ts'
import type { RunId } from '../domain/ids.ts'
import { explain, type Refusal } from '../domain/refusal.ts'
import type { Store } from '../ports/store.ts'

/** A no as a card. */
export const no = (refusal: Refusal): Card => {
  const [title = '', ...lines] = explain(refusal)
  return { title, tone: 'bad', lines, buttons: [] }
}

export const listing = (title: string, lines: readonly string[]): Card => ({ title, tone: 'calm', lines, buttons: [] })

export const unknownRun = async (id: RunId, store: Pick<Store, 'list'>): Promise<Card> =>
  no({ no: 'unknown run', run: id, live: (await store.list('live', 20)).map(run => run.id) })
