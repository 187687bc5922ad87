import { z } from 'zod'
import { runbook } from './build.ts'
import { planPowerPath } from './migrate-powerpath.ts'
import { planQemu } from './migrate-qemu.ts'
import { Pace } from './pace.ts'

/**
 * Moves one disk to another under whoever uses it. What it is moved to says with what: another disk of the same host is PowerPath's to
 * move, an image file or an NBD export QEMU's.
 */
export default runbook({
  name: 'migrate',
  params: z
    .object({
      host: z.string(),
      from: z.string(),
      to: z.string().optional(), // a disk of the host
      throttle: z.number().int().min(0).max(9).optional(), // PowerPath's level
      image: z.string().optional(), // a file that exists: its whole path, or its name in `images`
      nbd: z.string().optional(), // the path of a socket, or host:port
      export: z.string().optional(), // of the NBD server
      speed: z.number().int().min(1).optional(), // QEMU's limit, in bytes per second
      images: z
        .string()
        .regex(/^\/[A-Za-z0-9_.:/-]{0,200}$/, 'the whole path of a folder')
        .optional(), // where an image is that is named without a path
      ...Pace.shape,
    })
    .superRefine(({ to, image, nbd, images }, { addIssue }) => {
      if ([to, image, nbd].filter(it => it !== undefined).length !== 1)
        addIssue({ code: 'custom', path: ['to'], message: 'one disk, one image or one NBD export' })
      if (image !== undefined && !image.startsWith('/') && images === undefined)
        addIssue({ code: 'custom', path: ['image'], message: 'say its whole path, or name a folder for images in the site file' })
    }),
  plan: ({ host, from, to, throttle, speed, image, images, nbd, export: named, ...pace }) => {
    if (to !== undefined) return planPowerPath({ host, from, to, throttle }, pace)
    const title = image ?? `nbd ${nbd}${named === undefined ? '' : ` export ${named}`}`
    const target = image === undefined ? { nbd: nbd ?? '', export: named } : { file: whole(image, images) }
    return planQemu({ host, from, title, speed, to: target }, pace)
  },
})

const whole = (image: string, images: string | undefined): string =>
  image.startsWith('/') ? image : `${images?.replace(/\/$/, '') ?? ''}/${image}`
