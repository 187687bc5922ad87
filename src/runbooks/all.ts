import type { Runbook } from './build.ts'
import migrate from './migrate.ts'

/** The built-in runbooks by name. */
export const RUNBOOKS: ReadonlyMap<string, Runbook<never>> = new Map([migrate].map(book => [book.name, book as Runbook<never>]))
