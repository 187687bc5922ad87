import type { Answer, Handling } from '../../../src/kit/simulate.ts'
import type { Host } from './host.ts'
import { type Migration, moved, type Verb } from './migration.ts'
import { hbaTable, type Platform, pathTables, sessionBlock, sessionTable } from './tables.ts'

const ok = (stdout = ''): Answer => ({ stdout, code: 0 })
const no = (why: string): Answer => ({ stdout: '', stderr: `${why}\n`, code: 1 })
const reading = (run: () => Answer): Handling => ({ changes: false, run })
const refusing = (why: string): Handling => reading(() => no(why))

/** The command line of the simulated host. Both spellings of powermig; the texts of its answers are SYNTHETIC. */
export function commandsOf(host: Host, platform: Platform): (words: readonly string[]) => Handling {
  return ([path = '', ...words]) => {
    switch (
      path
        .split(/[/\\]/)
        .at(-1)
        ?.replace(/\.exe$/i, '')
    ) {
      case 'powermt':
        return powermt(host, platform, words)
      case 'powermig':
        return powermig(host, platform, words)
      case 'blockdev':
        return reading(() => onDisk(host, words.at(-1), lun => ok(`${lun.bytes}\n`)))
      case 'blkid':
        return reading(() => onDisk(host, words.at(-1), lun => (lun.initialised ? ok('PTTYPE=gpt\n') : { stdout: '', code: 2 })))
      case 'wmic':
        return reading(() =>
          onDisk(host, `harddisk${/Index=(\d+)/.exec(words.join(' '))?.[1]}`, lun =>
            ok(`\r\n\r\nPartitions=${lun.initialised ? 1 : 0}\r\nSize=${lun.bytes}\r\n\r\n`),
          ),
        )
      default:
        return refusing(`${path}: command not found`)
    }
  }
}

function powermt(host: Host, platform: Platform, [verb, ...rest]: readonly string[]): Handling {
  const asked = rest[0]?.replace(/^dev=/, '')
  const listed = (names: readonly string[]): Answer =>
    ok(
      pathTables(
        names.map(pseudo => ({ pseudo, lun: host.lunOf(pseudo)! })),
        platform,
      ),
    )
  if (verb === 'version') return reading(() => ok('EMC powermt for PowerPath (c) Version 5.7 (build 173)\n'))
  if (verb !== 'display') return refusing(`powermt: ${verb}: not simulated`)
  if (asked === undefined) return reading(() => ok(hbaTable(host.pseudos().flatMap(name => host.lunOf(name) ?? []))))
  return reading(() =>
    asked === 'all'
      ? listed(host.pseudos())
      : host.pseudos().includes(asked)
        ? listed([asked])
        : no(`Device(s) not found: ${asked}`),
  )
}

function onDisk(host: Host, path: string | undefined, then: (lun: NonNullable<ReturnType<Host['lunOf']>>) => Answer): Answer {
  const lun = host.lunOf(path?.replace('/dev/', '') ?? '')
  return lun ? then(lun) : no(`${path}: no such device`)
}

function powermig(host: Host, platform: Platform, [verb = '', ...rest]: readonly string[]): Handling {
  const option = (...names: readonly string[]): string | undefined => {
    const at = rest.findIndex(word => names.includes(word))
    return at < 0 ? undefined : rest[at + 1]
  }
  const silent = rest.includes('-no') || rest.includes('-noprompt')
  const handle = Number(option('-handle', '-hd'))
  const migration = host.find(handle)
  switch (verb) {
    case 'info':
    case 'query':
      if (rest.includes('-all')) return reading(() => ok(sessionTable(host.migrations())))
      return reading(() =>
        migration ? ok(sessionBlock(migration)) : no(`powermig: there is no migration with handle ${option('-handle', '-hd')}`),
      )
    case 'setup':
      return setup(host, platform, option('-src', '-source') ?? '', option('-tgt', '-target') ?? '', silent)
    case 'throttle': {
      const level = Number(option('-throttleValue', '-tv'))
      if (!migration || !Number.isInteger(level) || level < 0 || level > 9)
        return refusing('powermig: wrong handle or throttle value')
      return { changes: true, run: accept => done(accept, () => host.throttle(handle, level)) }
    }
    case 'sync':
    case 'pause':
    case 'resume':
    case 'selectTarget':
    case 'selectSource':
    case 'commit':
    case 'abort':
    case 'cleanup':
      return move(host, verb, migration, silent)
    default:
      return refusing(`powermig: ${verb}: unknown command`)
  }
}

/** The state is looked at when it runs, not when it arrives: another command may have come in between. */
function move(host: Host, verb: Verb, migration: Migration | undefined, silent: boolean): Handling {
  if (!migration) return refusing('powermig: there is no migration with this handle')
  if (!silent) return asking(verb)
  return {
    changes: true,
    run: accept => {
      const now = host.find(migration.handle)
      if (!now || moved(now, verb) === undefined) return no(`powermig: ${verb} is not possible in state ${now?.state ?? 'none'}`)
      return done(accept, () => host.move(migration.handle, verb))
    },
  }
}

function setup(host: Host, platform: Platform, source: string, target: string, silent: boolean): Handling {
  if (platform === 'windows' && ![source, target].every(name => /^harddisk\d+$/.test(name)))
    return refusing('powermig: the device name is not valid')
  if (!silent) return asking('setup')
  return {
    changes: true,
    run: accept => {
      const [from, to] = [host.lunOf(source), host.lunOf(target)]
      if (!from || !to || source === target) return no('powermig: no such device')
      if (to.bytes < from.bytes) return no('powermig: the target is smaller than the source')
      if (host.migrations().some(one => [one.source, one.target].some(disk => disk === source || disk === target)))
        return no('powermig: a device is already in a migration')
      accept()
      return ok(`Migration Handle = ${host.setup(source, target)}\n`)
    },
  }
}

/** Without `-no` the command asks, and reads the end of its input instead of an answer. */
const asking = (verb: string): Handling =>
  reading(() => ({ stdout: `Do you wish to continue with ${verb}? [yes/no]: `, code: 1 }))

function done(accept: () => void, effect: () => void): Answer {
  accept()
  effect()
  return ok()
}
