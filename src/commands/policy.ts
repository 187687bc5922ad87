import type { Command } from 'commander'
import type { Command as Said } from '../domain/command.ts'
import type { Instant, Person } from '../domain/ids.ts'
import { type Action, changesOf, type Params } from '../domain/plan.ts'
import { permit } from '../domain/policy.ts'
import { differences, rulebookDigest } from '../domain/policy-diff.ts'
import { explain, type Refusal } from '../domain/refusal.ts'
import { untilOf } from '../domain/windows.ts'
import type { Planned } from '../engine/ears.ts'
import { policyTest, whoCouldApprove } from '../engine/policy-test.ts'
import { systemClock } from '../engine/system-clock.ts'
import type { Adapter } from '../kit/device.ts'
import { OWN, type OwnParts, ownAdapter } from '../own/adapter.ts'
import { planner } from '../planning.ts'
import { loadAdapters } from '../registry.ts'
import { RUNBOOKS } from '../runbooks/all.ts'
import type { Environment } from '../site/environment.ts'
import { readRulebook, type Site } from '../site/site.ts'
import { languageOf } from '../spoken.ts'
import { BadUse } from './bad-use.ts'
import { siteFor } from './sites.ts'

/** Commands about the policy of a site file: nothing is begun, and no database, chat or device is asked. */
export function policyCommands(program: Command, settings: () => Environment, done: (status: number) => void): void {
  const policy = program.command('policy').description('what the rules of a site file come to')

  policy
    .command('test <sentence>')
    .description('what a sentence would become, which rules decide, and who could approve it; a refusal ends with status 2')
    .option('--as <person>', 'who asks; without it: whoever may')
    .action(async (sentence: string, options: { as?: string }) => {
      const adapters = await loadAdapters()
      const { site, close } = await siteFor(settings(), adapters)
      await close()
      const { lines, refused } = tested(sentence, options.as, site, adapters)
      console.log(lines.join('\n'))
      if (refused) done(2)
    })

  policy
    .command('diff <old> <new>')
    .description('what is different between the rules of two site files, without their secrets; a difference ends with status 1')
    .action(async (old: string, next: string) => {
      const adapters = await loadAdapters()
      const lines = differences(readRulebook(old, adapters), readRulebook(next, adapters))
      console.log(lines.length > 0 ? lines.join('\n') : 'The rules are the same.')
      if (lines.length > 0) done(1)
    })
}

interface Tested {
  readonly lines: readonly string[]
  readonly refused: boolean
}

function tested(sentence: string, as: string | undefined, site: Site, adapters: ReadonlyMap<string, Adapter>): Tested {
  if (as !== undefined && !site.policy.people.has(as as Person))
    throw new BadUse(`The site file knows no ${as}. It knows ${[...site.policy.people.keys()].join(', ')}.`)
  const heard = languageOf(site, adapters).parse(sentence)
  if ('refusal' in heard) return { lines: explain(heard.refusal), refused: true }
  const now = systemClock.now()
  const asked = changeOf(heard.command, as ?? 'anybody', site, now)
  if (!asked) return { lines: ['That changes nothing and asks no device: no rule decides about it.'], refused: false }
  const planned = planner(new Map([...adapters, [OWN, ownAdapter(NO_HOUSE)]]), RUNBOOKS, site.runbooks)(asked)
  const because = 'because' in heard.command ? heard.command.because : undefined
  if (as === undefined) return { lines: whoCouldApprove(planned, site.policy, now), refused: 'refusal' in planned }
  const by = as as Person
  const refused = 'refusal' in planned || permit(site.policy, by, actionsIn(planned)) !== undefined
  return { lines: policyTest(planned, by, site.policy, now, because), refused }
}

const actionsIn = (planned: Exclude<Planned, { refusal: Refusal }>): readonly Action[] =>
  'read' in planned ? [planned.read] : [...planned.reads, ...changesOf(planned.plan)]

/** What changes the house itself is a change like any other; nothing here would carry it out. */
const NO_HOUSE: OwnParts = {
  store: { keep: () => Promise.reject(new Error('there is no house here')) },
  offered: () => Promise.resolve(undefined),
}

function changeOf(command: Said, by: string, site: Site, now: Instant): Extract<Said, { kind: 'act' | 'run' }> | undefined {
  const own = (verb: string, params: Params): Extract<Said, { kind: 'act' }> => ({
    kind: 'act',
    wish: { capability: `${OWN}.${verb}`, target: OWN, params },
  })
  if (command.kind === 'act' || command.kind === 'run') return command
  // Of a schedule: what it asks for each time.
  if (command.kind === 'schedule') return command.command
  if (command.kind === 'freeze') return own('freeze', { ...command, until: untilOf(command.until, site.rulebook.zone, now), by })
  if (command.kind === 'thaw') return own('thaw', { ...command, by })
  return command.kind === 'accept policy' ? own('accept-policy', { digest: rulebookDigest(site.rulebook), by }) : undefined
}
