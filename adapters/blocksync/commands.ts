import { fixed, type Word, word } from '../../src/kit/quote.ts'

type Words = readonly Word[]

/** Where the mover is and where it keeps its things, on its host. */
export interface Place {
  readonly command: readonly string[] // how signalbox is called there
  readonly store: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly work: string // the folder of work folders
  readonly images: string // where pulled machines come to be, a folder for each
  readonly ebs?: { readonly endpoint?: string | undefined; readonly region?: string | undefined } | undefined
  readonly environment?: Readonly<Record<string, string>> | undefined // names of files and profiles, never secrets
}

/** What the preview of a plan shows: the site file says what these are. */
export const USUAL: Place = { command: ['signalbox'], store: 'STORE', work: 'WORK', images: 'IMAGES' }

/** A parameter may be a reference that is not resolved yet: then it is text, which is never sent. */
type Number_ = number | string

export const commands = (place: Place) => {
  const environment = Object.entries(place.environment ?? {}).map(([name, value]) => word.path(value, `${name}=`))
  const program: Words = [
    ...(environment.length === 0 ? [] : [...fixed('env'), ...environment]),
    ...place.command.map(one => (one.startsWith('-') ? word.fixed(one) : word.path(one))),
  ]
  const say = (verb: string, ...words: Words): Words => [...program, ...fixed('blocksync', verb), ...words]
  const option = (name: string, value: string | undefined, of = word.path): Words =>
    value === undefined ? [] : [word.fixed(name), of(value)]
  const number = (name: string, value: Number_ | undefined): Words =>
    value === undefined ? [] : [word.fixed(name), word.number(value)]
  const store = word.path(place.store)
  const s3 = [...option('--endpoint', place.endpoint), ...option('--region', place.region)]
  const work = (sync: string): Word => word.path(`${place.work}/${sync}`)
  const at = (sync: string): Words => [...s3, word.fixed('--work'), work(sync)]
  const ebs = [...option('--ebs-endpoint', place.ebs?.endpoint), ...option('--ebs-region', place.ebs?.region)]
  return {
    status: (sync: string): Words => say('status', work(sync), ...fixed('--or-none')),
    works: (): Words => say('works', word.path(place.work)),
    newestSet: (machine: string): Words => say('sets', store, word.name(machine), ...fixed('--newest', '1'), ...s3),
    generations: (disk: string): Words => say('generations', store, ...option('--disk', disk, word.name), ...s3),

    push: (sync: string, disk: string, source: string, changed?: string, point?: string): Words =>
      say(
        'push',
        word.path(source),
        store,
        ...option('--disk', disk, word.name),
        ...option('--changed', changed),
        ...option('--point', point, word.text),
        ...at(sync),
      ),
    pushOrder: (sync: string, order: string, digest?: string): Words =>
      say('push-set', word.path(order), store, ...option('--digest', digest, word.name), ...at(sync)),
    pull: (sync: string, machine: string, set?: Number_): Words =>
      say('pull-set', store, word.name(machine), word.path(`${place.images}/${machine}`), ...number('--set', set), ...at(sync)),
    publish: (sync: string, machine: string, set?: Number_): Words =>
      say('ebs-set', store, word.name(machine), ...number('--set', set), ...ebs, ...at(sync)),
    verify: (sync: string, disk: string): Words => say('verify', store, ...option('--disk', disk, word.name), ...at(sync)),

    pause: (sync: string): Words => say('steer', work(sync), ...fixed('--pause')),
    cancel: (sync: string): Words => say('steer', work(sync), ...fixed('--cancel')),
    limit: (sync: string, rate: Number_): Words =>
      say('steer', work(sync), ...fixed('--limit'), rate === 0 ? word.fixed('none') : word.number(rate)),
    resume: (sync: string): Words => say('resume', work(sync)),
    forget: (sync: string): Words => say('forget', work(sync)),
  }
}

/** What makes it a process of its own, and by what its request is known again. */
export const detached = (words: Words, intent: string): Words => [...words, ...fixed('--detach', '--intent'), word.path(intent)]

/** The request as the mover keeps it: from `blocksync` on, so that it is the same however signalbox is called. */
export function requestOf(words: readonly string[]): string {
  const from = words.indexOf('blocksync')
  return JSON.stringify(from < 0 ? words : words.slice(from))
}
