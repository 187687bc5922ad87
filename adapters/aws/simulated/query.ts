/** The parameters of a request of EC2's Query API: `BlockDeviceMapping.1.Ebs.SnapshotId=snap-0a01`, flat as they came. */
export interface Query {
  readonly action: string
  get(name: string): string | undefined
  /** The values of `InstanceId.1`, `InstanceId.2` ... */
  all(name: string): readonly string[]
  /** How many of `BlockDeviceMapping.N...` there are. */
  count(name: string): number
  /** Without what signs or names the request: two equal ones ask for the same. */
  readonly text: string
}

export function queryOf(body: string): Query {
  const params = new URLSearchParams(body)
  const get = (name: string): string | undefined => params.get(name) ?? undefined
  const count = (name: string): number => {
    const numbers = [...params.keys()].map(key => new RegExp(`^${name}\\.(\\d+)(\\.|$)`).exec(key)?.[1])
    return Math.max(0, ...numbers.map(number => Number(number ?? 0)))
  }
  const text = [...params]
    .filter(([key]) => !['Action', 'Version', 'ClientToken'].includes(key))
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(' ')
  return {
    action: get('Action') ?? '',
    get,
    all: name => Array.from({ length: count(name) }, (_, at) => get(`${name}.${at + 1}`) ?? ''),
    count,
    text,
  }
}

/** The tags of TagSpecification.N for one kind of thing. */
export function tagsIn(query: Query, kind: string): Record<string, string> {
  const tags: Record<string, string> = {}
  for (let at = 1; at <= query.count('TagSpecification'); at++) {
    const spec = `TagSpecification.${at}`
    if (query.get(`${spec}.ResourceType`) !== kind) continue
    for (let n = 1; n <= query.count(`${spec}.Tag`); n++)
      tags[query.get(`${spec}.Tag.${n}.Key`) ?? ''] = query.get(`${spec}.Tag.${n}.Value`) ?? ''
  }
  return tags
}

/** What an answer of EC2 is made of: lists become items, undefined nothing. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml }

export function xml(value: Xml): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map(one => `<item>${xml(one as Xml)}</item>`).join('')
  if (typeof value !== 'object') return escaped(String(value))
  return Object.entries(value)
    .map(([name, inner]) => (inner === undefined ? '' : inner === '' ? `<${name}/>` : `<${name}>${xml(inner as Xml)}</${name}>`))
    .join('')
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const answerXml = (action: string, value: Xml): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">\n<requestId>4f1d0a3e-synthetic</requestId>${xml(value)}\n</${action}Response>`

export const errorXml = (code: string, message: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error></Errors><RequestID>4f1d0a3e-synthetic</RequestID></Response>`

/** The simulator says no, in EC2's way. */
export class No extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}
