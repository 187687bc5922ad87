import { cliLines, count, maybe, misread, type No, said, whole } from './cli-text.ts'
import { type Shape, tableIn } from './table.ts'

/** `shownode -state`. There is no total below it: a table that was cut exactly at the end of a row looks whole. */
export interface Nodes {
  readonly nodes: readonly { readonly node: number; readonly state: string; readonly detail?: string }[]
  readonly count: number
  readonly notOk: number
  readonly worst: string
}

const NODE: Shape = { needs: ['Node', 'State', 'Detailed_State'], open: 'Detailed_State' }
const STATES = ['OK', 'Degraded', 'Failed']

export function readNodes(text: string): Nodes {
  const no = misread('shownode -state', text)
  const nodes = tableIn(cliLines(text, no), NODE, no).map(row => ({
    node: count(row.get('Node'), 'a node', no) ?? no('a row has no node'),
    state: whole(row.get('State')!, STATES, 'the state of a node', no),
    ...maybe('detail', uncut(said(row.get('Detailed_State')), no)),
  }))
  if (nodes.length === 0) no('there is a heading and nothing below it: it is cut off')
  return { nodes, count: nodes.length, ...judged(nodes) }
}

/** `shownode -ps`: a power supply may feed several nodes, and has batteries. */
export interface PowerSupplies {
  readonly supplies: readonly {
    readonly nodes: readonly number[]
    readonly supply: number
    readonly battery?: number
    readonly serial?: string
    readonly state: string
    readonly charge?: number // percent
    readonly expires?: string
    readonly expired?: boolean
  }[]
  readonly count: number
  readonly notOk: number
  readonly worst: string
}

const SUPPLY: Shape = { needs: ['Node', 'PS', 'State', 'ChrgLvl(%)', 'Testing'] }

export function readPowerSupplies(text: string): PowerSupplies {
  const no = misread('shownode -ps', text)
  const supplies = tableIn(cliLines(text, no), SUPPLY, no).map(row => {
    const nodes = row.get('Node')!
    if (!/^\d+(?:,\d+)*$/.test(nodes)) no(`the nodes of a power supply are not understood: ${nodes.slice(0, 40)}`)
    const expired = said(row.get('Expired'))
    return {
      nodes: nodes.split(',').map(Number),
      supply: count(row.get('PS'), 'a power supply', no) ?? no('a row has no power supply'),
      ...maybe('battery', count(row.get('Bat'), 'a battery', no)),
      ...maybe('serial', said(row.get('Assem_Serial'))),
      state: whole(row.get('State')!, STATES, 'the state of a power supply', no),
      ...maybe('charge', count(row.get('ChrgLvl(%)'), 'the charge of a battery', no)),
      ...maybe('expires', said(row.get('ExpDate'))),
      ...maybe('expired', expired === 'Yes' ? true : expired === 'No' ? false : undefined),
    }
  })
  if (supplies.length === 0) no('there is a heading and nothing below it: it is cut off')
  return { supplies, count: supplies.length, ...judged(supplies) }
}

const uncut = (detail: string | undefined, no: No): string | undefined =>
  detail !== undefined && STATES.some(state => state !== detail && state.startsWith(detail))
    ? no(`the detailed state "${detail}" is cut off`)
    : detail

/** A word that is not among the known ones counts as worse than all of them. */
function judged(all: readonly { readonly state: string }[]): { readonly notOk: number; readonly worst: string } {
  const states = all.map(one => one.state)
  const worst = states.find(state => !STATES.includes(state)) ?? STATES.findLast(state => states.includes(state)) ?? 'OK'
  return { notOk: states.filter(state => state !== 'OK').length, worst }
}

/** `showwsapi`: whether the web API answers, and where. */
export interface WebApi {
  readonly service: string // Enabled, Disabled
  readonly state: string // Active, Inactive
  readonly version?: string
  readonly url: string
}

const WSAPI: Shape = { needs: ['Service', 'State', 'Version', 'API_URL'] }

export function readWebApi(text: string): WebApi {
  const no = misread('showwsapi', text)
  const [row, ...more] = tableIn(cliLines(text, no), WSAPI, no)
  if (!row || more.length > 0) return no('there is to be one row in it')
  const url = row.get('API_URL')!
  return {
    service: whole(row.get('Service')!, ['Enabled', 'Disabled'], 'the service', no),
    state: whole(row.get('State')!, ['Active', 'Inactive'], 'the state', no),
    ...maybe('version', said(row.get('Version'))),
    url: /^https?:\/\/\S+\/api\/v\d+$/.test(url) ? url : no(`the address is cut off: ${url.slice(0, 80)}`),
  }
}
