import { z } from 'zod'
import { Misread } from '../../src/kit/errors.ts'

/** What QMP's answers look like (QEMU 7.2, its own schema). Fields that nothing here needs are dropped; a missing one is a Misread. */
const text = z.string()
const whole = z.number().int().min(0)

const Bitmap = z.object({
  name: text.optional(), // a job's own bitmap has none
  recording: z.boolean(),
  persistent: z.boolean(),
  busy: z.boolean(),
  granularity: whole,
  count: whole,
  inconsistent: z.boolean().optional(),
})
const Node = z.object({
  'node-name': text.min(1),
  drv: text,
  ro: z.boolean(),
  // Of a URL as somebody gave it to QEMU: iscsi://user%password@host/..., and what nbd+ssh or https take.
  file: text.transform(file => file.replace(/^([a-z+]+:\/\/[^\s/%:@]*[%:])[^\s/@]*@/, '$1[redacted]@')),
  image: z.object({ 'virtual-size': whole }),
  'dirty-bitmaps': z.array(Bitmap).optional(),
})
const BlockJob = z.object({
  device: text,
  type: text,
  status: text,
  len: whole,
  offset: whole,
  speed: whole,
  paused: z.boolean(),
  ready: z.boolean(),
  'io-status': z.enum(['ok', 'failed', 'nospace']),
})
const Job = z.object({ id: text, type: text, status: text, error: text.optional() })
const Export = z.object({ id: text, type: text, 'node-name': text, 'shutting-down': z.boolean() })
const Graph = z.object({
  nodes: z.array(z.object({ id: z.number(), type: text, name: text })),
  edges: z.array(z.object({ parent: z.number(), child: z.number(), name: text })),
})
const Device = z.object({
  device: text,
  qdev: text.optional(),
  inserted: z.object({ 'node-name': text.min(1).optional() }).optional(), // nothing in an empty drive
})
const Version = z.object({ qemu: z.object({ major: whole, minor: whole, micro: whole }), package: text })

export type BitmapAnswer = z.infer<typeof Bitmap>
export type NodeAnswer = z.infer<typeof Node>
export type BlockJobAnswer = z.infer<typeof BlockJob>
export type JobAnswer = z.infer<typeof Job>
export type ExportAnswer = z.infer<typeof Export>
export type GraphAnswer = z.infer<typeof Graph>

const taken =
  <T>(what: string, shape: z.ZodType<T>) =>
  (value: unknown): T => {
    const read = shape.safeParse(value)
    if (read.success) return read.data
    const at = read.error.issues[0]?.path.join('.') ?? ''
    throw new Misread(
      `this is not the answer of ${what}${at === '' ? '' : ` (at ${at})`}`,
      JSON.stringify(value ?? null).slice(0, 4_000),
    )
  }

export const nodesIn = taken('query-named-block-nodes', z.array(Node))
export const blockJobsIn = taken('query-block-jobs', z.array(BlockJob))
export const jobsIn = taken('query-jobs', z.array(Job))
export const exportsIn = taken('query-block-exports', z.array(Export))
export const graphIn = taken('x-debug-query-block-graph', Graph)
export const devicesIn = taken('query-block', z.array(Device))
export const versionIn = taken('query-version', Version)

/** The same for an answer that somebody pasted: the line as it was on the wire. */
export const pasted =
  <T>(reading: (value: unknown) => T) =>
  (line: string): T => {
    const message = z.object({ return: z.unknown() }).safeParse(jsonIn(line))
    if (!message.success) throw new Misread('this is not an answer of QMP: it has no "return"', line)
    return reading(message.data.return)
  }

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new Misread('this is not an answer of QMP: it is no JSON, or not all of it', line)
  }
}
