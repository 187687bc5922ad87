import { cliLines, maybe, misread, said, whole } from './cli-text.ts'
import { type Shape, tableIn } from './table.ts'

/** One row of `showport -rcip`: a port for remote copy over IP. */
export interface RcipPort {
  readonly port: string
  readonly state: string // ready, loss_sync, offline
  readonly address?: string
  readonly netmask?: string
  readonly gateway?: string
  readonly mtu?: number
  readonly rate?: string
}

export interface RcipPorts {
  readonly ports: readonly RcipPort[]
  readonly count: number
  readonly notReady: number
}

const RCIP: Shape = { needs: ['N:S:P', 'State', 'IPAddr', 'MTU'], total: true }

export function readRcipPorts(text: string): RcipPorts {
  const no = misread('showport -rcip', text)
  const lines = cliLines(text, no)
  if (lines.length === 1 && /^There is no specified port information\.?$/.test(lines[0]!.trim()))
    return { ports: [], count: 0, notReady: 0 }
  const ports = tableIn(lines, RCIP, no).map(row => {
    const [port, mtu] = [row.get('N:S:P')!, said(row.get('MTU'))]
    if (!/^\d+:\d+:\d+$/.test(port)) no(`a port is not understood: ${port.slice(0, 40)}`)
    if (mtu !== undefined && !/^\d{1,5}$/.test(mtu)) no(`an MTU is no number: ${mtu.slice(0, 40)}`)
    return {
      port,
      state: whole(row.get('State')!, ['ready', 'loss_sync', 'offline'], 'the state of a port', no),
      ...maybe('address', said(row.get('IPAddr'))),
      ...maybe('netmask', said(row.get('Netmask'))),
      ...maybe('gateway', said(row.get('Gateway'))),
      ...maybe('mtu', mtu === undefined ? undefined : Number(mtu)),
      ...maybe('rate', said(row.get('Rate'))),
    }
  })
  return { ports, count: ports.length, notReady: ports.filter(one => one.state !== 'ready').length }
}
