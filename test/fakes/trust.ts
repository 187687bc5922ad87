import type { Policy } from '../../src/domain/policy.ts'
import type { Ears } from '../../src/engine/ears.ts'

/** Where nobody links, nothing has changed and every account is in use: one policy, and no second factor. */
export const trusting = (
  policy: Policy | (() => Policy),
): Pick<Ears, 'policy' | 'active' | 'stepUp' | 'links' | 'lapsed' | 'policyChange' | 'record' | 'targetNames'> => ({
  policy: async () => (typeof policy === 'function' ? policy() : policy),
  active: async () => true,
  stepUp: async () => ({ no: 'needs a code', why: 'nobody has a second factor here', instead: 'Go without.' }),
  links: async () => ({ title: 'Nobody is linked here', tone: 'calm', lines: [], buttons: [] }),
  lapsed: async () => undefined,
  policyChange: async () => undefined,
  record: async run => ({ title: `The record of ${run.id}`, tone: 'calm', lines: [], buttons: [] }),
  targetNames: () => [],
})
