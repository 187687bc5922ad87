import { z } from 'zod'
import { capability } from '../../src/kit/device.ts'
import { shown } from '../../src/kit/quote.ts'
import { check } from './check.ts'
import { powermig, powermt, USUAL } from './commands.ts'
import { DiskName, Nothing, OneSession, Pair } from './params.ts'
import type { Session } from './powermig.ts'
import { cutoverReadyOf } from './preflight.ts'
import type { PowerPathHost } from './wire.ts'

const on = capability<PowerPathHost>()
const [mt, mig] = [powermt(USUAL), powermig(USUAL)]

export const hbas = on({
  summary: 'Show the host bus adapters and their path counts.',
  examples: ['show hbas on sql01'],
  params: Nothing,
  says: target => `show hbas on ${target}`,
  sends: () => [shown(mt.summary())],
  effect: 'read',
  perform: (host, { signal }) => host.hbas(signal),
  shows: found =>
    found.hbas.map(
      hba =>
        `hba ${hba.hba} ${hba.hardware ?? 'unknown'}: ${hba.summary}, ${hba.dead} of ${hba.total} paths dead${count(hba.errors, 'error')}`,
    ),
})

export const paths = on({
  summary: 'Show every PowerPath device with its paths; a device counts as dead as its worst path.',
  examples: ['show paths on sql01'],
  params: Nothing,
  says: target => `show paths on ${target}`,
  sends: () => [shown(mt.all())],
  effect: 'read',
  perform: (host, { signal }) => host.paths(signal),
  shows: found =>
    found.devices.map(
      device =>
        `${device.pseudo ?? device.paths[0]?.name ?? device.device} (${[device.product, device.array, device.device].filter(Boolean).join(' ')}): ${device.alive} of ${device.total} paths alive`,
    ),
})

export const pathsOf = on({
  summary: 'Show the paths of one PowerPath device.',
  examples: ['show paths of harddisk5 on sql01'],
  params: z.object({ device: DiskName }),
  says: (target, { device }) => `show paths of ${device} on ${target}`,
  sends: ({ device }) => [shown(mt.device(device))],
  effect: 'read',
  perform: (host, { params, signal }) => host.device(params.device, signal),
  shows: device => [
    `${device.alive} of ${device.total} paths alive; PowerPath calls the device ${device.state}`,
    ...device.paths.map(
      path =>
        `${path.name ?? path.hardware ?? 'path'} by ${path.interface}: ${path.mode}, ${path.state}${count(path.errors, 'error')}`,
    ),
  ],
})

export const sessions = on({
  summary: 'Show the migration sessions of a host.',
  examples: ['show sessions on sql01'],
  params: Nothing,
  says: target => `show sessions on ${target}`,
  sends: () => [shown(mig.list())],
  effect: 'read',
  perform: async (host, { signal }) => {
    const sessions = await host.sessions(signal)
    return { sessions, count: sessions.length }
  },
  shows: found => (found.sessions.length === 0 ? ['no session'] : found.sessions.map(line)),
})

export const session = on({
  summary: 'Show one migration session.',
  examples: ['show session 1 on sql01'],
  params: OneSession,
  says: (target, { session }) => `show session ${session} on ${target}`,
  sends: ({ session }) => [shown(mig.session(session))],
  effect: 'read',
  perform: (host, { params, signal }) => host.session(params.session, signal),
  shows: found => [line(found)],
  progress: ({ percent, state }) => ({ ...(percent === undefined ? {} : { done: percent / 100 }), note: state }),
})

export const version = on({
  summary: 'Show the version of PowerPath.',
  examples: ['show version of powerpath on sql01'],
  params: Nothing,
  says: target => `show version of powerpath on ${target}`,
  sends: () => [shown(mt.version())],
  effect: 'read',
  perform: (host, { signal }) => host.version(signal),
})

export const preflight = on({
  summary: 'Check two disks before a migration: sizes, paths, identities, other sessions.',
  examples: ['check migration from harddisk5 to harddisk8 on sql01'],
  params: Pair,
  says: (target, pair) => `check migration from ${pair.source} to ${pair.target} on ${target}`,
  sends: pair => [shown(mt.device(pair.source)), shown(mt.device(pair.target)), shown(mig.list())],
  effect: 'read',
  perform: (host, { params, signal }) => check(host, params, signal),
})

export const cutoverReady = on({
  summary: 'Check what must hold before the target is selected: the state and the paths of both disks.',
  examples: ['check cutover of session 1 on sql01'],
  params: OneSession,
  says: (target, { session }) => `check cutover of session ${session} on ${target}`,
  sends: ({ session }) => [shown(mig.session(session)), shown(mt.device('<source>')), shown(mt.device('<target>'))],
  effect: 'read',
  perform: async (host, { params, signal }) => {
    const found = await host.session(params.session, signal)
    return cutoverReadyOf(found, await host.device(found.source, signal), await host.device(found.target, signal))
  },
})

const line = (one: Session): string =>
  `session ${one.session}: ${one.source} to ${one.target}, ${one.state}${one.percent === undefined ? '' : `, ${one.percent} % copied`}${one.throttle === undefined ? '' : `, throttle ${one.throttle}`}`

const count = (number: number | undefined, what: string): string =>
  number === undefined || number === 0 ? '' : `, ${number} ${what}${number === 1 ? '' : 's'}`
