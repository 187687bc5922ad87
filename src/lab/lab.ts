import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { liveConsole } from '../chat/console/live.ts'
import { plainConsole } from '../chat/console/plain.ts'
import type { Run } from '../domain/run.ts'
import type { House } from '../house.ts'
import type { Adapter } from '../kit/device.ts'
import type { Chat } from '../ports/chat.ts'
import type { Environment } from '../site/environment.ts'
import { labFolder } from '../site/environment.ts'
import type { Site } from '../site/site.ts'
import { parseSite } from '../site/site.ts'
import { languageOf } from '../spoken.ts'
import { forget } from '../store/attach.ts'
import { type LabDisk, startApplication, startLab } from './devices.ts'
import { labSite, PEOPLE } from './site.ts'
import { DEMO } from './stories.ts'
import { play } from './transcript.ts'

export interface LabOptions {
  readonly environment: Environment
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly demo: boolean
  readonly fresh: boolean
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  /** Opens database, queue and house for a site and its chats; the caller knows how. */
  open(site: Site, chats: readonly Chat[], folder: string): Promise<House>
  /** Resolves when the process is asked to end. */
  readonly asked: AbortSignal
}

/** The lab: simulated devices over their real protocols on the loopback, and several people at one terminal. Resolves with the exit status. */
export async function lab({ environment, adapters, demo, fresh, input, output, open, asked }: LabOptions): Promise<number> {
  // The demo is a lab of its own, made anew, so that it always tells the same story.
  const folder = demo ? join(environment.folder, 'demo') : labFolder(environment)
  if (demo || fresh) forget(folder)
  const simulators = await startLab(adapters, folder)
  try {
    const file = join(folder, 'site.yaml')
    const written = labSite(simulators.targets)
    writeFileSync(file, written, { mode: 0o600 })
    const site = parseSite(written, file, adapters, environment.variables)
    const print = (line: string): void => void output.write(`${line}\n`)
    const application = await startApplication(simulators.disk)
    /** Whoever moves disks wants to know what was noticed of it. */
    const told = async (): Promise<boolean> => {
      const { says, well } = await application.end()
      print(says)
      return well
    }
    const interactive = input.isTTY && output.isTTY && !demo
    if (!interactive) return await transcript(site, demo ? DEMO : undefined)
    const left = new AbortController()
    let live: readonly Run[] = []
    const { complete } = languageOf(site, adapters, () => live)
    const chat = liveConsole({
      input,
      output,
      colours: !environment.plain,
      speakers: PEOPLE,
      complete,
      leave: () => left.abort(),
    })
    for (const line of greeting(site, simulators.disk)) print(line)
    const house = await open(site, [chat], folder)
    const look = setInterval(
      () =>
        void house.runs().then(
          runs => (live = runs.filter(run => !run.outcome)),
          () => {},
        ),
      1_000,
    )
    await house.start()
    await ended(AbortSignal.any([left.signal, asked]))
    clearInterval(look)
    await house.stop()
    await told()
    print('The lab is closed. Runs that are not over go on with the next `npm start`.')
    return 0

    async function transcript(site: Site, story: string | undefined): Promise<number> {
      const house = await open(site, [plainConsole(print)], folder)
      try {
        await house.start()
        const lines = story === undefined ? fromInput(input) : fromText(story)
        const played = play(lines, house, PEOPLE, print).then(well => (well ? 0 : 1))
        const status = await Promise.race([played, ended(asked).then(() => 130)])
        return (await told()) ? status : Math.max(status, 1)
      } finally {
        await house.stop()
        // A pipe that nobody closes would keep the process alive.
        if (story === undefined) input.destroy()
      }
    }
  } finally {
    await simulators.stop()
  }
}

/** Opened when the first line is asked for: what comes in before somebody listens is lost, and so is the end. */
async function* fromInput(input: NodeJS.ReadStream): AsyncIterable<string> {
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
}

async function* fromText(text: string): AsyncIterable<string> {
  for (const line of text.split('\n')) yield line
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

/** What a newcomer sees first: what there is, who one may be, and a few sentences worth trying. */
function greeting(site: Site, disk: LabDisk): readonly string[] {
  const targets = [...site.targets].map(([name, { kind }]) => `${name} (${kind})`).join(', ')
  return [
    `Signalbox lab. Everything here stays on this machine: ${targets}.`,
    disk.real
      ? `${disk.target} is a real qemu-storage-daemon with a real disk that an application writes to; all else is simulated.`
      : `All of it is simulated: where qemu-storage-daemon is installed, ${disk.target} is a real one.`,
    `You are the operator. Say \`as lead\` to be somebody else, or begin with the name: \`lead: approve R1\`. Here are ${PEOPLE.join(', ')}.`,
    'erp01 wants the yes of two groups, vault01 a second factor, office01 has a change window.',
    'Worth trying:',
    `  migrate ${disk.node} to ${disk.spare} on ${disk.target}`,
    '  migrate harddisk5 to harddisk8 on sql01',
    '  show paths on sql01',
    '  estimate 4TB over 50Mb/s',
    '  policy test "migrate harddisk5 to harddisk8 on erp01"',
    'A number presses a button of a card, Tab completes, `help` tells more, Ctrl-C leaves.',
    '',
  ]
}
