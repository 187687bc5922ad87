import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { ssh } from '../../src/kit/ssh.ts'
import { canLogIn, NO_LOGIN, sshFields } from '../../src/kit/ssh-settings.ts'
import * as changes from './changes.ts'
import { readHostPaths } from './hosts.ts'
import { readNodes, readPowerSupplies, readWebApi } from './nodes.ts'
import { readRcipPorts } from './ports.ts'
import { readGroups, readLinks, readRemoteCopy, readTargets } from './rcopy.ts'
import * as reads from './reads.ts'
import { readSystem, readVersion } from './system.ts'
import { readTasks } from './tasks.ts'
import { storeServ } from './wire.ts'

/** How the site file describes an array. */
export const Settings = z
  .strictObject({
    ...sshFields,
  })
  .refine(canLogIn, NO_LOGIN)

export default adapter({
  name: 'threepar',
  summary: 'HPE 3PAR, Primera and Alletra arrays: remote copy and Peer Persistence.',
  settings: Settings,
  // The array has few places for commands: two let a look go beside a switchover, and leave the others to people.
  connect: settings => storeServ(ssh({ ...settings, dialect: 'appliance', channels: 2 })),
  capabilities: { ...reads, ...changes },
  readings: {
    remoteCopy: { summary: 'showrcopy', read: readRemoteCopy },
    groups: { summary: 'showrcopy groups, showrcopy groups <name>', read: readGroups },
    targets: { summary: 'showrcopy targets', read: readTargets },
    links: { summary: 'showrcopy links', read: readLinks },
    system: { summary: 'showsys', read: readSystem },
    version: { summary: 'showversion', read: readVersion },
    hostPaths: { summary: 'showvlun -a, showvlun -a -host <host>', read: readHostPaths },
    rcipPorts: { summary: 'showport -rcip', read: readRcipPorts },
    nodes: { summary: 'shownode -state', read: readNodes },
    powerSupplies: { summary: 'shownode -ps', read: readPowerSupplies },
    webApi: { summary: 'showwsapi', read: readWebApi },
    tasks: { summary: 'showtask', read: readTasks },
  },
  cannot: [
    {
      what: 'fail over, recover, restore or reverse a group',
      why: 'the other side has to be proved down by two means first, and one array is one of them at most',
    },
    { what: 'see the standby paths of the partner', why: 'each array lists its own paths: ask both before a switchover' },
    {
      what: 'tell whether the quorum witness is in contact',
      why: 'no captured output of showrcopy -qw is known; a planned switchover does not need the witness',
    },
    {
      what: 'measure the round trip to the partner',
      why: 'the ping of an array is a command of its administrators, and changes class between releases',
    },
    {
      what: 'tell an empty last group from a listing that was cut off',
      why: 'no line ends the output of showrcopy: such an answer is an error',
    },
    {
      what: 'start, stop, sync or switch over one of several targets of a group',
      why: 'no output of such a group is known: do it by hand',
    },
    {
      what: 'answer a question that the array asks',
      why: 'nobody here knows what a yes would do: the command ends as a failure',
    },
  ],
})
