import { Misread, Refused } from '../../src/kit/errors.ts'
import { refIn } from './session.ts'
import { faultOf, type Ref, type Request } from './soap.ts'
import type { Known, VCenter } from './wire.ts'
import { child, children, type Element } from './xml.ts'

/** What to read: properties by kind, of one object and of those that one of its properties leads to. */
export interface Wanted {
  readonly from: (known: Known) => Ref
  readonly along?: string // the property that leads to more objects
  readonly itself: boolean // whether the first object is wanted too
  readonly properties: Readonly<Record<string, readonly string[]>>
}

/** An object with what it said. A property that is not set is absent. */
export interface Found {
  readonly ref: Ref
  readonly values: ReadonlyMap<string, Element>
}

interface Page {
  readonly found: readonly Found[]
  readonly token?: string
}

const PAGE = 200
const MOST_PAGES = 1_000

/** RetrievePropertiesEx, and ContinueRetrievePropertiesEx for as long as there is a token. */
export async function retrieve(vcenter: VCenter, wanted: Wanted, signal: AbortSignal): Promise<readonly Found[]> {
  let page = await vcenter.ask(known => firstRequest(known, wanted), pageIn, signal)
  const found = [...page.found]
  for (let pages = 1; page.token !== undefined; pages++) {
    const token = page.token
    if (pages >= MOST_PAGES) throw new Misread('the list of objects does not end', '')
    page = await vcenter.ask(
      ({ propertyCollector }) => ({ method: 'ContinueRetrievePropertiesEx', of: propertyCollector, args: [['token', token]] }),
      pageIn,
      signal,
    )
    if (page.found.length === 0) throw new Misread('the list of objects goes on, and nothing comes', '')
    found.push(...page.found)
  }
  return found
}

const firstRequest = (known: Known, { from, along, itself, properties }: Wanted): Request => {
  const start = from(known)
  return {
    method: 'RetrievePropertiesEx',
    of: known.propertyCollector,
    args: [
      [
        'specSet',
        [
          ...Object.entries(properties).map(
            ([type, paths]) => ['propSet', [['type', type], ...paths.map(path => ['pathSet', path] as const)]] as const,
          ),
          [
            'objectSet',
            [
              ['obj', start],
              ['skip', !itself],
              ...(along === undefined
                ? []
                : [
                    [
                      'selectSet',
                      {
                        is: 'TraversalSpec',
                        fields: [
                          ['type', start.kind],
                          ['path', along],
                          ['skip', false],
                        ],
                      },
                    ] as const,
                  ]),
            ],
          ],
        ],
      ],
      ['options', [['maxObjects', PAGE]]],
    ],
  }
}

/**
 * One page. A property that may not be read is an error and not an absence: a machine whose snapshots are hidden from us does not
 * look like one that has none.
 */
export function pageIn(answer: readonly Element[]): Page {
  const [result, ...more] = answer
  if (more.length > 0) throw new Misread('this is not a page of objects', '')
  if (!result) return { found: [] }
  const token = child(result, 'token')?.text
  if (result.children.some(({ name }) => name !== 'objects' && name !== 'token'))
    throw new Misread('this is not a page of objects', '')
  return { found: children(result, 'objects').map(foundIn), ...(token ? { token } : {}) }
}

export function foundIn(object: Element): Found {
  const ref = refIn(child(object, 'obj'), 'object')
  const missing = child(object, 'missingSet')
  if (missing) {
    const { kind, says } = faultOf(child(missing, 'fault') ?? missing)
    throw new Refused(
      `vCenter does not show ${child(missing, 'path')?.text.slice(0, 100) ?? 'a property'} of ${ref.id}: ${says || kind}`,
    )
  }
  const values = children(object, 'propSet').map(one => {
    const [name, value] = [child(one, 'name')?.text, child(one, 'val')]
    if (!name || !value) throw new Misread(`a property of ${ref.id} has no name or no value`, '')
    return [name, value] as const
  })
  return { ref, values: new Map(values) }
}
