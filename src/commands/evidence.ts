import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Sign } from '../audit/macs.ts'
import { exported, type Verified, verify } from '../audit/verify.ts'
import { type Anchored, anchorsIn, moored } from '../domain/anchor.ts'
import { HOUSE } from '../domain/chain.ts'
import type { RunId } from '../domain/ids.ts'
import { type ChangeRecord, jsonOf } from '../domain/record.ts'
import { markdownOf } from '../domain/record-markdown.ts'
import { anchor } from '../engine/anchors.ts'
import { recordOf } from '../recording.ts'
import { loadAdapters } from '../registry.ts'
import { KEY_FILE, KEY_VARIABLE, sealKey } from '../seal/key-file.ts'
import { openSeal } from '../seal/seal.ts'
import { dataFolder, type Environment } from '../site/environment.ts'
import { readSite, type Site } from '../site/site.ts'
import { anchorFile, anchorsOfFolder } from './anchor-file.ts'
import { BadUse } from './bad-use.ts'
import { openDatabase } from './database.ts'
import { siteFor } from './sites.ts'

/**
 * What the MACs of the log were made with, found where the bot finds it. Whoever only looks makes no new key: with that, every entry
 * would look forged.
 */
async function signOf(environment: Environment, known?: Site): Promise<Sign | undefined> {
  const { siteFile, variables } = environment
  const site = known ?? (siteFile === undefined ? undefined : readSite(siteFile, await loadAdapters(), variables))
  const [folder, given] = [dataFolder(environment), site?.seal ?? variables[KEY_VARIABLE]]
  if (given === undefined && !existsSync(join(folder, KEY_FILE))) return undefined
  return openSeal(sealKey(folder, given)).sign
}

/** Commands about what is kept, and whether it is what was written. */
export function evidenceCommands(program: Command, settings: () => Environment, done: (status: number) => void): void {
  const audit = program.command('audit').description('the log of everything, as it was written')
  audit
    .command('verify')
    .description('recompute the hash chain, its MACs and anchors; names the first bad entry and ends with status 1')
    .option(
      '--anchors <file>',
      'anchors that were kept outside the database; those in the folder of the bot where nothing is said',
    )
    .action(async ({ anchors: path }: { anchors?: string }) => {
      const environment = settings()
      const outside = path === undefined ? await ownAnchors(environment) : await anchorsOf(path)
      const wrong = moored(outside).bad
      if (wrong) {
        console.log(`The file of anchors is not whole: the anchor of ${outside[wrong.index]?.day}: ${wrong.why}.`)
        return done(1)
      }
      const sign = await signOf(environment)
      // Opened without the key: whoever verifies a log must not seal what lies there.
      const { store, close } = await openDatabase(environment, dataFolder(environment), 'look')
      const verified = await verify(store, sign, outside)
      await close()
      console.log(verdictLines(verified, outside).join('\n'))
      if (!verified.ok) done(1)
    })
  audit
    .command('export [run]')
    .description('one line of JSON for each entry')
    .action(async (run: string | undefined) => {
      const environment = settings()
      const { store, close } = await openDatabase(environment, dataFolder(environment), 'look')
      for await (const line of exported(store.entries(run === undefined ? undefined : runNamed(run)))) console.log(line)
      await close()
    })
  audit
    .command('anchor')
    .description('anchor the log now, unless it was anchored today; the bot does so each day by itself')
    .action(async () => {
      const environment = settings()
      const folder = dataFolder(environment)
      const sign = await signOf(environment)
      const opening = { migrate: false, ...(sign ? { sign } : {}) }
      const { store, close } = await openDatabase(environment, folder, 'look', undefined, opening)
      const complaints: string[] = []
      const complain = (what: string, error: unknown): void => {
        complaints.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
      }
      const latest = await anchor({ store, chats: new Map(), file: anchorFile(anchorsOfFolder(folder)), complain })
      await close()
      for (const line of complaints) console.log(line)
      console.log(latest ? anchorWords(latest) : 'Another process is anchoring the log at this moment. Say it again.')
      if (complaints.length > 0 || !latest) done(1)
    })

  program
    .command('report <run>')
    .description('the change record of a run: what was asked, approved, sent and found, as Markdown')
    .option('--json', 'as JSON')
    .option('--out <folder>', 'write both as files: R7.md and R7.json')
    .action(async (run: string, { json, out }: { json?: true; out?: string }) => {
      const whole = await recordNamed(runNamed(run), settings())
      if (out === undefined) {
        process.stdout.write(json ? jsonOf(whole) : markdownOf(whole))
        return
      }
      mkdirSync(out, { recursive: true })
      const files = [join(out, `${whole.run}.md`), join(out, `${whole.run}.json`)] as const
      writeFileSync(files[0], markdownOf(whole))
      writeFileSync(files[1], jsonOf(whole))
      console.log(`Written: ${files.join(', ')}`)
    })
}

async function recordNamed(id: RunId, environment: Environment): Promise<ChangeRecord> {
  const adapters = await loadAdapters()
  const { site, close: closeSite } = await siteFor(environment, adapters)
  await closeSite()
  const { store, close } = await openDatabase(environment, dataFolder(environment), 'look')
  try {
    const run = await store.load(id)
    if (!run) throw new BadUse(`There is no run ${id}. \`signalbox runs --all\` lists them.`)
    const sign = await signOf(environment, site)
    return await recordOf(run, { store, site, adapters, ...(sign ? { sign } : {}) })
  } finally {
    await close()
  }
}

const runNamed = (text: string): RunId => (text.toLowerCase() === HOUSE ? HOUSE : (text.toUpperCase() as RunId))

const ownAnchors = async (environment: Environment): Promise<readonly Anchored[]> =>
  anchorsIn(await anchorFile(anchorsOfFolder(dataFolder(environment))).lines())

async function anchorsOf(path: string): Promise<readonly Anchored[]> {
  const anchors = anchorsIn(await anchorFile(path).lines())
  if (anchors.length === 0)
    throw new BadUse(`${path} has no anchors in it. The bot keeps its own in anchors.jsonl in its folder.`)
  return anchors
}

function verdictLines(verified: Verified, outside: readonly Anchored[]): readonly string[] {
  if (!verified.ok) {
    const { run, seq, why } = verified
    return [`The log was tampered with. First bad entry: ${run === HOUSE ? 'the ledger' : run}, entry ${seq}: ${why}.`]
  }
  const { entries, runs, macs, anchor: latest } = verified
  const last = outside.at(-1)
  return [
    `The log is whole: ${entries} entries of ${count(runs)}.`,
    macs === undefined
      ? 'MACs: not checked, for there is no key here. The key is seal.key in the folder of the bot, or SIGNALBOX_SEAL_KEY.'
      : `MACs: ${macs} entries have one, and each is right.`,
    latest ? `Anchors: all hold. ${anchorWords(latest)}` : 'Anchors: there is none yet.',
    ...(last ? [`The file of anchors fits, up to ${last.day}.`] : []),
  ]
}

const anchorWords = ({ day, runs, entries, digest }: Anchored): string =>
  `The latest is of ${day}: ${count(runs)}, ${entries} entries, digest ${digest}.`

const count = (runs: number): string => `${runs} ${runs === 1 ? 'run' : 'runs'}`
