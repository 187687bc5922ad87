import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { type DdReport, ddReport } from './dd.ts'

/** What a copy was asked to do, as it stands in its folder on the host. */
export interface Request {
  readonly by: string // the intent that started it
  readonly source: string // marks: serial:vol0123
  readonly sourcePath: string
  readonly target: string
  readonly targetPath: string
  readonly sourceBytes: Bytes
  readonly targetBytes: Bytes
  readonly sector: Bytes
  readonly needs: Bytes // how much of the source has to be on the target
}

/** One process that was started and left alone: how far it is, and how it ended. */
export interface Work {
  readonly running: boolean // by the lock that the kernel holds for it
  readonly stopped: boolean // somebody asked it to end
  readonly exit?: Readonly<Record<string, number>> // dd, sync; dd, cmp, flush. Nothing where it did not come to its end
  readonly dd: DdReport
  readonly compared?: string // what cmp said
}

export type Files =
  | { readonly copy: string; readonly there: false }
  | {
      readonly copy: string
      readonly there: true
      readonly request: Request
      readonly work: Work
      readonly verify?: { readonly by: string; readonly bytes: Bytes; readonly work: Work }
    }

/** What the `signalbox-look` script says of one copy. Throws Misread for anything that it does not print itself. */
export function readFiles(text: string): Files {
  const misread = (why: string): Misread => new Misread(`copy: ${why}`, text)
  const lines = answerLines(text).filter(line => line !== '')
  const pairs = lines.map(line => {
    const pair = /^([A-Za-z]{1,16})=(.{0,400})$/.exec(line)
    if (!pair) throw misread('a line is not understood')
    return [pair[1]!, pair[2]!] as const
  })
  const [end, head] = [pairs.pop(), pairs.shift()]
  if (end?.[0] !== 'end' || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(end[1])) throw misread('it has no end')
  if (head?.[0] !== 'copy' || !['absent', 'present'].includes(head[1])) throw misread('it has no beginning')
  if (head[1] === 'absent') {
    if (pairs.length > 0) throw misread('there is something of a copy that is not there')
    return { copy: end[1], there: false }
  }
  const at = pairs.findIndex(([name, value]) => name === 'last' && value === 'copy')
  if (at < 0) throw misread('the copy has no end')
  const copy = part(pairs.slice(0, at), misread)
  const rest = pairs.slice(at + 1)
  const verify = rest.length === 0 ? undefined : part(closed(rest, misread), misread)
  const { text: word, bytes } = copy
  return {
    copy: end[1],
    there: true,
    request: {
      by: word('by'),
      source: word('source'),
      sourcePath: word('sourcePath'),
      target: word('target'),
      targetPath: word('targetPath'),
      sourceBytes: bytes('sourceBytes'),
      targetBytes: bytes('targetBytes'),
      sector: bytes('sector'),
      needs: bytes('needs'),
    },
    work: copy.work(['by', 'source', 'sourcePath', 'target', 'targetPath', 'sourceBytes', 'targetBytes', 'sector', 'needs']),
    ...(verify === undefined
      ? {}
      : { verify: { by: verify.text('by'), bytes: verify.bytes('bytes'), work: verify.work(['by', 'bytes']) } }),
  }
}

type Pairs = readonly (readonly [string, string])[]

function closed(pairs: Pairs, misread: (why: string) => Misread): Pairs {
  const last = pairs.at(-1)
  if (last?.[0] !== 'last' || last[1] !== 'verify') throw misread('the verification has no end')
  return pairs.slice(0, -1)
}

/** The lines of one process: the request, its state and the end of dd's log, each but the log once. */
function part(pairs: Pairs, misread: (why: string) => Misread) {
  const log = pairs.filter(([name]) => name === 'log').map(([, value]) => value)
  const once = pairs.filter(([name]) => name !== 'log')
  const said = new Map(once)
  if (said.size !== once.length) throw misread('it says something twice')
  const text = (name: string): string => {
    const found = said.get(name)
    if (found === undefined || found === '') throw misread(`it does not say its ${name}`)
    return found
  }
  const bytes = (name: string): Bytes => {
    if (!/^\d{1,15}$/.test(text(name))) throw misread(`its ${name} is no number`)
    return Number(text(name))
  }
  const work = (known: readonly string[]): Work => {
    const foreign = [...said.keys()].find(name => ![...known, 'running', 'exit', 'stopped', 'compared'].includes(name))
    if (foreign !== undefined) throw misread(`${foreign} is not known`)
    if (!/^(?:yes|no)$/.test(text('running'))) throw misread('whether it runs is not understood')
    const exit = said.get('exit')
    if (exit !== undefined && !/^[a-z]{1,8}=\d{1,3}(?: [a-z]{1,8}=\d{1,3}){0,3}$/.test(exit))
      throw misread('how it ended is not understood')
    if (said.has('stopped') && said.get('stopped') !== 'yes') throw misread('whether it was stopped is not understood')
    const compared = said.get('compared')
    return {
      running: said.get('running') === 'yes' && exit === undefined, // the last thing it does, after that file, is to end
      stopped: said.has('stopped'),
      ...(exit === undefined
        ? {}
        : { exit: Object.fromEntries(exit.split(' ').map(one => [one.split('=')[0]!, Number(one.split('=')[1])])) }),
      dd: ddReport(log),
      ...(compared === undefined ? {} : { compared }),
    }
  }
  return { text, bytes, work }
}
