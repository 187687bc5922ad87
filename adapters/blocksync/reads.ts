import { capability } from '../../src/kit/device.ts'
import { shown } from '../../src/kit/quote.ts'
import { readGenerations, readSets, readWorks, type Sync, syncOf } from './answers.ts'
import { commands, USUAL } from './commands.ts'
import { Nothing, OneDisk, OneMachine, OneSync } from './params.ts'
import type { Mover } from './wire.ts'

const on = capability<Mover>()
const usual = commands(USUAL)

export const sync = on({
  summary: 'Show one sync: how far it is, how it ended, and what came of it.',
  examples: ['show sync web01-1 on dr'],
  params: OneSync,
  says: (host, { sync }) => `show sync ${sync} on ${host}`,
  sends: ({ sync }) => [shown(usual.status(sync))],
  effect: 'read',
  perform: async (mover, { params, signal }) => syncOf(params.sync, await mover.status(params.sync, signal)),
  shows: one => [line(one), ...came(one)],
  progress: ({ done, total, state }) => ({
    ...(done === undefined || total === undefined ? {} : { done: Math.min(1, done / total), copied: done, total }),
    note: state,
  }),
})

export const syncs = on({
  summary: 'Show the syncs whose work is still there.',
  examples: ['show syncs on dr'],
  params: Nothing,
  says: host => `show syncs on ${host}`,
  sends: () => [shown(usual.works())],
  effect: 'read',
  perform: async (mover, { signal }) => {
    const { works, count } = await mover.ask(mover.say.works(), readWorks, signal)
    const syncs = works.map(({ name, ...status }) => syncOf(name, status))
    const of = (...states: readonly Sync['state'][]): number => syncs.filter(one => states.includes(one.state)).length
    return { syncs, count, running: of('running', 'paused'), failed: of('failed', 'dead') }
  },
  shows: ({ syncs }) => (syncs.length === 0 ? ['no sync'] : syncs.map(line)),
})

export const recoveryPoints = on({
  summary: 'Show the recovery points of a machine: how many, the newest, and from where the next one goes on.',
  examples: ['show recovery points of web01 on dr'],
  params: OneMachine,
  says: (host, { machine }) => `show recovery points of ${machine} on ${host}`,
  sends: ({ machine }) => [shown(usual.newestSet(machine))],
  effect: 'read',
  perform: async (mover, { params, signal }) => {
    const { count, sets } = await mover.ask(mover.say.newestSet(params.machine), readSets, signal)
    const newest = sets.at(-1)
    return {
      machine: params.machine,
      points: count,
      ...(newest ? { newest: newest.set, taken: newest.taken, point: newest.point } : {}),
      disks: newest?.disks.length ?? 0,
      since: Object.fromEntries((newest?.disks ?? []).map(({ disk, point }) => [disk, point])),
    }
  },
  shows: ({ machine, points, newest, taken, disks }) =>
    newest === undefined || taken === undefined
      ? [`${machine} has no recovery point`]
      : [
          `${machine}: ${points} recovery points`,
          `the newest is set ${newest}, ${disks} disks as they were at ${new Date(taken).toISOString()}`,
        ],
})

export const generations = on({
  summary: 'Show what the store has of a disk.',
  examples: ['show generations of web01-2000 on dr'],
  params: OneDisk,
  says: (host, { disk }) => `show generations of ${disk} on ${host}`,
  sends: ({ disk }) => [shown(usual.generations(disk))],
  effect: 'read',
  perform: async (mover, { params, signal }) => {
    const { count, generations } = await mover.ask(mover.say.generations(params.disk), readGenerations, signal)
    const newest = generations.at(-1)
    return {
      disk: params.disk,
      count,
      ...(newest ? { newest: newest.generation, digest: newest.digest, size: newest.size } : {}),
      generations,
    }
  },
  shows: ({ disk, generations }) =>
    generations.length === 0
      ? [`the store has no generation of ${disk}`]
      : generations.map(
          one => `generation ${one.generation}: ${one.whole ? 'the whole disk' : 'what changed'}, ${one.bytes} bytes`,
        ),
})

const line = (one: Sync): string =>
  [
    `sync ${one.sync}: ${one.state === 'none' ? 'there is none' : one.state}`,
    ...(one.about === undefined ? [] : [one.about]),
    ...(one.done === undefined || one.total === undefined ? [] : [`${one.done} of ${one.total} bytes`]),
    ...(one.limit === undefined ? [] : [`limited to ${one.limit} bytes a second`]),
    ...(one.error === undefined ? [] : [one.error]),
  ].join(', ')

const came = (one: Sync): readonly string[] => [
  ...(one.set === undefined ? [] : [`set ${one.set}`]),
  ...(one.generation === undefined ? [] : [`generation ${one.generation}`]),
  ...(one.bad === undefined ? [] : [`${one.bad} of ${one.chunks ?? 0} chunks are bad`]),
  ...Object.entries(one.images ?? {}).map(([disk, image]) => `${disk}: ${image}`),
  ...Object.entries(one.snapshots ?? {}).map(([disk, snapshot]) => `${disk}: ${snapshot}`),
]
