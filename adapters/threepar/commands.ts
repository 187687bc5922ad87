import { fixed, type Word, word } from '../../src/kit/quote.ts'

type Words = readonly Word[]

/** The changes of a remote copy group, by what people call them. */
export type Verb = 'start' | 'stop' | 'sync' | 'switchover'

/**
 * The InForm CLI over SSH: one command with its words, no shell behind it. Asked in plain tables: -csvtable comes before or after
 * the subcommand depending on who documents it, and the plain form is the one with real captures.
 */
export const cli = {
  remoteCopy: (): Words => fixed('showrcopy'),
  groups: (): Words => fixed('showrcopy', 'groups'),
  group: (group: string): Words => [...fixed('showrcopy', 'groups'), word.name(group)],
  targets: (): Words => fixed('showrcopy', 'targets'),
  links: (): Words => fixed('showrcopy', 'links'),
  system: (): Words => fixed('showsys'),
  version: (): Words => fixed('showversion'),
  hostPaths: (): Words => fixed('showvlun', '-a'),
  hostPathsOf: (host: string): Words => [...fixed('showvlun', '-a', '-host'), word.name(host)],
  rcipPorts: (): Words => fixed('showport', '-rcip'),
  nodes: (): Words => fixed('shownode', '-state'),
  powerSupplies: (): Words => fixed('shownode', '-ps'),
  webApi: (): Words => fixed('showwsapi'),
  tasks: (): Words => fixed('showtask'),
  change: (verb: Verb, group: string): Words => [...CHANGES[verb], word.name(group)],
}

// -f: it does not ask. -waittask: it comes back when its tasks have ended. A sync is not waited for (-w): it may take days.
const CHANGES: Record<Verb, Words> = {
  start: fixed('startrcopygroup'),
  stop: fixed('stoprcopygroup', '-f'),
  sync: fixed('syncrcopy'),
  switchover: fixed('setrcopygroup', 'switchover', '-f', '-waittask'),
}
