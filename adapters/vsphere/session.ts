import { Misread } from '../../src/kit/errors.ts'
import type { Ref, Request } from './soap.ts'
import { child, type Element } from './xml.ts'

export interface Login {
  readonly username: string
  readonly password: string
}

/** The objects that everything begins at. They have other names on an ESXi, so they are always asked for. */
export interface Content {
  readonly rootFolder: Ref
  readonly propertyCollector: Ref
  readonly viewManager: Ref
  readonly sessionManager: Ref
  readonly taskManager: Ref
  readonly version: string // of its API
}

/** The only object whose name is known beforehand. */
export const ROOT: Ref = { kind: 'ServiceInstance', id: 'ServiceInstance' }

export function contentIn(answer: readonly Element[]): Content {
  const [content, ...more] = answer
  if (!content || more.length > 0) throw new Misread('this is not the content of a vCenter', '')
  const of = (name: string): Ref => refIn(child(content, name), name)
  const version = child(content, 'about', 'apiVersion')?.text ?? ''
  if (!/^\d{1,3}(\.\d{1,3}){1,4}$/.test(version)) throw new Misread('vCenter does not say which version its API has', '')
  return {
    rootFolder: of('rootFolder'),
    propertyCollector: of('propertyCollector'),
    viewManager: of('viewManager'),
    sessionManager: of('sessionManager'),
    taskManager: of('taskManager'),
    version,
  }
}

/** A reference: `<returnval type="Task">task-86</returnval>`. */
export function refIn(element: Element | undefined, what: string): Ref {
  const [kind, id] = [element?.kind ?? '', element?.text ?? '']
  if (!/^[A-Za-z]{1,64}$/.test(kind) || !/^[!-~]{1,300}$/.test(id))
    throw new Misread(`vCenter does not say which object is its ${what}`, '')
  return { kind, id }
}

export const loginRequest = ({ sessionManager }: Content, { username, password }: Login): Request => ({
  method: 'Login',
  of: sessionManager,
  args: [
    ['userName', username],
    ['password', password],
  ],
})

export const logoutRequest = ({ sessionManager }: Content): Request => ({ method: 'Logout', of: sessionManager, args: [] })

/** A view of every machine, in whatever folder it lies. */
export const machinesRequest = ({ viewManager, rootFolder }: Content): Request => ({
  method: 'CreateContainerView',
  of: viewManager,
  args: [
    ['container', rootFolder],
    ['type', 'VirtualMachine'],
    ['recursive', true],
  ],
})

export function viewIn(answer: readonly Element[]): Ref {
  if (answer.length !== 1) throw new Misread('this is not a view of machines', '')
  return refIn(answer[0], 'view of machines')
}
