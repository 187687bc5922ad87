import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Accepted, ledgerIn } from '../../src/kit/ledger.ts'
import { cutInTheMiddle, type Misbehave, mischief } from '../../src/kit/misbehave.ts'
import { CHANGES } from './simulated/changes.ts'
import { ebs, ebsError, operationOf, type Said } from './simulated/ebs.ts'
import { inventory } from './simulated/inventory.ts'
import { looking } from './simulated/looks.ts'
import { type Machine, machineIn, push } from './simulated/machine.ts'
import { answerXml, errorXml, No, queryOf } from './simulated/query.ts'
import type { Access } from './wire.ts'

export interface Options {
  readonly folder: string // state, blocks and ledger; a second start in it is a restart
  readonly moves?: 'by push' | 'by looking' // what is under way goes on when it is pushed, or a step with each look
}

/** An answer that AWS gives instead: before the request takes effect, or after it did. */
export interface Fault {
  readonly to: RegExp // StopInstances, PutSnapshotBlock ...
  readonly code: string
  readonly status?: number // 400 by default
  readonly after?: boolean
  readonly times?: number // 1 by default
}

/** What a test looks at after a change: no clock and no counter in it, so that two equal states are equal. */
export interface State {
  readonly instances: Readonly<Record<string, string>>
  readonly volumes: Readonly<Record<string, string>>
  readonly snapshots: Readonly<Record<string, string>>
  readonly images: Readonly<Record<string, string>>
  readonly tasks: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

export interface Simulation {
  readonly settings: Access & { readonly endpoint: string }
  readonly machine: Machine
  state(): State
  ledger(): readonly Accepted[]
  push(): void
  fail(fault: Fault): void
  /** The credentials are of no use from the n-th request on, until they are renewed. */
  expire(after?: number): void
  renew(): void
  misbehave(knob: Misbehave): void
  heal(): void
  stop(): Promise<void>
}

const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' // the vendor's own example
const REGION = 'eu-west-1'

/** EC2's Query API and the EBS direct APIs of one region, on one port of the loopback. */
export async function simulate({ folder, moves = 'by push' }: Options): Promise<Simulation> {
  mkdirSync(folder, { recursive: true })
  const machine = machineIn(folder, inventory)
  const ledger = ledgerIn(folder)
  const sockets = new Set<Socket>()
  const faults: { readonly fault: Fault; left: number }[] = []
  let valid = Number.POSITIVE_INFINITY
  const hangUpAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  // Whoever is away refuses connections: one that is taken on and closed would leave open whether a request arrived.
  const trouble = mischief(() => {
    server.close()
    hangUpAll()
  })

  const meet = (request: IncomingMessage, body: Buffer, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const isEbs = url.pathname.startsWith('/snapshots')
    const query = queryOf(isEbs ? '' : body.toString('utf8'))
    const action = isEbs ? operationOf({ method: request.method ?? '', path: url.pathname }) : query.action
    const changes = isEbs ? request.method !== 'GET' : action in CHANGES
    const command = isEbs ? `${action} ${url.pathname}` : `${action} ${query.text}`
    const no = (code: string, message: string, status = 400): Said =>
      isEbs ? ebsError(status, code, message) : { status, body: errorXml(code, message) }
    const unsigned = refusalOf(request, isEbs ? 'ebs' : 'ec2', valid <= 0)
    valid--
    const knob = trouble.next(command, changes)
    const faulty = faults.find(one => one.left > 0 && one.fault.to.test(action))
    if (faulty) faulty.left--
    const fault = faulty?.fault
    const accept = (): void => ledger.accept(command)
    const handle = (): Said => {
      if (unsigned) return no(unsigned, 'The request was not signed as it must be', unsigned === 'AuthFailure' ? 401 : 400)
      if (fault && fault.after !== true) return no(fault.code, 'simulator: as it was told', fault.status)
      if (knob?.how === 'refuse') return no('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403)
      try {
        if (moves === 'by looking' && !changes) push(machine)
        const said = isEbs
          ? ebs(
              { method: request.method ?? '', path: url.pathname, query: url.searchParams, headers: request.headers, body },
              machine,
              accept,
            )
          : { status: 200, body: answerXml(action, CHANGES[action]?.(query, machine, accept) ?? looking(query, machine) ?? {}) }
        if (changes) machine.keep()
        return fault ? no(fault.code, 'simulator: as it was told', fault.status) : said
      } catch (error) {
        if (error instanceof No) return no(error.code, error.message, error.status)
        throw error
      }
    }
    if (knob?.how === 'hang') return
    if (knob?.how === 'lose request') return void request.socket.destroy()
    const said = handle()
    if (knob?.how === 'lose answer') return void request.socket.destroy()
    response.writeHead(said.status, { 'content-type': 'text/xml;charset=UTF-8', ...said.headers })
    if (knob?.how === 'talk forever') talk(response)
    else response.end(knob?.how === 'garble' ? (knob.spoil ?? cutInTheMiddle)(said.body.toString()) : said.body)
  }

  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => meet(request, Buffer.concat(parts), response))
    request.on('error', () => {})
    response.on('error', () => {})
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    settings: {
      region: REGION,
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET },
      tags: { owner: 'storage-ops' },
      isolated: { subnet: 'subnet-0a01', securityGroups: ['sg-0a01'] },
      production: { subnet: 'subnet-0b02', securityGroups: ['sg-0b02'] },
    },
    machine,
    state: () => stateOf(machine),
    ledger: ledger.all,
    push: () => push(machine),
    fail: fault => void faults.push({ fault, left: fault.times ?? 1 }),
    expire(after = 0) {
      valid = after
    },
    renew() {
      valid = Number.POSITIVE_INFINITY
    },
    misbehave: trouble.add,
    heal() {
      trouble.heal()
      if (!server.listening) void listen(port)
    },
    async stop() {
      hangUpAll()
      if (server.listening) await new Promise<void>(resolve => server.close(() => resolve()))
      machine.keep()
      ledger.close()
    },
  }
}

/** Whether it is signed at all, by the right key and for the right service. The signature itself is not computed again. */
function refusalOf({ headers }: IncomingMessage, service: string, expired: boolean): string | undefined {
  const scope = new RegExp(
    `^AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/\\d{8}/${REGION}/${service}/aws4_request,.*Signature=[0-9a-f]{64}$`,
  )
  const isSigned = scope.test(headers.authorization ?? '') && headers['x-amz-date'] !== undefined
  if (!isSigned) return service === 'ebs' ? 'AccessDeniedException' : 'AuthFailure'
  if (!expired) return undefined
  return service === 'ebs' ? 'ExpiredTokenException' : 'RequestExpired'
}

function talk(response: ServerResponse): void {
  const noise = 'x'.repeat(65_536)
  const more = (): void => {
    if (response.destroyed) return
    if (response.write(noise)) setImmediate(more)
    else response.once('drain', more)
  }
  more()
}

function stateOf({ instances, volumes, snapshots, images, tasks }: Machine): State {
  const shown = <T>(things: Readonly<Record<string, T>>, show: (one: T) => string): Record<string, string> =>
    Object.fromEntries(Object.entries(things).map(([id, one]) => [id, show(one)]))
  return {
    instances: shown(instances, one => `${one.state} ${one.type} ${one.subnet} ${Object.values(one.deletes).join()}`),
    volumes: shown(
      volumes,
      one =>
        `${one.state} ${one.gib} ${one.zone} ${one.attachment ? `${one.attachment.instance} ${one.attachment.device} ${one.attachment.state}` : '-'}`,
    ),
    snapshots: shown(snapshots, one => `${one.state} ${one.volume ?? '-'}`),
    images: shown(images, one => `${one.state} ${one.name} ${one.disks.map(disk => `${disk.device}=${disk.snapshot}`).join()}`),
    tasks: shown(tasks, one => `${one.state} ${one.source}`),
    tags: Object.fromEntries(
      [...Object.values(instances), ...Object.values(volumes), ...Object.values(snapshots), ...Object.values(images)].flatMap(
        ({ id, tags }) => Object.entries(tags).map(([key, value]) => [`${id} ${key}`, value] as const),
      ),
    ),
  }
}

export const lab = { aws01: { moves: 'by looking' } } as const
