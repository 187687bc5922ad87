import { HOUSE_TARGET } from '../domain/rulebook.ts'
import type { Asked } from './changes.ts'

/** What the house does with itself, as an action on itself. */
export const own = (verb: string, params: Readonly<Record<string, unknown>>, because?: string): Asked => ({
  kind: 'act',
  wish: { capability: `signalbox.${verb}`, target: HOUSE_TARGET, params },
  ...(because === undefined ? {} : { because }),
})
