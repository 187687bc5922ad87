import { cliLines, count, maybe, misread, said } from './cli-text.ts'
import { type Shape, tableIn } from './table.ts'

/**
 * `showsys`: one row. Capacities are in MiB, though older releases call them MB. The last column, FailedCap, has to be there and is
 * not told: nobody could see that its digits were cut off.
 */
export interface System {
  readonly system: string // the name
  readonly id?: number // as it stands in ".r<id>" of a group's name on the partner
  readonly model: string
  readonly serial: string
  readonly nodes: number
  readonly totalMiB?: number
  readonly allocatedMiB?: number
  readonly freeMiB?: number
}

const SYSTEM: Shape = { needs: ['ID', 'Name', 'Model', 'Serial', 'Nodes', 'TotalCap', 'FailedCap'], open: 'Model' }

export function readSystem(text: string): System {
  const no = misread('showsys', text)
  const [row, ...more] = tableIn(cliLines(text, no), SYSTEM, no)
  if (!row || more.length > 0) return no(`there are ${more.length + (row ? 1 : 0)} systems in it, and there is to be one`)
  const id = row.get('ID')!
  // A model may have any number of words: a row that was cut off shows in what stands where the nodes are to stand.
  if (!/^\d{1,2}$/.test(row.get('Nodes')!) || !/^(?:\d{1,2}|Yes|No)$/.test(row.get('Master') ?? '0'))
    no('the nodes are not where they are to be: it is cut off')
  const number = (column: string) => count(row.get(column), column, no)
  return {
    system: row.get('Name')!,
    ...maybe('id', /^0x[0-9a-f]+$/i.test(id) ? Number.parseInt(id, 16) : count(id, 'the id', no)),
    model: row.get('Model')!,
    serial: row.get('Serial')!,
    nodes: number('Nodes') ?? no('it does not say how many nodes there are'),
    ...maybe('totalMiB', number('TotalCap')),
    ...maybe('allocatedMiB', number('AllocCap')),
    ...maybe('freeMiB', number('FreeCap')),
  }
}

export interface Version {
  readonly version: string // 3.3.1, 10.6.0.40
  readonly update?: string // MU2
  readonly patches: readonly string[]
  readonly type?: string // Standard Support Release
}

/** `showversion`. The table of components below it is what proves that the lines above it are all there. */
export function readVersion(text: string): Version {
  const no = misread('showversion', text)
  const lines = cliLines(text, no)
  const end = lines.findIndex(line => /^\s*Component Name\s+Version\s*$/.test(line))
  if (end < 0) no('the table of components is missing: it is cut off, or of another kind')
  const head = lines.slice(0, end).filter(line => line.trim() !== '')
  const stray = head.find(line => !/^(?:Release version|Release Type:|Patches:)/i.test(line))
  if (stray !== undefined) no(`a line is not understood: ${stray.trim().slice(0, 120)}`)
  const after = (label: RegExp): string | undefined =>
    said(
      head
        .find(line => label.test(line))
        ?.replace(label, '')
        .trim(),
    )
  const found = /^(\d+(?:\.\d+)+)(?:\s+\(([^)]+)\))?$/.exec(after(/^Release version/i) ?? '')
  if (!found) return no('there is no version in it')
  return {
    version: found[1]!,
    ...maybe('update', found[2]),
    patches: (after(/^Patches:/i) ?? '').split(/[\s,]+/).filter(Boolean),
    ...maybe('type', after(/^Release Type:/i)),
  }
}
