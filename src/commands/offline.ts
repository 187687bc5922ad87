import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { render } from '../chat/console/render.ts'
import { openDevices } from '../devices.ts'
import { digestOf } from '../domain/chain.ts'
import { guard } from '../domain/guard.ts'
import type { Person } from '../domain/ids.ts'
import { type Action, actionsOf, type Plan, stepsOf, undoActions } from '../domain/plan.ts'
import { closedFor, permit } from '../domain/policy.ts'
import { explain, type Refusal } from '../domain/refusal.ts'
import { read } from '../engine/answers.ts'
import { systemClock } from '../engine/system-clock.ts'
import type { Adapter } from '../kit/device.ts'
import { Misread } from '../kit/errors.ts'
import { redactedValue, redactor } from '../kit/redact.ts'
import { planner } from '../planning.ts'
import { loadAdapters } from '../registry.ts'
import { RUNBOOKS } from '../runbooks/all.ts'
import { shown } from '../runbooks/build.ts'
import type { Environment } from '../site/environment.ts'
import { readSite, type Site } from '../site/site.ts'
import { languageOf } from '../spoken.ts'
import { BadUse } from './bad-use.ts'
import { siteFor } from './sites.ts'

const json = (value: unknown): void => console.log(JSON.stringify(value, undefined, 2))

/** Commands that need no database: what a sentence means, what it would do, and reads. */
export function offline(program: Command, settings: () => Environment, done: (status: number) => void): void {
  program
    .command('parse <sentence>')
    .description('what a sentence means, as JSON; a refusal ends with status 2')
    .action(async (sentence: string) => {
      const adapters = await loadAdapters()
      const { site, close } = await siteFor(settings(), adapters)
      const heard = languageOf(site, adapters).parse(sentence)
      await close()
      if ('refusal' in heard) refuse(heard.refusal, done)
      else json(heard.command)
    })

  program
    .command('plan <sentence>')
    .description('the whole plan of a sentence, with the commands for the devices and the digest; nothing is executed')
    .option('--as <person>', 'who asks; the first person of the site file who may, by default')
    .option('--json', 'the plan itself')
    .action(async (sentence: string, options: { as?: string; json?: true }) => {
      const adapters = await loadAdapters()
      const { site, close } = await siteFor(settings(), adapters)
      await close()
      const heard = languageOf(site, adapters).parse(sentence)
      if ('refusal' in heard) return refuse(heard.refusal, done)
      if (heard.command.kind !== 'act' && heard.command.kind !== 'run')
        throw new BadUse(`\`${sentence}\` needs no plan: it changes no device.`)
      const planned = planner(adapters, RUNBOOKS, site.runbooks)(heard.command)
      if ('refusal' in planned) return refuse(planned.refusal, done)
      if ('read' in planned)
        return console.log(
          [`Reads, at once: ${sentence}`, ...commandsOf(planned.read, adapters).map(line => `  ${line}`)].join('\n'),
        )
      const people = askers(site, options.as)
      const guarded = people.map(person => ({ person, ...guard(planned.plan, site.policy, person, planned.reads) }))
      const found = guarded.find(one => 'plan' in one) ?? guarded[0]
      if (!found || !('plan' in found)) return refuse(found?.refusal ?? { no: 'empty' }, done)
      if (options.json) json({ digest: digestOf(found.plan), by: found.person, plan: found.plan })
      else console.log(planLines(found.plan, found.person, adapters).join('\n'))
      const closed = closedFor(found.plan, site.policy, found.person)
      if (closed) refuse(closed, done)
    })

  program
    .command('read <sentence>')
    .description('ask a device something, with the settings, guards and redaction of the bot; changes go through runs only')
    .option('--as <person>', 'who asks; whoever of the site file may, by default')
    .action(async (sentence: string, options: { as?: string }) => {
      const adapters = await loadAdapters()
      const { site, close } = await siteFor(settings(), adapters)
      const devices = openDevices(site, adapters)
      try {
        const heard = languageOf(site, adapters).parse(sentence)
        if ('refusal' in heard) return refuse(heard.refusal, done)
        const planned = heard.command.kind === 'act' ? planner(adapters, RUNBOOKS, site.runbooks)(heard.command) : undefined
        if (planned && 'refusal' in planned) return refuse(planned.refusal, done)
        if (!planned || !('read' in planned))
          throw new BadUse(
            `\`${sentence}\` is no question to a device. Changes go through runs: say it in the chat, or see it with \`signalbox plan\`.`,
          )
        const refusals = askers(site, options.as).map(person => permit(site.policy, person, [planned.read]))
        const forbidden = refusals.every(refusal => refusal !== undefined) ? (refusals[0] ?? { no: 'empty' }) : undefined
        if (forbidden) return refuse(forbidden, done)
        const card = await read(planned.read, { ...devices, clock: systemClock })
        console.log(render(card, { colours: false, width: 100 }).join('\n'))
        if (card.tone === 'bad') done(3)
      } finally {
        await devices.close()
        await close()
      }
    })

  program
    .command('understand [kind] [reading] [file]')
    .description("what Signalbox makes of a device's output: one JSON value, or an error with the raw text and status 3")
    .option('--list', 'every reading of every adapter')
    .action(async (kind: string | undefined, reading: string | undefined, file: string | undefined, options: { list?: true }) => {
      const adapters = await loadAdapters()
      const all = [...adapters.values()].flatMap(adapter =>
        Object.entries(adapter.readings).map(([name, { summary }]) => ({ kind: adapter.name, reading: name, summary })),
      )
      if (options.list) return json(all)
      const found = kind === undefined || reading === undefined ? undefined : adapters.get(kind)?.readings[reading]
      if (!found || file === undefined)
        throw new BadUse(
          `Say which: signalbox understand <kind> <reading> <file or ->. There are ${all.map(it => `${it.kind} ${it.reading}`).join(', ')}.`,
        )
      const text = textOf(file)
      const redact = redactor([])
      try {
        json(redactedValue(found.read(text), redact))
      } catch (error) {
        if (!(error instanceof Error)) throw error
        json({
          error: redact(error.message),
          kind: error.name,
          raw: redact(error instanceof Misread && error.raw !== '' ? error.raw : text),
        })
        done(3)
      }
    })

  program
    .command('check-site <file>')
    .description('whether a site file can be used, with the line of everything that is wrong')
    .action(async (file: string) => {
      const site = readSite(file, await loadAdapters(), settings().variables)
      console.log(
        `${file} is fine: ${site.targets.size} targets, ${site.policy.people.size} people, ${site.policy.rules.length} rules.`,
      )
      for (const note of site.notes) console.log(note)
    })
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new BadUse(`The file ${file} cannot be read: ${(cause as Error).message}. A - stands for what is piped in.`)
  }
}

/** On whose behalf a command is: the one named, else everybody of the site file, of whom one has to be allowed. */
function askers(site: Site, as: string | undefined): readonly Person[] {
  const people = [...site.policy.people.keys()]
  if (as === undefined) return people
  if (!people.includes(as as Person)) throw new BadUse(`The site file knows no ${as}. It knows ${people.join(', ')}.`)
  return [as as Person]
}

function refuse(refusal: Refusal, done: (status: number) => void): void {
  json({ refusal, says: explain(refusal) })
  done(2)
}

/** The plan as people read it: steps, gates, device commands, undos, the point of no return, the digest. */
function planLines(plan: Plan, by: Person, adapters: ReadonlyMap<string, Adapter>): readonly string[] {
  const lines = plan.stages.flatMap((stage, n) =>
    stage.flatMap(step => {
      const head = `${String(n + 1).padStart(2)}. ${step.id}: ${step.says}`
      switch (step.kind) {
        case 'gate':
          return [
            `${head}`,
            `      ${step.for}, by ${step.rule.quorum} with the role ${step.rule.role}${step.rule.ownRequest ? '' : ', not the one who asked'}`,
            ...step.facts.map(fact => `      shows: ${fact.label}`),
          ]
        case 'act':
          return [
            ...(step.final ? [`    ${'='.repeat(28)} point of no return ${'='.repeat(28)}`] : []),
            step.action.risk === 'none' ? head : `${head}  (${step.action.risk})`,
            ...commandsOf(step.action, adapters).map(line => `      sends: ${line}`),
            ...undoActions(step).flatMap(undo => commandsOf(undo, adapters).map(line => `      undo:  ${line}`)),
          ]
        case 'watch':
          return [head, ...commandsOf(step.read, adapters).map(line => `      looks: ${line}`)]
        case 'wait':
          return [head]
      }
    }),
  )
  const targets = [...new Set(actionsOf(plan).map(action => action.target))].join(', ')
  return [
    `${plan.title}, asked by ${by}`,
    `targets: ${targets}; ${stepsOf(plan).length} steps`,
    ...lines,
    `digest: ${digestOf(plan)}`,
  ]
}

function commandsOf(action: Action, adapters: ReadonlyMap<string, Adapter>): readonly string[] {
  const [kind = '', verb = ''] = action.capability.split('.')
  return adapters.get(kind)?.capabilities[verb]?.sends(shown(action.params)) ?? []
}
