import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'

/** What a device is at this moment, read from itself: lsblk has signatures only where udev put them into its database. */
export interface Probe {
  readonly bytes: Bytes
  readonly readOnly: boolean
  readonly sector: Bytes
  readonly table?: string // gpt or dos, as blkid calls them
  readonly holds?: string // ext4, ntfs, LVM2_member: a signature of the whole disk
  /** No signature, and the first and the last MiB are zeros. */
  readonly empty: boolean
}

/** The lines of the `signalbox-probe` script. Throws Misread for a missing, a foreign or a second line. */
export function readProbe(text: string): Probe {
  const misread = (why: string): Misread => new Misread(`probe: ${why}`, text)
  const said = new Map<string, string>()
  const lines = answerLines(text).filter(line => line !== '')
  for (const line of lines) {
    const pair = /^([A-Za-z][A-Za-z_]{0,31})=(.{0,300})$/.exec(line)
    if (!pair || said.has(pair[1]!)) throw misread('a line is not understood')
    said.set(pair[1]!, pair[2]!)
  }
  for (const name of said.keys()) if (!OURS.includes(name) && !/^[A-Z][A-Z_]*$/.test(name)) throw misread(`${name} is not known`)
  const value = (name: string, shape: RegExp): string => {
    const found = said.get(name)
    if (found === undefined || !shape.test(found)) throw misread(`its ${name} is not understood`)
    return found
  }
  if (!/^end=\/dev\/\S+$/.test(lines.at(-1) ?? '')) throw misread('it has no end')
  const status = value('blkid', /^\d{1,3}$/)
  const signed = [...said.keys()].some(name => /^[A-Z]/.test(name))
  // 2 and silence: nothing was recognised. 8 is ambivalent: something is there, and nobody knows what (blkid(8)).
  if (!['0', '2', '8'].includes(status) || (status === '2' && signed)) throw misread('blkid failed')
  // A GPT that lost its end is called PMBR: what protects it is all that blkid still believes (2.38.1, after a copy to a smaller disk).
  const [table, holds] = [
    said.get('PTTYPE')?.replace(/^PMBR$/, 'gpt'),
    said.get('TYPE') ?? (status === '8' ? 'several signatures' : undefined),
  ]
  if (status === '0' && table === undefined && holds === undefined) throw misread('blkid found something and does not say what')
  return {
    bytes: Number(value('bytes', /^\d{1,15}$/)),
    readOnly: value('ro', /^[01]$/) === '1',
    sector: Number(value('sector', /^\d{3,5}$/)),
    ...(table === undefined ? {} : { table }),
    ...(holds === undefined ? {} : { holds }),
    empty: status === '2' && value('zeros', /^(?:yes|no)$/) === 'yes',
  }
}

const OURS = ['bytes', 'ro', 'sector', 'blkid', 'zeros', 'end']
