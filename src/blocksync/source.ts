import type { Bytes } from '../domain/ids.ts'
import type { Extent } from './extents.ts'
import { openFileSource } from './file-source.ts'
import { openNbdSource } from './nbd-source.ts'

/** A disk that stands still while it is read: a snapshot, an export of one, a file that nobody writes to. */
export interface Source {
  readonly size: Bytes
  /** What proves that it is the same disk at the same moment as before; undefined where nothing can tell. */
  readonly point: string | undefined
  /** Fills `into`, or throws. May be called side by side. */
  read(offset: Bytes, into: Uint8Array): Promise<void>
  /** What of `extent` is said to read as zeros, without reading it. */
  zeros(extent: Extent): Promise<readonly Extent[]>
  /** Throws when it is not any more what it was when it was opened: another size, or written to. */
  unchanged(): Promise<void>
  close(): Promise<void>
}

/** A path, or nbd://host:port/export, or nbd+unix:///export?socket=/path. */
export const openSource = (name: string): Promise<Source> =>
  /^nbds?(\+unix)?:/.test(name) ? openNbdSource(name) : openFileSource(name)
