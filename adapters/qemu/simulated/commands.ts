import { logIn } from './array.ts'
import { GRANULE } from './disks.ts'
import { granulesOf, type Job, type Machine } from './machine.ts'

type Args = Readonly<Record<string, unknown>>
/** What QEMU answers: a value, or a no in its own words. Nothing has changed before `accept`. */
export type Outcome = { readonly return: unknown } | { readonly error: { readonly class: string; readonly desc: string } }
export interface Understood {
  readonly changes: boolean
  run(accept: () => void): Outcome
}

const word = (args: Args, name: string): string => String(args[name] ?? '')
const no = (desc: string, kind = 'GenericError'): Outcome => ({ error: { class: kind, desc } })
const EMPTY: Outcome = { return: {} }
/** A check that says no, or what to do once it is accepted. */
type Change = (args: Args, machine: Machine) => Outcome | (() => void)

/** The commands of QEMU 7.2 that the adapter sends, with the refusals that were captured from it. */
export function understand(execute: string, args: Args, machine: Machine): Understood {
  const read = READS[execute]
  if (read) return { changes: false, run: () => ({ return: read(machine) }) }
  const change = CHANGES[execute]
  if (!change) return { changes: false, run: () => no(`The command ${execute} has not been found`, 'CommandNotFound') }
  return {
    changes: true,
    run: accept => {
      const outcome = change(args, machine)
      if (typeof outcome !== 'function') return outcome
      accept()
      outcome()
      machine.keep(false)
      return EMPTY
    },
  }
}

const READS: Readonly<Record<string, (machine: Machine) => unknown>> = {
  'query-version': () => ({ qemu: { micro: 22, minor: 2, major: 7 }, package: 'Signalbox simulator of 7.2' }),
  'query-named-block-nodes': ({ disks }) =>
    [...disks.values()].map(disk => ({
      'node-name': disk.node,
      drv: disk.driver,
      ro: false,
      file: disk.file,
      image: { 'virtual-size': disk.bytes, filename: disk.file, format: disk.driver },
      ...(disk.bitmaps.length === 0
        ? {}
        : {
            'dirty-bitmaps': disk.bitmaps.map(({ name, recording, persistent, inconsistent, dirty }) => ({
              name,
              recording,
              persistent,
              busy: false,
              granularity: GRANULE,
              count: dirty.length * GRANULE,
              ...(inconsistent ? { inconsistent } : {}),
            })),
          }),
    })),
  'query-block-exports': ({ exports }) =>
    [...exports].map(([id, node]) => ({ id, type: 'nbd', 'node-name': node, 'shutting-down': false })),
  'query-block': () => [], // a storage daemon has no guest
  'query-jobs': ({ jobs }) =>
    [...jobs.values()].map(job => ({
      id: job.id,
      type: job.type,
      status: job.status,
      ...(job.error === undefined ? {} : { error: job.error }),
    })),
  'query-block-jobs': ({ jobs }) =>
    [...jobs.values()].map(job => ({
      device: job.id,
      type: job.type,
      status: job.status,
      len: job.total * GRANULE,
      offset: (job.total - job.todo.length) * GRANULE,
      speed: job.speed,
      paused: job.status === 'paused',
      ready: job.status === 'ready',
      'io-status': job.fault ? 'failed' : 'ok',
    })),
  'x-debug-query-block-graph': ({ disks, jobs }) => {
    const names = [...disks.keys(), ...jobs.keys()]
    const id = (name: string): number => names.indexOf(name) + 1
    return {
      nodes: names.map(name => ({ id: id(name), type: jobs.has(name) ? 'block-job' : 'block-driver', name })),
      edges: [
        ...[...disks.values()].flatMap(({ node, backing }) =>
          backing === undefined ? [] : [{ parent: id(node), name: 'backing', child: id(backing) }],
        ),
        ...[...jobs.values()]
          .filter(job => job.status !== 'concluded')
          .flatMap(job => [
            { parent: id(job.id), name: 'source', child: id(job.source) },
            { parent: id(job.id), name: 'target', child: id(job.target) },
          ]),
      ],
    }
  },
}

const onJob =
  (name: string, allowed: readonly Job['status'][], effect: (job: Job, machine: Machine, args: Args) => void): Change =>
  (args, machine) => {
    const job = machine.jobs.get(word(args, name))
    if (!job) return name === 'id' ? no('Job not found') : no(`Block job '${word(args, name)}' not found`, 'DeviceNotActive')
    if (!allowed.includes(job.status)) return no(`Job '${job.id}' in state '${job.status}' cannot accept command verb`)
    return () => effect(job, machine, args)
  }

const conclude = (job: Job, machine: Machine, error?: string): void => {
  job.status = 'concluded'
  if (error !== undefined) job.error = error
  machine.say('JOB_STATUS_CHANGE', { id: job.id, status: 'concluded' })
}

const bitmapOf = (machine: Machine, args: Args) =>
  machine.disks.get(word(args, 'node'))?.bitmaps.find(one => one.name === word(args, 'name'))
const noBitmap = (args: Args): Outcome => no(`Dirty bitmap '${word(args, 'name')}' not found`)

const starts =
  (type: Job['type'], source: string, todo: (args: Args, machine: Machine) => readonly number[]): Change =>
  (args, machine) => {
    const from = machine.disks.get(word(args, source))
    const to = machine.disks.get(type === 'commit' ? (from?.backing ?? '') : word(args, 'target'))
    if (!from) return no(`Cannot find device='${word(args, source)}' nor node-name='${word(args, source)}'`)
    if (!to) return no(`Cannot find device='${word(args, 'target')}' nor node-name='${word(args, 'target')}'`)
    const id = word(args, 'job-id')
    if (machine.jobs.has(id)) return no(`Job ID '${id}' already in use`)
    if (type === 'mirror' && [...machine.disks.values()].some(one => one.backing === from.node))
      return no('Need a root block node')
    return () =>
      machine.begin({ id, type, source: from.node, target: to.node, speed: Number(args['speed'] ?? 0) }, todo(args, machine))
  }

const CHANGES: Readonly<Record<string, Change>> = {
  'object-add': (args, { secrets }) => {
    const id = word(args, 'id')
    if (secrets.has(id)) return no(`attempt to add duplicate property '${id}' to object (type 'container')`)
    return () => void secrets.set(id, word(args, 'data'))
  },
  'object-del': (args, { secrets }) => {
    const id = word(args, 'id')
    return secrets.has(id) ? () => void secrets.delete(id) : no(`object '${id}' not found`)
  },
  'blockdev-add': (args, { disks, files, secrets }) => {
    const node = word(args, 'node-name')
    if (disks.has(node)) return no(`Duplicate nodes with node-name='${node}'`)
    const server = args['server'] as Args | undefined
    const lun = args['driver'] === 'iscsi' ? logIn(args, secrets) : undefined
    if (lun && 'failed' in lun) return no(lun.failed)
    const file = lun
      ? lun.file
      : server
        ? `nbd:${word(server, 'path') || word(server, 'host')}`
        : word(Object(args['file']) as Args, 'filename')
    const bytes = files.size(file)
    if (bytes === undefined) return no(`Could not open '${file}': No such file or directory`)
    const overlay = 'backing' in args
    const backing = args['backing'] === null ? undefined : args['backing']
    return () =>
      void disks.set(node, {
        node,
        driver: word(args, 'driver'),
        file,
        bytes,
        bitmaps: [],
        ...(overlay ? { holds: [] } : {}),
        ...(typeof backing === 'string' ? { backing } : {}),
      })
  },
  'blockdev-del': (args, { disks, exports }) => {
    const node = word(args, 'node-name')
    if (!disks.has(node)) return no(`Failed to find node with node-name='${node}'`)
    if ([...exports.values()].includes(node)) return no(`Node ${node} is in use`)
    return () => void disks.delete(node)
  },
  'blockdev-mirror': starts('mirror', 'device', (args, { disks }) =>
    args['sync'] === 'none' ? [] : granulesOf(disks.get(word(args, 'device'))?.bytes ?? 0),
  ),
  'block-commit': starts('commit', 'device', (args, { disks }) => disks.get(word(args, 'device'))?.holds ?? []),
  'block-job-set-speed': onJob('device', ['running', 'ready', 'paused', 'standby'], (job, _, args) => {
    job.speed = Number(args['speed'])
  }),
  'block-job-pause': onJob('device', ['running', 'ready'], job => {
    job.status = 'paused'
  }),
  'block-job-resume': onJob('device', ['paused'], (job, machine) => {
    job.fault = false
    job.status = 'running'
    machine.push()
  }),
  'job-cancel': onJob('id', ['running', 'ready', 'paused', 'standby'], (job, machine) =>
    conclude(job, machine, 'Operation canceled'),
  ),
  'block-job-cancel': onJob('device', ['ready'], (job, machine) => conclude(job, machine)),
  'job-complete': onJob('id', ['ready'], (job, machine) => {
    conclude(job, machine)
    machine.move(job.source, job.target)
  }),
  'job-dismiss': onJob('id', ['concluded'], (job, { jobs }) => void jobs.delete(job.id)),
  'blockdev-snapshot': (args, machine) => {
    const [below, above] = [machine.disks.get(word(args, 'node')), machine.disks.get(word(args, 'overlay'))]
    if (!below || !above) return no(`Cannot find device='' nor node-name='${word(args, below ? 'overlay' : 'node')}'`)
    return () => {
      above.backing = below.node
      machine.move(below.node, above.node)
    }
  },
  'block-export-add': (args, { exports }) => {
    if (exports.has(word(args, 'id'))) return no(`Block export id '${word(args, 'id')}' is already in use`)
    return () => void exports.set(word(args, 'id'), word(args, 'node-name'))
  },
  'block-export-del': (args, { exports }) =>
    exports.has(word(args, 'id')) ? () => void exports.delete(word(args, 'id')) : no(`Export '${word(args, 'id')}' is not found`),
  'block-dirty-bitmap-add': (args, { disks }) => {
    const disk = disks.get(word(args, 'node'))
    if (!disk) return no(`Node '${word(args, 'node')}' not found`)
    const persistent = args['persistent'] === true
    return () => void disk.bitmaps.push({ name: word(args, 'name'), persistent, recording: true, inconsistent: false, dirty: [] })
  },
  'block-dirty-bitmap-disable': (args, machine) => {
    const found = bitmapOf(machine, args)
    if (!found) return noBitmap(args)
    return () => {
      found.recording = false
    }
  },
  'block-dirty-bitmap-clear': (args, machine) => {
    const found = bitmapOf(machine, args)
    if (!found) return noBitmap(args)
    return () => {
      found.dirty = []
    }
  },
  'block-dirty-bitmap-remove': (args, machine) => {
    const disk = machine.disks.get(word(args, 'node'))
    if (!disk || !bitmapOf(machine, args)) return noBitmap(args)
    return () => {
      disk.bitmaps = disk.bitmaps.filter(one => one.name !== word(args, 'name'))
    }
  },
  'blockdev-backup': starts('backup', 'device', () => []),
  transaction: (args, machine) => {
    const effects: (() => void)[] = []
    for (const one of args['actions'] as readonly { readonly type: string; readonly data: Args }[]) {
      const outcome = CHANGES[one.type]?.(one.data, machine) ?? no(`Invalid parameter '${one.type}'`)
      if (typeof outcome !== 'function') return outcome
      effects.push(outcome)
    }
    return () => {
      for (const effect of effects) effect()
    }
  },
}
