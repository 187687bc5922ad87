import { crc32, deflateSync, inflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
/** Text on a plain ground: rows as they are pack better than rows as differences. */
const UNFILTERED = 0
const INDEXED = 3

/** The same picture as a smaller PNG: a browser packs in a hurry. Takes what Chromium writes, 8 bits of RGB or RGBA, not interlaced. */
export function smaller(png: Buffer): Buffer {
  const chunks = [...chunksOf(png)]
  const header = chunks.find(({ type }) => type === 'IHDR')?.body
  if (!header) throw new Error('This is no PNG.')
  const [width, depth, colour, interlaced] = [header.readUInt32BE(0), header[8], header[9], header[12]]
  const channels = colour === 2 ? 3 : colour === 6 ? 4 : undefined
  if (depth !== 8 || channels === undefined || interlaced !== 0) throw new Error('This PNG is of a kind that is not read here.')
  const packed = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body)))
  const rows = unfiltered(packed, width * channels, channels)
  const { palette, indexed } = few(rows, channels)
  const plain = Buffer.from(header)
  plain[9] = INDEXED
  const body = Buffer.concat(indexed.flatMap(row => [Buffer.of(UNFILTERED), row]))
  const data = deflateSync(body, { level: 9, memLevel: 9 })
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', plain),
    chunk('PLTE', palette),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** The picture in 256 colours at most: what is seen most stays as it is, and what is nearly the same as another becomes that one. */
function few(rows: readonly Buffer[], channels: number): { readonly palette: Buffer; readonly indexed: readonly Buffer[] } {
  const colours = rows.map(row => Uint32Array.from({ length: row.length / channels }, (_, n) => row.readUIntBE(n * channels, 3)))
  const counts = new Map<number, number>()
  for (const row of colours) for (const colour of row) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour)
  const chosen = chosenFrom(frequent)
  const places = new Map(frequent.map(colour => [colour, nearest(colour, chosen)]))
  return {
    palette: Buffer.concat(chosen.map(colour => Buffer.from(parts(colour)))),
    indexed: colours.map(row => Buffer.from(Uint8Array.from(row, colour => places.get(colour) ?? 0))),
  }
}

function chosenFrom(frequent: readonly number[]): readonly number[] {
  for (let apart = 0; ; apart += 1) {
    const chosen: number[] = []
    for (const colour of frequent) {
      if (chosen.every(other => distance(colour, other) > apart)) chosen.push(colour)
      if (chosen.length > 256) break
    }
    if (chosen.length <= 256) return chosen
  }
}

const nearest = (colour: number, among: readonly number[]): number =>
  among.reduce((best, other, n) => (distance(colour, other) < distance(colour, among[best] ?? 0) ? n : best), 0)

const parts = (colour: number): readonly [number, number, number] => [colour >> 16, (colour >> 8) & 255, colour & 255]
function distance(a: number, b: number): number {
  const [one, other] = [parts(a), parts(b)]
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2])
}

function* chunksOf(png: Buffer): Generator<{ readonly type: string; readonly body: Buffer }> {
  for (let at = SIGNATURE.length; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at)
    yield { type: png.toString('latin1', at + 4, at + 8), body: png.subarray(at + 8, at + 8 + length) }
    at += length + 12
  }
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(body.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

/** The five filters of the PNG specification, section 9, taken back. */
function unfiltered(packed: Buffer, length: number, bytes: number): readonly Buffer[] {
  const rows: Buffer[] = []
  for (let at = 0; at < packed.length; at += length + 1) {
    const [kind, row, above] = [packed[at] ?? 0, Buffer.from(packed.subarray(at + 1, at + 1 + length)), rows.at(-1)]
    for (let n = 0; n < length; n++) {
      const [left, up, corner] = [row[n - bytes] ?? 0, above?.[n] ?? 0, above?.[n - bytes] ?? 0]
      row[n] = (row[n] ?? 0) + [0, left, up, Math.floor((left + up) / 2), paeth(left, up, corner)][kind]!
    }
    rows.push(row)
  }
  return rows
}

function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}
