import { z } from 'zod'

export const Nothing = z.object({})
/** 31 characters at most, and ".r<system id>" behind them on the partner. The name is the one that this array shows. */
export const GroupName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,42}$/, 'the name of a remote copy group has letters, digits and _.- only')
export const OneGroup = z.object({ group: GroupName })
export const OneHost = z.object({
  host: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/, 'the name of a host has letters, digits and _.:- only'),
})
