import { SyncStopped } from './stopped.ts'

export interface NbdPlace {
  readonly connect: { readonly path: string } | { readonly host: string; readonly port: number }
  readonly exportName: string
}

/** nbd://host[:port]/export and nbd+unix:///export?socket=/path, as the NBD project's doc/uri.md writes them. */
export function parseNbdUri(uri: string): NbdPlace {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  const exportName = decodeURIComponent((url?.pathname ?? '').replace(/^\//, ''))
  const socket = url?.searchParams.get('socket')
  if (url?.protocol === 'nbd+unix:' && socket) return { connect: { path: socket }, exportName }
  if (url?.protocol === 'nbd:' && url.hostname !== '')
    return { connect: { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 10_809) }, exportName }
  if (url?.protocol.startsWith('nbds'))
    throw new SyncStopped(
      'bad use',
      'The mover speaks no TLS to NBD servers. Let it reach the server by a unix socket or through SSH.',
    )
  throw new SyncStopped('bad use', 'That is no NBD address. Say nbd://host:port/export or nbd+unix:///export?socket=/path.')
}
