import { randomUUID } from 'node:crypto'
import { harmless } from '../chat/console/render.ts'
import type { Handle, RunId, StepId } from '../domain/ids.ts'
import type { House } from '../house.ts'

/**
 * A story read line by line: `operator: sentence`, `lead 123456: sentence` with a code of a second factor, `# comment`, `...`, which waits until nothing is moving, and `... R1 copy`,
 * which waits until then or until R1 has come to that step. Resolves with true when every run that
 * it began, or found going on, has succeeded.
 */
export async function play(
  lines: AsyncIterable<string>,
  house: House,
  people: readonly string[],
  print: (line: string) => void,
  say: Say = onConsole(house),
): Promise<boolean> {
  const before = new Set((await house.runs()).filter(run => run.outcome).map(run => run.id))
  let understood = true
  for await (const raw of lines) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) {
      if (line !== '') print(line)
      continue
    }
    const [, run, step] = /^\.\.\.(?:\s+(R\d+)\s+([a-z0-9-]+))?$/.exec(line) ?? [undefined, undefined, undefined]
    if (line.startsWith('...') && (line === '...' || step !== undefined)) {
      await house.quiet(step === undefined ? undefined : { run: run as RunId, step: step as StepId })
      continue
    }
    const [, who, code, sentence] = /^([A-Za-z0-9_.-]+)(?:\s+(\d{6}))?:\s*(.*)$/s.exec(line) ?? []
    if (who === undefined || sentence === undefined || !people.includes(who)) {
      print(
        `! "${harmless(line.slice(0, 60))}" does not say who speaks. Write it as "${people[0]}: ..."; here are ${people.join(', ')}.`,
      )
      understood = false
      continue
    }
    print(harmless(`${who}${code === undefined ? '' : ', with a code'}> ${sentence.slice(0, 200)}`))
    await say(who, sentence, code)
  }
  await house.quiet()
  const runs = (await house.runs()).filter(run => !before.has(run.id))
  const short = runs.filter(run => run.outcome !== 'succeeded')
  print(
    runs.length === 0
      ? '# No run was begun or went on.'
      : short.length === 0
        ? `# ${runs.map(run => run.id).join(', ')} succeeded.`
        : `# Not succeeded: ${short.map(run => `${run.id} (${run.outcome ?? 'stands still'})`).join(', ')}.`,
  )
  return understood && short.length === 0
}

/** Somebody says something, with a code of their second factor or without one. */
export type Say = (who: string, sentence: string, code?: string) => Promise<void>

/** At the terminal, where everybody is who they say they are. */
const onConsole =
  (house: House): Say =>
  (who, sentence, code) =>
    house.say({
      id: randomUUID(),
      text: sentence,
      by: `console:${who}` as Handle,
      at: { chat: 'console', channel: 'transcript' },
      ...(code === undefined ? {} : { code }),
    })
