import { type Claim, segment } from '../domain/claim.ts'

/** Nobody else may hold it, or anything below it, while the run does: exclusive('disk', 'harddisk5'). */
export const exclusive = (...names: readonly (string | number)[]): Claim => ({
  path: names.map(segment).join('/'),
  mode: 'exclusive',
})

/** Others may hold it too, as long as nobody needs it alone: for a setting that may change while a run goes on. */
export const shared = (...names: readonly (string | number)[]): Claim => ({
  path: names.map(segment).join('/'),
  mode: 'shared',
})
