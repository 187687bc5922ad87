import type { Ref } from '../soap.ts'
import { child, type Element } from '../xml.ts'
import { changeIdOf, stretches } from './disks.ts'
import { answer, fault, instant, node, reference, text } from './print.ts'
import { retrieved, VIEW, vmRef } from './properties.ts'
import { EFFECTS, settle } from './tasks.ts'
import type { MachineState, VCenterState } from './vcenter.ts'

/** What a method makes of one request, before anything has happened. */
export interface Handling {
  readonly changes: boolean
  /** Takes effect and answers, a no with HTTP 500. A change calls `accept` when it is about to take effect, and not when it says no. */
  run(accept: () => void): { readonly status: 200 | 500; readonly xml: string }
}

const yes = (xml: string) => ({ status: 200, xml }) as const
const no = (xml: string) => ({ status: 500, xml }) as const
const unknown = ({ kind, id }: Ref) =>
  no(fault('ManagedObjectNotFound', `managed object not found: ${kind}:${id}`, reference('obj', { kind, id })))
export const refused = () => no(fault('NoPermission', 'Permission to perform this operation was denied.'))

/** Pages that wait for their token. */
export type Pages = Map<string, readonly string[]>

export function understand(center: VCenterState, pages: Pages, method: string, request: Element): Handling {
  const of: Ref = { kind: child(request, '_this')?.kind ?? '', id: child(request, '_this')?.text ?? '' }
  const reading = (run: () => ReturnType<Handling['run']>): Handling => ({ changes: false, run })
  if (method in EFFECTS) return { changes: true, run: accept => begun(center, method, of, request, accept) }
  switch (method) {
    case 'RetrieveServiceContent':
      return reading(() => yes(answer(method, node('returnval', ...CONTENT))))
    case 'CreateContainerView':
      return reading(() => yes(answer(method, reference('returnval', VIEW))))
    case 'RetrievePropertiesEx':
      return reading(() => {
        settle(center)
        const found = retrieved(center, request)
        if ('missing' in found) return unknown(found.missing)
        return yes(answer(method, page(pages, found.objects, Number(child(request, 'options', 'maxObjects')?.text ?? 1_000))))
      })
    case 'ContinueRetrievePropertiesEx':
      return reading(() => {
        const [token, size] = (child(request, 'token')?.text ?? '').split('/')
        const rest = pages.get(`${token}`)
        if (!rest) return no(fault('InvalidArgument', 'A specified parameter was not correct: token'))
        pages.delete(`${token}`)
        return yes(answer(method, page(pages, rest, Number(size))))
      })
    case 'QueryChangedDiskAreas':
      return reading(() => changed(center, of, request))
    case 'ShutdownGuest':
      return { changes: true, run: accept => shutDown(center, of, accept) }
    case 'CancelTask':
      return { changes: true, run: accept => cancelled(center, of, accept) }
    default:
      return reading(() => no(fault('MethodNotFound', `${of.kind}:${of.id} does not implement: ${method}`)))
  }
}

function page(pages: Pages, objects: readonly string[], size: number): string {
  const [now, rest] = [objects.slice(0, size), objects.slice(size)]
  if (objects.length === 0) return ''
  if (rest.length === 0) return node('returnval', ...now)
  const token = `page${pages.size}-${rest.length}`
  pages.set(token, rest)
  return node('returnval', text('token', `${token}/${size}`), ...now)
}

const ownerOf = ({ kept }: VCenterState, { id }: Ref): MachineState | undefined =>
  kept.machines.find(one => one.id === id || one.snapshots.some(it => it.id === id))

function begun(center: VCenterState, method: string, of: Ref, request: Element, accept: () => void) {
  settle(center)
  const machine = ownerOf(center, of)
  if (!machine) return unknown(of)
  if (center.kept.tasks.some(task => task.machine === machine.id && task.state === 'running'))
    return no(fault('TaskInProgress', 'The operation is not allowed in the current state.'))
  const spec = child(request, 'spec') ?? request
  const args = Object.fromEntries(
    spec.children.filter(({ name }) => name !== '_this').map(({ name, text: said }) => [name, said]),
  )
  accept()
  const id = center.id('task')
  const { now } = center.kept
  const task = { id, method, machine: machine.id, entity: of, args, began: now, takes: center.takes(), state: 'running' } as const
  center.kept.tasks.push({ ...task })
  settle(center)
  return yes(answer(method, reference('returnval', { kind: 'Task', id })))
}

function shutDown(center: VCenterState, of: Ref, accept: () => void) {
  const machine = center.kept.machines.find(one => vmRef(one).id === of.id)
  if (!machine) return unknown(of)
  if (machine.power !== 'poweredOn') return no(fault('InvalidPowerState', 'The attempted operation cannot be performed.'))
  if (!machine.tools) return no(fault('ToolsUnavailable', 'VMware Tools are not running.'))
  accept()
  machine.power = 'poweredOff'
  delete machine.booted
  center.keep()
  return yes(answer('ShutdownGuest'))
}

function cancelled(center: VCenterState, of: Ref, accept: () => void) {
  settle(center)
  const task = center.kept.tasks.find(one => one.id === of.id)
  if (!task) return unknown(of)
  if (task.state !== 'running') return no(fault('InvalidState', 'The operation is not allowed in the current state.'))
  accept()
  task.state = 'error'
  task.error = 'RequestCanceled'
  task.cancelled = true
  center.keep()
  return yes(answer('CancelTask'))
}

/** The rules are the vendor's (README); how much one answer covers, and which fault says what, is assumed. */
function changed(center: VCenterState, of: Ref, request: Element) {
  const said = (name: string): string => child(request, name)?.text ?? ''
  const machine = center.kept.machines.find(one => one.id === of.id)
  const snapshot = machine?.snapshots.find(one => one.id === said('snapshot'))
  if (!machine || !snapshot) return unknown({ kind: 'VirtualMachineSnapshot', id: said('snapshot') })
  const key = Number(said('deviceKey'))
  const [held, disk] = [snapshot.disks.find(one => one.key === key), machine.disks.find(one => one.key === key)]
  const wrong = (what: string) =>
    no(fault('InvalidArgument', `A specified parameter was not correct: ${what}`, text('invalidProperty', what)))
  if (!held || !disk) return wrong('deviceKey')
  if (held.tracking === undefined) return no(fault('FileFault', 'Error caused by file', text('file', held.file)))
  const [, tracking, count] = /^(.+)\/(\d+)$/.exec(said('changeId')) ?? []
  const from = said('changeId') === '*' ? 0 : tracking === held.tracking ? Number(count) : undefined
  if (from === undefined || changeIdOf(disk) === undefined) return wrong('changeId')
  const start = Number(said('startOffset'))
  if (!(start >= 0 && start < disk.bytes)) return wrong('startOffset')
  const window = { start, length: Math.min(center.window, disk.bytes - start) }
  const areas = stretches(disk, from, held.count, window).map(area =>
    node('changedArea', text('start', area.start), text('length', area.length)),
  )
  return yes(
    answer('QueryChangedDiskAreas', node('returnval', text('startOffset', start), text('length', window.length), ...areas)),
  )
}

export const sessionAnswer = (username: string, now: number): string =>
  answer('Login', node('returnval', text('key', 'simulated'), text('userName', username), text('loginTime', instant(now))))

const CONTENT = [
  reference('rootFolder', { kind: 'Folder', id: 'group-d1' }),
  reference('propertyCollector', { kind: 'PropertyCollector', id: 'propertyCollector' }),
  reference('viewManager', { kind: 'ViewManager', id: 'ViewManager' }),
  node(
    'about',
    text('name', 'Signalbox simulator of VMware vCenter Server'),
    text('apiType', 'VirtualCenter'),
    text('apiVersion', '6.5'),
  ),
  reference('sessionManager', { kind: 'SessionManager', id: 'SessionManager' }),
  reference('taskManager', { kind: 'TaskManager', id: 'TaskManager' }),
]
