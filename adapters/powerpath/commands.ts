import { fixed, type Word, word } from '../../src/kit/quote.ts'

/** Two spellings of powermig are in use (devices/powerpath.md section 1): the seed's long options and a production script's short ones. */
export type Spelling = 'modern' | 'script'

export interface Dialing {
  readonly powermt: string // the program, or where it is
  readonly powermig: string
  readonly spelling: Spelling
  readonly noPrompt: '-no' | '-noprompt' | 'none'
}

/** What is sent where the site file says nothing else; also what the preview of a plan shows. */
export const USUAL: Dialing = { powermt: 'powermt', powermig: 'powermig', spelling: 'modern', noPrompt: '-no' }

type Words = readonly Word[]

export const powermt = (dialing: Dialing) => {
  const say = (...words: readonly Word[]): Words => [word.path(dialing.powermt), ...words]
  return {
    summary: (): Words => say(...fixed('display')),
    all: (): Words => say(...fixed('display', 'dev=all')),
    device: (name: string): Words => say(...fixed('display'), device(name)),
    version: (): Words => say(...fixed('version')),
  }
}

/** Verbs that name one session and nothing else. */
export type Verb = 'sync' | 'pause' | 'resume' | 'selectTarget' | 'selectSource' | 'commit' | 'abort' | 'cleanup'

export const powermig = (dialing: Dialing) => {
  const short = dialing.spelling === 'script'
  const say = (...words: readonly Word[]): Words => [word.path(dialing.powermig), ...words]
  const handle = (session: number | string): Words => [...fixed(short ? '-hd' : '-handle'), numeral(session)]
  // Without it the command waits for a yes on its input, which nobody types.
  const silently = dialing.noPrompt === 'none' ? [] : fixed(dialing.noPrompt)
  return {
    list: (): Words => say(...fixed('info', '-all', '-query')),
    session: (session: number | string): Words =>
      short ? say(...fixed('info'), ...handle(session), ...fixed('-query')) : say(...fixed('query'), ...handle(session)),
    setup: (source: string, target: string): Words =>
      short
        ? say(...fixed('setup', '-tt', 'hostcopy', '-src'), disk(source), ...fixed('-tgt'), disk(target), ...silently)
        : say(
            ...fixed('setup', '-src'),
            disk(source),
            ...fixed('-tgt'),
            disk(target),
            ...fixed('-techType', 'hostcopy'),
            ...silently,
          ),
    throttle: (session: number | string, level: number | string): Words =>
      say(...fixed('throttle', short ? '-tv' : '-throttleValue'), numeral(level), ...handle(session), ...silently),
    verb: (verb: Verb, session: number | string): Words => say(...fixed(verb), ...handle(session), ...silently),
  }
}

/** Sizes and signs of life of a disk, where the platform has a command for them. */
export const probes = {
  linux: {
    size: (disk: string): Words => [...fixed('blockdev', '--getsize64'), word.path(`/dev/${disk}`)],
    // Exit status 2 and no output: no signature of any kind was found (blkid(8)).
    signature: (disk: string): Words => [...fixed('blkid', '-p', '-o', 'export'), word.path(`/dev/${disk}`)],
  },
  windows: {
    size: (disk: string): Words => [
      ...fixed('wmic', 'diskdrive', 'where'),
      word.number(disk.replace(/\D/g, ''), 'Index='),
      ...fixed('get', 'Partitions,Size', '/value'),
    ],
  },
  aix: { size: (disk: string): Words => [...fixed('getconf', 'DISK_SIZE'), word.path(`/dev/${disk}`)] },
  hpux: { size: (disk: string): Words => [...fixed('diskinfo', '-b'), word.path(`/dev/rdsk/${disk}`)] },
}

const disk = (name: string): Word => word.name(name)
const device = (name: string): Word => word.name(name, 'dev=')
/** A reference that is not resolved yet is text in a preview; `lineOf` refuses it as a number, so that it is never sent. */
const numeral = (value: number | string): Word => word.number(value)
