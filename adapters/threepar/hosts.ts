import { cliLines, count, misread, named } from './cli-text.ts'
import { type Shape, tableIn } from './table.ts'

/** One row of `showvlun -a`: one way from a host to a volume through one port of this array. */
export interface HostPath {
  readonly lun: number
  readonly volume: string
  readonly cut?: true
  readonly host: string
  readonly port: string // node:slot:port
  readonly status?: string // active, nonopt, standby; old releases have no such column
}

export interface HostPaths {
  readonly paths: readonly HostPath[]
  readonly hosts: readonly { readonly host: string; readonly total: number; readonly serving: number; readonly standby: number }[]
  readonly total: number
  readonly serving: number // active or nonopt: they carry I/O
  readonly standby: number // of a volume whose source is on the partner
}

const VLUN: Shape = { needs: ['Lun', 'VVName', 'HostName', 'Host_WWN', 'Port', 'Type'], open: 'Type', total: true }

/** `showvlun -a`, with or without `-host`. It ends with a total, so that a table which was cut off shows. */
export function readHostPaths(text: string): HostPaths {
  const no = misread('showvlun', text)
  const paths = tableIn(cliLines(text, no), VLUN, no).map(row => {
    const status = row.get('Status')
    const port = row.get('Port')!
    if (!/^\d+:\d+:\d+$/.test(port)) no(`a port is not understood: ${port.slice(0, 40)}`)
    if (status !== undefined && !/^[a-z]\w*$/i.test(status)) no(`the status of a path is not understood: ${status.slice(0, 40)}`)
    return {
      lun: count(row.get('Lun'), 'a LUN', no) ?? no('a row has no LUN'),
      ...named('volume', row.get('VVName')!),
      host: row.get('HostName')!,
      port,
      ...(status === undefined ? {} : { status }),
    }
  })
  const hosts = [...new Set(paths.map(path => path.host))].map(host => ({
    host,
    ...counted(paths.filter(path => path.host === host)),
  }))
  return { paths, hosts, ...counted(paths) }
}

const counted = (paths: readonly HostPath[]): { readonly total: number; readonly serving: number; readonly standby: number } => ({
  total: paths.length,
  serving: paths.filter(serves).length,
  standby: paths.filter(path => path.status === 'standby').length,
})

/** Both ALUA states of a path that carries I/O. */
export const serves = ({ status }: HostPath): boolean => status === 'active' || status === 'nonopt'
