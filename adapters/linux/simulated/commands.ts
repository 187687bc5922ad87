import type { Answer, Handling } from '../../../src/kit/simulate.ts'
import { COLUMNS } from '../lsblk.ts'
import * as scripts from '../scripts.ts'
import { SECTOR, type SimulatedDisk } from './disks.ts'
import type { Machine, Process, SimulatedCopy } from './machine.ts'
import { ddLog, lsblk, probe, table, verdict } from './texts.ts'

const ok = (stdout: string): Answer => ({ stdout, code: 0 })
const no = (why: string): Answer => ({ stdout: `no: ${why}\n`, code: scripts.NO })
const failed = (stderr: string, code = 1): Answer => ({ stdout: '', stderr: `${stderr}\n`, code })
type Args = readonly string[]

/** What is said before every command of the adapter; anything else is not understood. */
const BEFORE = 'env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin'

/** The command line of the host: the programs that the adapter uses, and its own scripts, known by their whole text. */
export const commandsOf =
  (machine: Machine, sudo: boolean) =>
  (words: readonly string[]): Handling => {
    const plain = sudo ? words.slice(2) : words
    const [program, ...args] = plain.slice(3)
    const said = plain.slice(0, 3).join(' ') === BEFORE && (!sudo || words.slice(0, 2).join(' ') === 'sudo -n')
    if (!said) return reading(() => failed(`sh: ${words[0]}: not found`, 127))
    if (program === 'sh' && args[0] === '-c') return scripted(machine, args[1] ?? '', args.slice(3))
    return reading(() => programmed(machine, program ?? '', args))
  }

const reading = (run: () => Answer): Handling => ({ changes: false, run })

function programmed(machine: Machine, program: string, args: Args): Answer {
  const path = args.at(-1) ?? ''
  const disk = machine.at(path)
  switch (`${program} ${args[0]}`) {
    case 'lsblk --json':
      return args.join(' ') === `--json --bytes -o ${COLUMNS}` ? ok(lsblk(machine.disks())) : failed('lsblk: unknown column', 1)
    case 'readlink -e': {
      const leads = disk ?? machine.disks().find(one => one.link === path)
      return leads ? ok(`${leads.path}\n`) : failed('', 1)
    }
    case 'sgdisk -p':
      return disk ? ok(table(disk, machine.bits(path).label())) : failed(`Problem opening ${path} for reading! Error is 2.`, 2)
    case 'sgdisk -v':
      return disk
        ? ok(verdict(disk, machine.bits(path).label(), machine.bits(path).backed()))
        : failed(`Problem opening ${path} for reading! Error is 2.`, 2)
    default:
      return failed(`sh: ${program}: not found`, 127)
  }
}

function scripted(machine: Machine, text: string, args: Args): Handling {
  const change = (attempt: () => Answer | (() => Answer)): Handling => ({
    changes: true,
    run(accept) {
      const outcome = attempt()
      if (typeof outcome !== 'function') return outcome
      accept()
      return outcome()
    },
  })
  switch (text) {
    case scripts.PROBE: {
      const [path = ''] = args
      const disk = machine.at(path)
      return reading(() => (disk ? ok(probe(disk, machine.bits(path))) : failed(`blockdev: cannot open ${path}`)))
    }
    case scripts.LOOK:
      return reading(() => ok(look(machine, args[1] ?? '')))
    case scripts.START:
      return change(() => start(machine, args))
    case scripts.VERIFY:
      return change(() => verify(machine, args))
    case scripts.STOP:
      return change(() => {
        const copy = machine.copies().find(one => one.name === args[1])
        if (!copy) return no(`there is no copy ${args[1]}`)
        if (!copy.running && !copy.verify?.running) return no(`nothing of copy ${copy.name} runs`)
        return () => {
          machine.stop(copy.name)
          return ok('stopped\n')
        }
      })
    case scripts.FORGET:
      return change(() => {
        const copy = machine.copies().find(one => one.name === args[1])
        if (!copy) return no(`there is no copy ${args[1]}`)
        if (copy.running || copy.verify?.running) return no(`copy ${copy.name} still runs`)
        return () => {
          machine.forget(copy.name)
          return ok('gone\n')
        }
      })
    case scripts.SET:
      return change(() => {
        const [path = '', mark = '', flag] = args
        const wrong = unfit(machine, path, mark) ?? busy(machine, path)
        if (wrong !== undefined) return no(wrong)
        return () => {
          machine.set(path, { readOnly: flag === '--setro' })
          return ok('set\n')
        }
      })
    case scripts.REPAIR:
      return change(() => {
        const [path = '', mark = ''] = args
        const wrong = unfit(machine, path, mark) ?? busy(machine, path)
        if (wrong !== undefined) return no(wrong)
        if (machine.at(path)?.readOnly) return no(`${path} is read only`)
        return () => {
          machine.repair(path)
          return ok('The operation has completed successfully.\n')
        }
      })
    default:
      return reading(() => failed('simulator: this script is not known', 127))
  }
}

const marked = (disk: SimulatedDisk, mark: string): boolean => {
  const value = mark.slice(mark.indexOf(':') + 1)
  if (mark.startsWith('serial:')) return disk.serial === value
  if (mark.startsWith('wwn:')) return disk.wwn === value
  return disk.link === value || disk.path === value
}

function unfit(machine: Machine, path: string, mark: string): string | undefined {
  const disk = machine.at(path)
  if (!disk || !marked(disk, mark)) return `${path} is not the disk ${mark} any more`
  if (disk.mount !== undefined) return `${path} is mounted`
  return disk.user === undefined ? undefined : `something else sits on ${path}`
}

const busy = (machine: Machine, path: string): string | undefined =>
  machine.copies().some(one => (one.running || one.verify?.running) && (one.source === path || one.target === path))
    ? `a copy is at work on ${path}`
    : undefined

function start(machine: Machine, args: Args): Answer | (() => Answer) {
  const [, name = '', by = '', source = '', sourceMark = '', target = '', targetMark = ''] = args
  const [sourceBytes, targetBytes, , needs] = args.slice(7, 11).map(Number)
  if (args[11] !== scripts.COPIER) return failed('simulator: this script is not known', 127)
  const wrong =
    (machine.copies().some(one => one.name === name) ? `there is a copy ${name} already` : undefined) ??
    (source === target ? 'source and target are one disk' : undefined) ??
    unfit(machine, source, sourceMark) ??
    unfit(machine, target, targetMark) ??
    (machine.at(source)?.readOnly ? undefined : `the source ${source} is not read only`) ??
    (machine.at(target)?.readOnly ? `the target ${target} is read only` : undefined) ??
    (machine.at(source)?.bytes === sourceBytes ? undefined : `the size of ${source} changed`) ??
    (machine.at(target)?.bytes === targetBytes ? undefined : `the size of ${target} changed`) ??
    busy(machine, target)
  if (wrong !== undefined) return no(wrong)
  return () => {
    machine.start({
      name,
      by,
      source,
      sourceMark,
      target,
      targetMark,
      sourceBytes: sourceBytes ?? 0,
      targetBytes: targetBytes ?? 0,
      needs: needs ?? 0,
    })
    return ok('started\n')
  }
}

function verify(machine: Machine, args: Args): Answer | (() => Answer) {
  const [, name = '', by = '', source = '', sourceMark = '', target = '', targetMark = '', , verifier] = args
  const copy = machine.copies().find(one => one.name === name)
  if (verifier !== scripts.VERIFIER) return failed('simulator: this script is not known', 127)
  if (!copy) return no(`there is no copy ${name}`)
  if (copy.running) return no(`copy ${name} still runs`)
  const wrong = unfit(machine, source, sourceMark) ?? unfit(machine, target, targetMark)
  if (wrong !== undefined) return no(wrong)
  if (copy.verify?.running) return no(`copy ${name} is being verified`)
  return () => {
    machine.verify(name, by)
    return ok('started\n')
  }
}

/** What the look script prints of a copy. */
function look(machine: Machine, name: string): string {
  const copy = machine.copies().find(one => one.name === name)
  const lines = copy ? ['copy=present', ...copyLines(copy)] : ['copy=absent']
  return `${[...lines, `end=${name}`].join('\n')}\n`
}

const copyLines = (copy: SimulatedCopy): readonly string[] => [
  `by=${copy.by}`,
  `source=${copy.sourceMark}`,
  `sourcePath=${copy.source}`,
  `target=${copy.targetMark}`,
  `targetPath=${copy.target}`,
  `sourceBytes=${copy.sourceBytes}`,
  `targetBytes=${copy.targetBytes}`,
  `sector=${SECTOR}`,
  `needs=${copy.needs}`,
  ...processLines(copy),
  'last=copy',
  ...(copy.verify === undefined
    ? []
    : [`by=${copy.verify.by}`, `bytes=${copy.needs}`, ...processLines(copy.verify), 'last=verify']),
]

const processLines = (one: Process): readonly string[] => [
  `running=${one.running ? 'yes' : 'no'}`,
  ...(one.exit === undefined ? [] : [`exit=${one.exit}`]),
  ...(one.stopped ? ['stopped=yes'] : []),
  ...(one.compared === undefined ? [] : [`compared=${one.compared}`]),
  ...ddLog(one.done, one.exit !== undefined && !one.exit.startsWith('dd=137'), one.error).map(line => `log=${line}`),
]
