import { ballots, people } from '../domain/ballot.ts'
import type { Card, Said } from '../domain/chat.ts'
import type { Command, Why } from '../domain/command.ts'
import { draw } from '../domain/draw.ts'
import { estimateLines } from '../domain/estimate.ts'
import { homeCard } from '../domain/home.ts'
import type { IntentId, Person, RunId } from '../domain/ids.ts'
import type { Action } from '../domain/plan.ts'
import { maySee, type Policy, permit, voters } from '../domain/policy.ts'
import { list } from '../domain/refusal.ts'
import type { Run } from '../domain/run.ts'
import { chartOf } from '../domain/run-chart.ts'
import { windowLines } from '../domain/windows.ts'
import { duration } from '../domain/words.ts'
import type { Capability } from '../kit/device.ts'
import { callFor, messageOf } from './call.ts'
import type { Ears, Planned } from './ears.ts'
import type { Engine } from './engine.ts'
import { subscriptions } from './followers.ts'
import { policyTest, whoCouldApprove } from './policy-test.ts'
import { listing, no, unknownRun } from './replies.ts'
import { showSchedules } from './show-schedules.ts'

export type Question =
  | Extract<
      Command,
      {
        kind:
          | 'show run'
          | 'show runs'
          | 'show targets'
          | 'show chats'
          | 'show subscriptions'
          | 'show windows'
          | 'show schedules'
          | 'show reviews'
          | 'show policy change'
          | 'policy test'
          | 'who could approve'
          | 'who may approve'
          | 'what can I do'
          | 'estimate'
          | 'report'
          | 'help'
          | 'home'
          | 'chart'
      }
    >
  | { readonly kind: 'read'; readonly action: Action }

/** Questions need no run: they are answered at once, and only to the one who asked. */
export async function answerTo(question: Question, said: Said, by: Person, ears: Ears): Promise<Card> {
  const policy = await ears.policy()
  const seen = (runs: readonly Run[]) => runs.filter(run => maySee(policy, by, run))
  const loaded = async (id: RunId): Promise<Run | undefined> => seen([(await ears.store.load(id)) ?? []].flat())[0]
  switch (question.kind) {
    case 'read': {
      const refusal = permit(policy, by, [question.action])
      return refusal ? no(refusal) : read(question.action, ears)
    }
    case 'show run': {
      const run = await loaded(question.run)
      return run ? shownTo(said, run, ears) : unknownRun(question.run, ears.store)
    }
    case 'chart': {
      const run = await loaded(question.run)
      if (!run) return unknownRun(question.run, ears.store)
      const chart = chartOf(run)
      return chart
        ? { title: chart.title, tone: 'calm', lines: [], buttons: [], chart }
        : no({ no: 'not now', run: run.id, why: 'nothing of it has been measured yet', instead: [`show ${run.id}`] })
    }
    case 'home': {
      const [live, latest] = [await ears.store.list('live', 1000), await ears.store.list('all', 50)]
      const reviews = await ears.store.list('reviews', 100)
      const ended = [...latest.filter(run => run.outcome), ...reviews.filter(run => !latest.some(one => one.id === run.id))]
      return homeCard(seen([...live, ...ended]), by, policy, await ears.store.now())
    }
    case 'show chats':
      return listing(
        'Chats',
        [...ears.chats.values()].map(chat => `${chat.name}: ${chat.health().ok ? '' : 'NOT WELL: '}${chat.health().says}`),
      )
    case 'show subscriptions':
      return subscriptions(ears)
    case 'show runs': {
      const runs = seen(await ears.store.list(question.which, 200)).slice(0, 50)
      const now = await ears.store.now()
      const none = question.which === 'live' ? 'Nothing is running.' : 'There has been no run yet.'
      return listing(
        runs.length === 0 ? none : question.which === 'live' ? 'Running now' : 'All runs, newest first',
        runs.map(run => runLine(run, now)),
      )
    }
    case 'show targets':
      return listing('Targets', ears.targets())
    case 'who may approve': {
      const run = await loaded(question.run)
      return run ? listing(`Who could approve ${run.id}`, approvers(run, policy)) : unknownRun(question.run, ears.store)
    }
    case 'what can I do':
      return listing(
        question.target === undefined ? 'What you can do' : `What you can do on ${question.target}`,
        ears.canDo(question.target, by, policy),
      )
    case 'show windows':
      return listing('When things may be changed', windowLines(policy, ears.targetNames(), await ears.store.now()))
    case 'show schedules':
      return showSchedules(seen, ears)
    case 'show reviews': {
      const open = seen(await ears.store.list('reviews', 50))
      return listing(
        open.length === 0 ? 'No review is open.' : 'Open reviews',
        open.map(run => `${run.id}  ${run.plan.title}  glass broken by ${run.glass?.by}: ${run.glass?.because}`),
      )
    }
    case 'show policy change': {
      const change = await ears.policyChange()
      return change
        ? listing('The site file says otherwise than the policy that holds', [
            ...change.lines,
            'Say `accept policy` to let it hold.',
          ])
        : listing('The policy that holds is the one of the site file.', [])
    }
    case 'policy test': {
      const tested = (question.by as Person | undefined) ?? by
      if (!policy.people.has(tested))
        return no({
          no: 'bad value',
          what: 'The person',
          why: `the site file knows no ${tested}; it knows ${list([...policy.people.keys()], 'and')}`,
        })
      const planned = plannedOf(question.sentence, ears)
      return 'refusal' in planned
        ? no(planned.refusal)
        : listing(
            `"${question.sentence}" said by ${tested}`,
            policyTest(planned, tested, policy, await ears.store.now(), planned.because),
          )
    }
    case 'who could approve': {
      const planned = plannedOf(question.sentence, ears)
      return 'refusal' in planned
        ? no(planned.refusal)
        : listing(`Who could approve "${question.sentence}"`, whoCouldApprove(planned, policy, await ears.store.now()))
    }
    case 'report': {
      const run = await loaded(question.run)
      return run ? ears.record(run) : unknownRun(question.run, ears.store)
    }
    case 'estimate':
      return listing('Estimate', estimateLines(question))
    case 'help':
      return listing(question.topic === undefined ? 'What can be said' : `Help: ${question.topic}`, ears.help(question.topic))
  }
}

/** What a sentence in a sentence would come to. */
function plannedOf(sentence: string, ears: Ears): Planned & { readonly because?: string } {
  const heard = ears.parse(sentence)
  if ('refusal' in heard) return heard
  const { command } = heard
  // Of a schedule: what it asks for each time.
  if (command.kind === 'schedule') return { ...ears.plan(command.command), ...becauseOf(command.command) }
  if (command.kind === 'act' || command.kind === 'run') return { ...ears.plan(command), ...becauseOf(command) }
  return {
    refusal: {
      no: 'not planned',
      why: `\`${sentence}\` changes nothing and asks no device`,
      instead: 'Test a sentence that does.',
    },
  }
}

const becauseOf = ({ because }: Why): { readonly because?: string } => (because === undefined ? {} : { because })

/** A run as its card shows it. Only the card itself has buttons: they are of no use where nobody else sees them pressed. */
async function shownTo(said: Said, run: Run, ears: Ears): Promise<Card> {
  const card = draw(run, await ears.store.now())
  const post = [...(await ears.store.posts(run.id))].find(
    ([key, { post }]) => key.startsWith('card') && post?.chat === said.at.chat,
  )?.[1].post
  return {
    ...card,
    buttons: ears.chats.get(said.at.chat)?.perMinute === undefined ? card.buttons : [],
    ...(post ? { where: post } : {}),
  }
}

const runLine = (run: Run, now: number): string => {
  const waits = ballots(run).map(({ step }) => step.id)
  const how = run.outcome ?? (waits.length > 0 ? `waits for ${waits.join(' and ')}` : run.paused ? 'paused' : 'going')
  return `${run.id}  ${run.plan.title}  ${how}  by ${run.by}, ${duration((run.endedAt ?? now) - run.startedAt)}`
}

function approvers(run: Run, policy: Policy): readonly string[] {
  const open = ballots(run)
  if (open.length === 0) return [`Nothing of ${run.id} waits for a vote now.`]
  return open.flatMap(({ step, ballot, asker }) => {
    const { could, not } = voters(
      policy,
      ballot.rule,
      asker ? [run.by, asker] : [run.by],
      ballot.votes.map(vote => vote.by),
    )
    return [
      `${step.id}: needs ${people(ballot.rule)}, has ${ballot.votes.length}.`,
      `  could: ${could.join(', ') || 'nobody'}${not.length > 0 ? `; could not: ${not.join(', ')}` : ''}`,
    ]
  })
}

const READ_TIMEOUT = 30_000

/** Performs one read. Used by the chat and by the command line alike. */
export async function read(action: Action, engine: Pick<Engine, 'find' | 'clock' | 'redact'>): Promise<Card> {
  const { device, capability } = engine.find(action)
  try {
    const call = callFor(
      'read' as IntentId,
      action,
      READ_TIMEOUT,
      engine.clock.now(),
      { signal: new AbortController().signal },
      engine,
    )
    const result = engine.redact(await capability.perform(device, call))
    return listing(capability.says(action.target, action.params), linesOf(capability, result))
  } catch (error) {
    return no({ no: 'no answer', target: action.target, why: engine.redact(messageOf(error)) })
  }
}

const linesOf = (capability: Capability, result: unknown): readonly string[] => capability.shows?.(result) ?? fields(result)

/** Fields of an answer as text; what the device did not say is not listed. */
function fields(result: unknown, indent = ''): readonly string[] {
  if (Array.isArray(result))
    return result.flatMap(item =>
      typeof item === 'object' ? [`${indent}-`, ...fields(item, `${indent}  `)] : [`${indent}- ${String(item)}`],
    )
  if (typeof result !== 'object' || result === null) return [`${indent}${String(result)}`]
  return Object.entries(result).flatMap(([name, value]) =>
    value === undefined || value === null
      ? []
      : typeof value === 'object'
        ? [`${indent}${name}:`, ...fields(value, `${indent}  `)]
        : [`${indent}${name}: ${String(value)}`],
  )
}
