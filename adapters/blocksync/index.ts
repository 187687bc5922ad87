import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { local } from '../../src/kit/local.ts'
import { ssh } from '../../src/kit/ssh.ts'
import { canLogIn, NO_LOGIN, sshFields } from '../../src/kit/ssh-settings.ts'
import { readGenerations, readSets, readStatus, readWish, readWorks } from './answers.ts'
import * as reads from './reads.ts'
import * as starts from './starts.ts'
import * as steers from './steers.ts'
import { moverOn, ownCommand } from './wire.ts'

const Path = z.string().regex(/^\/[^\0-\x1f\x7f"]{1,400}$/, 'a whole path')
const Url = z.string().regex(/^https?:\/\/[A-Za-z0-9[\]][A-Za-z0-9.:[\]/_-]{0,250}$/, 'an address without a login in it')
const Region = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'the name of a region')
const Name = z.string().regex(/^[A-Za-z0-9_./][A-Za-z0-9_./@+-]{0,250}$/, 'a file or a profile')

/** How the site file describes a host that moves disks, and the store it moves them to. */
export const Settings = z.strictObject({
  store: z
    .string()
    .regex(/^(\/[^\0-\x1f\x7f"]{1,400}|s3:\/\/[a-z0-9][a-z0-9.-]+(\/[A-Za-z0-9_./-]*)?)$/, 'a folder or s3://bucket/prefix'),
  endpoint: Url.optional(),
  region: Region.optional(),
  work: Path, // the folder of the work folders, on the mover's host
  images: Path, // where pulled machines come to be
  ebs: z.strictObject({ endpoint: Url.optional(), region: Region.optional() }).optional(),
  command: z
    .array(z.string().regex(/^[^\0-\x1f\x7f"]{1,400}$/))
    .min(1)
    .max(8)
    .optional(), // how signalbox is called there
  // Where the credentials are, and never what they are: a command line can be read by everybody on the host.
  environment: z
    .strictObject({
      AWS_PROFILE: Name.optional(),
      AWS_SHARED_CREDENTIALS_FILE: Name.optional(),
      AWS_CONFIG_FILE: Name.optional(),
      HOME: Name.optional(),
      SIGNALBOX_FOLDER: Name.optional(),
    })
    .optional(),
  ssh: z.strictObject(sshFields).refine(canLogIn, NO_LOGIN).optional(), // a mover nearer to the data; without it, this machine
})

export default adapter({
  name: 'blocksync',
  summary: 'Hosts that move the blocks of disks to a store and back: pushes, pulls, recovery points of whole machines.',
  settings: Settings,
  connect: ({ ssh: login, command = ownCommand(), environment = {}, ...place }) =>
    moverOn(login ? ssh({ ...login, dialect: 'posix' }) : local(), {
      ...place,
      command,
      environment: Object.fromEntries(
        Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    }),
  capabilities: { ...reads, ...starts, ...steers },
  readings: {
    generations: { summary: 'signalbox blocksync generations', read: readGenerations },
    sets: { summary: 'signalbox blocksync sets STORE MACHINE --newest 1', read: readSets },
    status: { summary: 'signalbox blocksync status, and what a start answers', read: readStatus },
    wish: { summary: 'signalbox blocksync steer', read: readWish },
    works: { summary: 'signalbox blocksync works', read: readWorks },
  },
  cannot: [
    { what: 'pause or limit a verify', why: 'it only reads; a cancel ends it' },
    { what: 'delete old generations or recovery points', why: 'the store has no command for it: what was pushed stays' },
    {
      what: 'tell on another host than the mover ran on whether it lives',
      why: 'a process is known by its host: a work folder on a shared disk that another host uses counts as alive',
    },
  ],
})
