import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'

/** One row of `powermt display dev=...`. */
export interface Path {
  readonly hba: number
  readonly hardware?: string // "port5\path0\tgt4\lun1", "qla2xxx", "0/2/1/0.101.16.19.0"
  readonly name?: string // the native path: "c5t4d1", "sdb", "hdisk11"
  readonly interface: string // "FA 7eC", "SP A0"
  readonly mode: string // active, standby, unlic, asb:iopf ...
  readonly state: 'alive' | 'dead'
  readonly queued?: number
  readonly errors?: number
}

/** One block of it. `state` is what PowerPath says of the device, which is nothing about its single paths: `worst` counts those. */
export interface MultipathDevice {
  readonly pseudo?: string // absent for HP-UX native devices
  readonly product?: string // the label of the array's line: "Symmetrix", "CLARiiON", "VNX"
  readonly array?: string // its serial number
  readonly group?: string // the host group in brackets behind it
  readonly device: string // the logical device id
  readonly lun?: string // the array's name for it, in brackets
  readonly wwn?: string
  readonly state: string
  readonly policy?: string
  readonly priority?: number
  readonly queued?: number
  readonly defaultOwner?: string
  readonly currentOwner?: string
  readonly failoverMode?: number
  readonly alive: number
  readonly dead: number
  readonly total: number
  readonly worst: 'alive' | 'dead'
  readonly paths: readonly Path[]
}

export interface Multipaths {
  readonly devices: readonly MultipathDevice[]
  readonly alive: number
  readonly dead: number
  readonly total: number
  readonly worst: 'alive' | 'dead'
}

/**
 * `powermt display dev=all` and `dev=<pseudo>` (devices/powerpath.md section 3; seed 002 figures 10, 13 and 20).
 * Lines before the first block are a banner; from there on every line must be understood, or the whole is a Misread.
 */
export function readPaths(text: string): Multipaths {
  const lines = answerLines(text).map(line => line.trim())
  const no = (why: string): never => {
    throw new Misread(`powermt display: ${why}`, text)
  }
  const blocks: Block[] = []
  let block: Block | undefined
  for (const line of lines) {
    if (line === '') continue
    const started = startOf(line, block)
    if (started) {
      block = { said: new Map(), state: undefined, header: false, paths: [] }
      blocks.push(block)
    }
    if (!block) {
      if (/^(?:powermt|error)\s*:/i.test(line)) no(line)
      continue
    }
    const problem = take(line, block)
    if (problem !== undefined) no(problem)
  }
  if (blocks.length === 0) no('there is no device in it')
  const devices = blocks.map(one => deviceOf(one, no))
  return { devices, ...countsOf(devices.flatMap(device => device.paths)) }
}

interface Block {
  readonly said: Map<string, string>
  state: string | undefined // the whole line
  header: boolean
  readonly paths: Path[]
}

const NAMED = /^(Pseudo name|Logical device ID|Device WWN|[A-Za-z][\w /-]{0,30}? ID)\s*=\s*(.*)$/i

/** A block starts with its pseudo name; native devices have none, and theirs starts with whatever line comes first. */
function startOf(line: string, block: Block | undefined): boolean {
  const key = NAMED.exec(line)?.[1]?.toLowerCase()
  if (key === undefined) return false
  return !block || key === 'pseudo name' || block.header || block.paths.length > 0 || block.said.has(key)
}

/** Puts the line where it belongs; answers with what is wrong with it. */
function take(line: string, block: Block): string | undefined {
  const named = NAMED.exec(line)
  if (named) {
    block.said.set(named[1]!.toLowerCase(), named[2]!.trim())
    if (/ ID$/i.test(named[1]!) && !/^Logical device ID$/i.test(named[1]!)) block.said.set('product', named[1]!.slice(0, -3))
    return undefined
  }
  if (/^state\s*=/i.test(line)) {
    block.state = line
    return undefined
  }
  if (/^Owner:/i.test(line)) {
    block.said.set('owner', line)
    return undefined
  }
  if (/^={3,}$/.test(line)) {
    // The ruler begins the table. People cut the two heading lines out when they paste one; the rows say enough by themselves.
    block.header ||= block.state !== undefined
    return undefined
  }
  if (/^-+ *Host *-+/i.test(line)) return undefined
  if (!block.header && /^[A-Za-z][\w /-]{0,40}=/.test(line)) return undefined // a later version says more than we need
  if (/^###\s+HW Path/i.test(line)) {
    block.header = true
    return undefined
  }
  if (!block.header) return `a line before the table's heading is not understood: ${line.slice(0, 120)}`
  const path = pathOf(line)
  if (!path) return `a row is not understood: ${line.slice(0, 120)}`
  block.paths.push(path)
  return undefined
}

const MODE = /^(?:active|standby|asb|unlic|passive)(?::[a-z]+)?$/
const INTERFACE = /^[A-Z]{1,3}\d?-?$/

/** Read from the right, because the left columns run into each other: errors, queued, state, mode, and the two words of the interface. */
function pathOf(row: string): Path | undefined {
  const cells = row.split(/\s+/)
  const [errors, queued, state, mode] = [cells.pop(), cells.pop(), cells.pop(), cells.pop()]
  const hba = cells.shift()
  if (hba === undefined || errors === undefined || queued === undefined || state === undefined || mode === undefined)
    return undefined
  if (!/^\d+$/.test(hba) || !isCount(errors) || !isCount(queued) || !MODE.test(mode) || (state !== 'alive' && state !== 'dead'))
    return undefined
  const port = cells.pop()
  if (port === undefined || !/^[\w:.-]+$/.test(port)) return undefined
  const twoWords = cells.length > 0 && INTERFACE.test(cells.at(-1)!)
  const interface_ = twoWords ? `${cells.pop()} ${port}` : port
  // One word only, and too few left of it: the interface itself is missing, and what stands there is something else.
  if (!twoWords && cells.length < 2) return undefined
  const name = cells.length > 1 || /^(?:c\d+t|sd[a-z]|hdisk\d)/.test(cells[0] ?? '') ? cells.pop() : undefined
  const hardware = cells.join(' ')
  return {
    hba: Number(hba),
    ...(known(hardware) ? { hardware } : {}),
    ...(name !== undefined && known(name) ? { name } : {}),
    interface: interface_,
    mode,
    state,
    ...count('queued', queued),
    ...count('errors', errors),
  }
}

const isCount = (cell: string): boolean => /^(?:\d+|-)$/.test(cell)
const known = (cell: string): boolean => cell !== '' && !/^(?:unknown|n\/a|-+)$/i.test(cell)
const count = <K extends string>(key: K, cell: string | undefined): { readonly [P in K]?: number } =>
  (cell !== undefined && /^\d+$/.test(cell) ? { [key]: Number(cell) } : {}) as { readonly [P in K]?: number }
const text = <K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } =>
  (value === undefined || value === '' ? {} : { [key]: value }) as { readonly [P in K]?: string }

function deviceOf(block: Block, no: (why: string) => never): MultipathDevice {
  const { said, state: line, paths } = block
  const [device, lun] = named(said.get('logical device id'))
  if (device === undefined) return no('a device has no logical device ID')
  if (line === undefined) return no(`device ${device} has no state line`)
  if (!block.header || paths.length === 0) return no(`device ${device} has no path rows: the table is cut off`)
  const fields = new Map(
    line.split(';').map(part => [part.split('=')[0]!.trim().toLowerCase(), part.split('=')[1]?.trim()] as const),
  )
  const state = fields.get('state')
  if (state === undefined || !/^[a-z]+$/i.test(state)) return no(`the state of device ${device} is not understood`)
  const product = said.get('product')
  const [array, group] = named(product === undefined ? undefined : said.get(`${product.toLowerCase()} id`))
  const owner = said.get('owner')
  return {
    ...text('pseudo', said.get('pseudo name')),
    ...text('product', product),
    ...text('array', array),
    ...text('group', group),
    device,
    ...text('lun', lun),
    ...text('wwn', said.get('device wwn')),
    state,
    ...text('policy', fields.get('policy')),
    ...count('priority', fields.get('priority')),
    ...count('queued', fields.get('queued-ios')), // Windows writes queued-IOS, Unix queued-IOs
    ...text('defaultOwner', /default\s*=\s*([^,\t]+?)\s*(?:,|\t|$)/i.exec(owner ?? '')?.[1]),
    ...text('currentOwner', /current\s*=\s*(SP \w+|[^,\t]+?)\s*(?:,|\t| {2,}|Array|$)/i.exec(owner ?? '')?.[1]),
    ...count('failoverMode', /failover mode:\s*(\d+)/i.exec(owner ?? '')?.[1]),
    ...countsOf(paths),
    paths,
  }
}

/** "APM00122204204 [NGS1]" is a serial number and a name; the name may have blanks, slashes, anything but a bracket. */
function named(value: string | undefined): readonly [string | undefined, string | undefined] {
  const found = /^(\S+)(?:\s+\[([^\]]*)\])?$/.exec(value ?? '')
  return [found?.[1], found?.[2]]
}

function countsOf(paths: readonly Path[]): Pick<MultipathDevice, 'alive' | 'dead' | 'total' | 'worst'> {
  const dead = paths.filter(path => path.state === 'dead').length
  return { alive: paths.length - dead, dead, total: paths.length, worst: dead > 0 ? 'dead' : 'alive' }
}
