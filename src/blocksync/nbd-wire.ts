/**
 * The NBD protocol (doc/proto.md of the NetworkBlockDevice project): fixed newstyle handshake, simple and structured replies, block
 * status. Only what reading needs.
 */
export const OPT = { abort: 2, go: 7, structuredReply: 8, setMetaContext: 10 } as const
export const REP = { ack: 1, info: 3, metaContext: 4, errorBit: 0x8000_0000 } as const
export const CMD = { read: 0, disconnect: 2, blockStatus: 7 } as const
export const STATUS_ZERO = 2 // of base:allocation: it reads as zeros
const IHAVEOPT = 0x49484156454f5054n // "IHAVEOPT"
const NBDMAGIC = 0x4e42444d41474943n // "NBDMAGIC"
const REPLY = 0x3e889045565a9n
const REQUEST = 0x2560_9513
const SIMPLE = 0x6744_6698
const STRUCTURED = 0x668e_33ef
const MOST = 64 << 20 // no honest server says more in one message

/** Whether these 18 bytes are a server of the fixed newstyle. */
export const greets = (bytes: Buffer): boolean =>
  bytes.readBigUInt64BE(0) === NBDMAGIC && bytes.readBigUInt64BE(8) === IHAVEOPT && (bytes.readUInt16BE(16) & 1) === 1

/** Fixed newstyle, and no zeros after the export. */
export const clientFlags = (): Buffer => Buffer.from([0, 0, 0, 3])

export function option(kind: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(16)
  head.writeBigUInt64BE(IHAVEOPT, 0)
  head.writeUInt32BE(kind, 8)
  head.writeUInt32BE(body.length, 12)
  return Buffer.concat([head, body])
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
export const goBody = (exportName: string): Buffer => Buffer.concat([text(exportName), Buffer.from([0, 0])])
export const contextBody = (exportName: string, context: string): Buffer =>
  Buffer.concat([text(exportName), Buffer.from([0, 0, 0, 1]), text(context)])

export interface OptionReply {
  readonly kind: number
  readonly length: number
}

/** The 20 bytes at the head of an answer to an option. */
export function optionReply(bytes: Buffer): OptionReply {
  if (bytes.readBigUInt64BE(0) !== REPLY) throw new Error('The server answers an option with something that is no answer.')
  return { kind: bytes.readUInt32BE(12), length: sane(bytes.readUInt32BE(16)) }
}

export function request(command: number, cookie: bigint, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(28)
  bytes.writeUInt32BE(REQUEST, 0)
  bytes.writeUInt16BE(command, 6)
  bytes.writeBigUInt64BE(cookie, 8)
  bytes.writeBigUInt64BE(BigInt(offset), 16)
  bytes.writeUInt32BE(length, 24)
  return bytes
}

export type Reply =
  | { readonly form: 'simple'; readonly cookie: bigint; readonly error: number }
  | {
      readonly form: 'structured'
      readonly cookie: bigint
      readonly last: boolean
      readonly kind: number
      readonly length: number
    }

/** A simple reply has 16 bytes of head; a structured one four more, its length. */
export const headLength = (firstFour: Buffer): number => {
  const magic = firstFour.readUInt32BE(0)
  if (magic !== SIMPLE && magic !== STRUCTURED) throw new Error('The server sends something that is no reply.')
  return magic === SIMPLE ? 16 : 20
}

export const reply = (head: Buffer): Reply =>
  head.readUInt32BE(0) === SIMPLE
    ? { form: 'simple', error: head.readUInt32BE(4), cookie: head.readBigUInt64BE(8) }
    : {
        form: 'structured',
        last: (head.readUInt16BE(4) & 1) === 1,
        kind: head.readUInt16BE(6),
        cookie: head.readBigUInt64BE(8),
        length: sane(head.readUInt32BE(16)),
      }

export type Body =
  | { readonly is: 'none' }
  | { readonly is: 'bytes'; readonly offset: number; readonly bytes: Buffer }
  | { readonly is: 'hole'; readonly offset: number; readonly length: number }
  | { readonly is: 'status'; readonly extents: readonly { readonly length: number; readonly flags: number }[] }
  | { readonly is: 'error'; readonly error: number }

/** What a structured chunk carries. A kind that is not known is an error if its highest bit is set, else a bug of the server. */
export function body(kind: number, bytes: Buffer): Body {
  if (kind === 0) return { is: 'none' }
  if (kind === 1) return { is: 'bytes', offset: Number(bytes.readBigUInt64BE(0)), bytes: bytes.subarray(8) }
  if (kind === 2) return { is: 'hole', offset: Number(bytes.readBigUInt64BE(0)), length: bytes.readUInt32BE(8) }
  if (kind === 5)
    return {
      is: 'status',
      extents: Array.from({ length: (bytes.length - 4) / 8 }, (_, index) => ({
        length: bytes.readUInt32BE(4 + index * 8),
        flags: bytes.readUInt32BE(8 + index * 8),
      })),
    }
  if ((kind & 0x8000) !== 0) return { is: 'error', error: bytes.length >= 4 ? bytes.readUInt32BE(0) : 0 }
  throw new Error(`The server sends a reply of a kind nobody asked for (${kind}).`)
}

function sane(length: number): number {
  if (length > MOST) throw new Error(`The server announces ${length} bytes in one message.`)
  return length
}
