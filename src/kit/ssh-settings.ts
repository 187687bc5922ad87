import { z } from 'zod'

/** How the site file says where a device is and how to log in: the part of an adapter's settings that is the same for all over SSH. */
export const sshFields = {
  host: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252})$/, 'an address or a host name'),
  port: z.number().int().min(1).max(65535).default(22),
  username: z.string().regex(/^[A-Za-z0-9_\\.@][A-Za-z0-9_\\.@$-]{0,63}$/, 'a login name'),
  password: z.string().min(4).optional(),
  key: z.string().optional(), // a private key, or the name of a file that holds one
  passphrase: z.string().min(4).optional(),
  hostKey: z.string().optional(), // "SHA256:..." or the public key; without it nothing connects, and the error names the key it met
}

/** For `refine`: there must be something to log in with. */
export const canLogIn = ({
  password,
  key,
}: {
  readonly password?: string | undefined
  readonly key?: string | undefined
}): boolean => password !== undefined || key !== undefined
export const NO_LOGIN = 'a password or a key is needed'
