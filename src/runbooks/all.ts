import type { Runbook } from './build.ts'
import { failOver, testFailover } from './fail-over.ts'
import migrate from './migrate.ts'
import protect from './protect.ts'
import shrink from './shrink.ts'

/** The built-in runbooks by name. */
export const RUNBOOKS: ReadonlyMap<string, Runbook<never>> = new Map(
  [migrate, protect, testFailover, failOver, shrink].map(book => [book.name, book as Runbook<never>]),
)
