/** The units that adapters speak in; they import from kit only. */
export type { Bytes, BytesPerSecond, Millis } from '../domain/ids.ts'
