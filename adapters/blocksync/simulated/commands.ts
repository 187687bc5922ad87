import { randomUUID } from 'node:crypto'
import type { Answer, Handling } from '../../../src/kit/simulate.ts'
import type { Host, Work } from './works.ts'

const ok = (said: unknown): Answer => ({ stdout: `${JSON.stringify(said)}\n`, code: 0 })
const no = (why: string): Answer => ({ stdout: '', stderr: `${why}\n`, code: 1 })
const reading = (run: () => Answer): Handling => ({ changes: false, run })

/** The command line of the mover, with the shapes of its answers; what it moves is SYNTHETIC. */
export function commandsOf(host: Host): (words: readonly string[]) => Handling {
  return all => {
    const from = all.indexOf('blocksync')
    const [, verb = '', ...rest] = from < 0 ? [] : all.slice(from)
    const option = (name: string): string | undefined => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined)
    const path = rest[0] ?? ''
    switch (verb) {
      case 'status':
        return reading(() => ok(statusOf(host, path)))
      case 'works':
        return reading(() => {
          const works = Object.keys(host.works())
            .filter(work => work.startsWith(`${path}/`))
            .sort()
            .map(work => ({ name: work.slice(path.length + 1), ...statusOf(host, work) }))
          return ok({ folder: path, count: works.length, works })
        })
      case 'sets':
        return reading(() => {
          const machine = rest[1] ?? ''
          return ok({ machine, count: host.sets(machine).length, sets: host.sets(machine).slice(-1) })
        })
      case 'generations':
        return reading(() => {
          const disk = option('--disk') ?? ''
          const generations = host
            .generations(disk)
            .map(({ point: _, ...one }) => ({ ...one, whole: one.generation === 1, bytes: one.size }))
          return ok({ disk, count: generations.length, generations })
        })
      case 'push':
        return started(host, all, option('--work'), () => ({
          about: option('--disk') ?? '',
          end: 'generation',
          total: host.size,
        }))
      case 'push-set':
        return started(host, all, option('--work'), () => {
          const order = host.orderAt(path)
          if (!order) return `The file ${path} cannot be read. Nothing was pushed. Say the right one, then start again.`
          return { about: order.machine, end: 'set', total: order.disks.reduce((sum, { size }) => sum + size, 0) }
        })
      case 'pull-set':
      case 'ebs-set':
        return started(host, all, option('--work'), () => {
          const machine = rest[1] ?? ''
          const sets = host.sets(machine)
          const set = sets[Number(option('--set') ?? sets.length) - 1]
          if (!set) return `The store has ${sets.length} sets of ${machine}. Push one first, or say another.`
          const total = set.disks.reduce((sum, { size }) => sum + size, 0)
          return { about: machine, end: verb === 'pull-set' ? 'images' : 'snapshots', total }
        })
      case 'verify':
        return started(host, all, option('--work'), () => ({ about: option('--disk') ?? '', end: 'verified', total: 0 }))
      case 'steer':
        return steered(host, path, rest, option('--limit'))
      case 'resume':
        return changing(host, path, work => {
          if (work.state === 'done') return
          if (!work.alive) work.start = randomUUID()
          Object.assign(work, { state: 'running', alive: true, error: undefined })
        })
      case 'forget':
        return {
          changes: true,
          run: accept => {
            if (host.works()[path]?.alive)
              return no(`A mover is at work in ${path}. Cancel it, or wait for it, then say this again.`)
            accept()
            host.forget(path)
            return ok({ work: path, state: 'none', alive: false })
          },
        }
      default:
        return reading(() => no(`error: unknown command '${verb}'`))
    }
  }
}

function started(
  host: Host,
  all: readonly string[],
  path: string | undefined,
  plan: () => string | Pick<Work, 'about' | 'end' | 'total'>,
): Handling {
  const words = all.slice(1).filter((word, at, list) => !OURS.includes(word) && list[at - 1] !== '--intent')
  return {
    changes: true,
    run: accept => {
      const planned = plan()
      if (typeof planned === 'string' || path === undefined) return no(typeof planned === 'string' ? planned : 'error: no --work')
      const there = host.works()[path]
      if (there?.alive && JSON.stringify(there.words) === JSON.stringify(words))
        return ok({ already: true, ...statusOf(host, path) })
      if (there?.alive) return no(`Another mover is at work in ${path}, on another request.`)
      accept()
      const intent = all[all.indexOf('--intent') + 1]
      host.begin(path, {
        ...{ words, verb: all[all.indexOf('blocksync') + 1] ?? '', ...planned, intent, start: randomUUID() },
        ...{ state: 'running', alive: true, done: 0, limit: undefined, error: undefined, result: undefined },
      })
      return ok({ already: false, ...statusOf(host, path) })
    },
  }
}
const OURS = ['--detach', '--intent']

function steered(host: Host, path: string, words: readonly string[], limit: string | undefined): Handling {
  return {
    changes: true,
    run: accept => {
      const work = host.works()[path]
      if (!work) return no(`No mover has worked in ${path}. Say the folder that --work named.`)
      accept()
      host.change(path, one => {
        if (limit !== undefined) one.limit = limit === 'none' ? undefined : Number(limit)
        if (!one.alive) return
        if (words.includes('--pause')) one.state = 'paused'
        if (words.includes('--cancel')) Object.assign(one, { state: 'cancelled', alive: false, error: 'It was cancelled.' })
      })
      return ok({
        paused: words.includes('--pause'),
        cancelled: words.includes('--cancel'),
        ...(work.limit === undefined ? {} : { limit: work.limit }),
      })
    },
  }
}

function changing(host: Host, path: string, change: (work: Work) => void): Handling {
  return {
    changes: true,
    run: accept => {
      if (!host.works()[path]) return no(`No mover has worked in ${path}. Say the folder that --work named.`)
      accept()
      host.change(path, change)
      return ok({ already: false, ...statusOf(host, path) })
    },
  }
}

function statusOf(host: Host, path: string): Readonly<Record<string, unknown>> {
  const work = host.works()[path]
  if (!work) return { work: path, state: 'none', alive: false }
  const { words, start, intent, state, alive, about, done, total, error, result, limit } = work
  return {
    work: path,
    ...{ what: work.end === 'generation' || work.end === 'set' ? 'push' : 'pull', disk: about, generation: 0 },
    counts: { total, done, read: done, zero: 0, changed: done, sent: done },
    ...{ state, alive, error, request: { words, cwd: '/', start, intent }, result, limit },
  }
}
