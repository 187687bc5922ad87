import type { Instant } from '../../domain/ids.ts'

/** The first millisecond of 2015: where Discord's ids begin to count. */
const EPOCH = 1_420_070_400_000

/** When the thing with that id was made, by Discord's clock; undefined for what is no snowflake. */
export const timeOf = (id: string): Instant | undefined => (/^\d{1,20}$/.test(id) ? Number(BigInt(id) >> 22n) + EPOCH : undefined)

/** The lowest id that anything made at that time can have. */
export const snowflakeAt = (at: Instant): string => String(BigInt(Math.max(0, Math.floor(at) - EPOCH)) << 22n)

/** Which of two ids is the later one. */
export const later = (a: string, b: string): string => (BigInt(a) > BigInt(b) ? a : b)
