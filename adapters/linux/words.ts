import { fixed, type Word, word } from '../../src/kit/quote.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { COLUMNS } from './lsblk.ts'
import * as scripts from './scripts.ts'

type Words = readonly Word[]

/** How commands are said on this host. */
export interface Saying {
  readonly sudo: boolean
  readonly folder: string // where copies keep their files
}

/** A disk as it was found: where it is now, and the mark by which the host knows it again right before it is touched. */
export interface Found {
  readonly path: string
  readonly mark: string // serial:..., wwn:... or path:...
}

/** Everything that a copy is started with. */
export interface CopyOrder {
  readonly copy: string
  readonly intent: string
  readonly source: Found
  readonly target: Found
  readonly sourceBytes: Bytes
  readonly targetBytes: Bytes
  readonly sector: Bytes
  readonly needs: Bytes // how much of the source has to be on the target
}

// Other languages print other words, and a login over SSH may have no sbin in its path.
const PLAIN = fixed('env', 'LC_ALL=C', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin')

export const words = ({ sudo, folder }: Saying) => {
  const say = (...rest: Words): Words => [...(sudo ? fixed('sudo', '-n') : []), ...PLAIN, ...rest]
  const run = (text: string, label: string, ...args: Words): Words =>
    say(...fixed('sh', '-c'), word.text(text), word.fixed(label), ...args)
  const disk = ({ path, mark }: Found): Words => [word.path(path), word.text(mark)]
  const named = (copy: string): Words => [word.path(folder), word.name(copy)]
  return {
    disks: (): Words => say(...fixed('lsblk', '--json', '--bytes', '-o', COLUMNS)),
    resolve: (path: string): Words => say(...fixed('readlink', '-e'), word.path(path)),
    probe: (path: string): Words => run(scripts.PROBE, 'signalbox-probe', word.path(path)),
    table: (path: string): Words => say(...fixed('sgdisk', '-p'), word.path(path)),
    verdict: (path: string): Words => say(...fixed('sgdisk', '-v'), word.path(path)),
    look: (copy: string): Words => run(scripts.LOOK, 'signalbox-look', ...named(copy)),
    start: (order: CopyOrder): Words =>
      run(
        scripts.START,
        'signalbox-copy',
        ...named(order.copy),
        word.text(order.intent),
        ...disk(order.source),
        ...disk(order.target),
        word.number(order.sourceBytes),
        word.number(order.targetBytes),
        word.number(order.sector),
        word.number(order.needs),
        word.text(scripts.COPIER),
      ),
    verify: (copy: string, intent: string, source: Found, target: Found, bytes: Bytes): Words =>
      run(
        scripts.VERIFY,
        'signalbox-verify',
        ...named(copy),
        word.text(intent),
        ...disk(source),
        ...disk(target),
        word.number(bytes),
        word.text(scripts.VERIFIER),
      ),
    stop: (copy: string): Words => run(scripts.STOP, 'signalbox-stop', ...named(copy)),
    forget: (copy: string): Words => run(scripts.FORGET, 'signalbox-forget', ...named(copy)),
    set: (found: Found, readOnly: boolean): Words =>
      run(scripts.SET, 'signalbox-set', ...disk(found), ...fixed(readOnly ? '--setro' : '--setrw')),
    repair: (found: Found): Words => run(scripts.REPAIR, 'signalbox-repair', ...disk(found)),
  }
}
