import { exclusive } from '../../src/kit/claims.ts'
import { Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { change } from './change.ts'
import type { Machine } from './machines.ts'
import { OneMachine, spoken } from './params.ts'

const MINUTE: Millis = 60_000
/** The same machine, not started anew in between. */
const boot = ({ booted }: Machine): string => (booted === undefined ? '' : String(booted))
const stands = ({ power }: Machine): string => power
const claims = ({ machine }: { readonly machine: string }) => [exclusive('machine', machine, 'power')]
const result = ({ name, power }: Machine) => ({ machine: name, power })

const on = ({ name, power }: Machine): void => {
  if (power !== 'poweredOn') throw new Refused(`${name} is ${power} already`)
}

export const powerOn = change({
  summary: 'Power a machine on, or resume it.',
  examples: ['power on web01 on vc01'],
  params: OneMachine,
  risk: 'disruptive',
  takes: 10 * MINUTE,
  method: 'PowerOnVM_Task',
  says: (vc, { machine }) => `power on ${spoken(machine)} on ${vc}`,
  args: () => [],
  claims,
  guard: now => {
    if (now.power === 'poweredOn') throw new Refused(`${now.name} is powered on already`)
    if (now.hidesNx)
      throw new Refused(`a CPU mask hides NX from ${now.name}: Windows would stop with 0x000000C4, so take the mask away first`)
  },
  stands,
  from: ['poweredOff', 'suspended'],
  to: ['poweredOn'],
  result,
})

export const powerOff = change({
  summary: 'Cut the power of a machine, as if its plug were pulled.',
  examples: ['power off web01 on vc01'],
  params: OneMachine,
  risk: 'disruptive',
  takes: 10 * MINUTE,
  method: 'PowerOffVM_Task',
  says: (vc, { machine }) => `power off ${spoken(machine)} on ${vc}`,
  args: () => [],
  claims,
  guard: on,
  stands,
  about: boot,
  from: ['poweredOn'],
  to: ['poweredOff'],
  result,
})

export const shutDown = change({
  summary: 'Ask the guest to shut down, through VMware Tools, and wait until the machine is off.',
  examples: ['shut down guest of web01 on vc01'],
  params: OneMachine,
  risk: 'disruptive',
  takes: 15 * MINUTE,
  method: 'ShutdownGuest',
  says: (vc, { machine }) => `shut down guest of ${spoken(machine)} on ${vc}`,
  args: () => [],
  claims,
  guard: now => {
    on(now)
    if (now.tools !== 'guestToolsRunning')
      throw new Refused(`VMware Tools do not run in ${now.name}: nobody there can shut it down`)
  },
  stands,
  about: boot,
  from: ['poweredOn'],
  to: ['poweredOff'],
  result,
})
