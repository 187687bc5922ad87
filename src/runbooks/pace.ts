import { z } from 'zod'
import { hours, minutes, seconds } from '../domain/ids.ts'

/** How patient a migration is, whatever it moves. A site may say otherwise under `runbooks`. */
export const Pace = z.object({
  soak: z.number().min(0).default(hours(1)), // how long the new disk serves before anyone may commit
  look: z.number().min(100).default(seconds(10)), // how often the copy is looked at
  stall: z.number().min(1000).default(minutes(10)), // without progress for so long, it rings
  timeout: z.number().min(1000).default(seconds(30)), // how long one request may live, on the wire and in the device
})
export type Pace = z.infer<typeof Pace>
