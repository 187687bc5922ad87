import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { ssh } from '../../src/kit/ssh.ts'
import { canLogIn, NO_LOGIN, sshFields } from '../../src/kit/ssh-settings.ts'
import * as changes from './changes.ts'
import { readSession, readSessions, readSetup } from './powermig.ts'
import { readPaths } from './powermt.ts'
import { readHbas, readVersion } from './powermt-summary.ts'
import * as reads from './reads.ts'
import { powerPathHost } from './wire.ts'

/** The program, or where it is; a path may have blanks. */
const Program = z.string().regex(/^[A-Za-z/\\][A-Za-z0-9 ()_.:/\\-]*$/, 'a program or its path')

/** How the site file describes a host with PowerPath. */
export const Settings = z
  .strictObject({
    ...sshFields,
    shell: z.enum(['posix', 'cmd']).optional(), // cmd on Windows, else posix
    os: z.enum(['windows', 'linux', 'aix', 'hpux']),
    spelling: z.enum(['modern', 'script']).default('modern'), // of powermig: -handle, or -hd
    noPrompt: z.enum(['-no', '-noprompt', 'none']).default('-no'),
    powermt: Program.default('powermt'),
    powermig: Program.default('powermig'),
  })
  .refine(canLogIn, NO_LOGIN)

export default adapter({
  name: 'powerpath',
  summary: 'Hosts with PowerPath: paths, and migrations by host copy.',
  settings: Settings,
  connect: settings =>
    powerPathHost(
      ssh({ ...settings, dialect: settings.shell ?? (settings.os === 'windows' ? 'cmd' : 'posix') }),
      settings.os,
      settings,
    ),
  capabilities: { ...reads, ...changes },
  readings: {
    hbas: { summary: 'powermt display', read: readHbas },
    paths: { summary: 'powermt display dev=all', read: readPaths },
    session: { summary: 'powermig query -handle N, powermig info -hd N -query', read: readSession },
    sessions: { summary: 'powermig info -all -query', read: readSessions },
    setup: { summary: 'powermig setup', read: readSetup },
    version: { summary: 'powermt version', read: readVersion },
  },
  cannot: [
    {
      what: 'see whether the owner of a cluster group changed',
      why: 'PowerPath does not know of the cluster: ask the cluster, and pin its groups first',
    },
    {
      what: 'tell how many paths a device ought to have',
      why: 'only the inventory knows; dead paths that were removed are not listed at all',
    },
    {
      what: 'show the cutover of a federated live migration',
      why: 'the output of powermt is the same before and after it: ask the array',
    },
    { what: 'tell whether a target on AIX or HP-UX is empty', why: 'no command for it is attested there' },
    {
      what: 'answer a question that PowerPath asks',
      why: 'nobody here knows what a yes would do: the command ends as a failure',
    },
  ],
})
