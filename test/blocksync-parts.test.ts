import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseChanged } from '../src/blocksync/changed-list.ts'
import { cut, type Extent, endOf, merge, subtract, totalOf } from '../src/blocksync/extents.ts'
import { layered } from '../src/blocksync/layers.ts'
import { type Manifest, manifestDigest, manifestText, type Pack, parseManifest } from '../src/blocksync/manifest.ts'

const SIZE = 200
const extents = fc.array(
  fc
    .record({ offset: fc.nat(SIZE - 1), length: fc.nat(40) })
    .map(({ offset, length }) => ({ offset, length: Math.min(length, SIZE - offset) })),
  { maxLength: 12 },
)
const bytesOf = (all: readonly Extent[]): ReadonlySet<number> =>
  new Set(all.flatMap(({ offset, length }) => Array.from({ length }, (_, at) => offset + at)))
const sorted = (set: Iterable<number>): readonly number[] => [...set].sort((a, b) => a - b)

describe('extents', () => {
  test('merging keeps every byte, each once, in order', () => {
    fc.assert(
      fc.property(extents, all => {
        const merged = merge(all)
        expect(sorted(bytesOf(merged))).toEqual(sorted(bytesOf(all)))
        expect(totalOf(merged)).toBe(bytesOf(all).size)
        merged.slice(1).forEach((extent, at) => expect(extent.offset).toBeGreaterThan(endOf(merged[at]!)))
      }),
    )
  })

  test('subtracting leaves exactly what is in one and not in the other', () => {
    fc.assert(
      fc.property(extents, extents, (a, b) => {
        const without = bytesOf(b)
        expect(sorted(bytesOf(subtract(merge(a), merge(b))))).toEqual(sorted(bytesOf(a)).filter(byte => !without.has(byte)))
      }),
    )
  })

  test('cutting loses no byte, and makes no piece that crosses the grid', () => {
    fc.assert(
      fc.property(extents, fc.integer({ min: 1, max: 64 }), (all, size) => {
        const pieces = [...cut(merge(all), size)]
        expect(totalOf(pieces)).toBe(bytesOf(all).size)
        for (const piece of pieces) expect(Math.floor(piece.offset / size)).toBe(Math.floor((endOf(piece) - 1) / size))
      }),
    )
  })
})

describe('a list of changed blocks', () => {
  test('is read as seed 003 prints it, and as nbdinfo prints a dirty bitmap', () => {
    expect(parseChanged('              0       2097152  \r\n        7340032      15728640  \n\n', 1 << 30)).toEqual([
      { offset: 0, length: 2_097_152 },
      { offset: 7_340_032, length: 15_728_640 },
    ])
    const map =
      '[\n{ "offset": 0, "length": 262144, "type": 0, "description": "clean"},\n{ "offset": 262144, "length": 131072, "type": 1, "description": "dirty"}\n]'
    expect(parseChanged(map, 1 << 30)).toEqual([{ offset: 262_144, length: 131_072 }])
  })

  test('is cut at the end of the disk', () => {
    expect(parseChanged('65536 65536', 65_541)).toEqual([{ offset: 65_536, length: 5 }])
  })

  test.each([
    ['a line that is no extent', '0 5\nzero 5'],
    ['half a line', '0 5\n7'],
    ['a negative offset', '-5 10'],
    ['a fraction', '1.5 10'],
    ['more than a number can hold', '9007199254740991 10'],
    ['an extent behind the end', '101 1'],
    ['the map of another context', '[{"offset":0,"length":5,"type":3,"description":"hole,zero"}]'],
    ['half a map', '[{"offset":0,'],
  ])('with %s is refused as a whole', (_, text) => {
    expect(() => parseChanged(text, 100)).toThrow(/cannot be used.*Get a new one, or push the whole disk/s)
  })
})

const HASH = 'a'.repeat(64)
const PACK: Pack = { name: 'b'.repeat(64), length: 100 }
const manifest: Manifest = {
  disk: 'sql01',
  size: 100,
  blockSize: 64,
  generation: 1,
  parent: undefined,
  whole: true,
  chunks: [{ offset: 0, length: 64, sha256: HASH, pack: PACK, at: 36 }],
  zeros: [{ offset: 64, length: 36 }],
}

describe('a manifest', () => {
  test('is read as it was written, and its digest does not depend on the order of its words', () => {
    const text = manifestText(manifest)
    expect(parseManifest(text, '1')).toEqual(manifest)
    const shuffled: Manifest = Object.fromEntries(Object.entries(manifest).reverse()) as unknown as Manifest
    expect(manifestDigest(shuffled)).toBe(manifestDigest(manifest))
  })

  test.each([
    ['lacks a tail', { ...manifest, zeros: [{ offset: 64, length: 35 }] }, 'lacks some'],
    ['names a byte twice', { ...manifest, zeros: [{ offset: 63, length: 37 }] }, 'twice'],
    ['runs over the end', { ...manifest, zeros: [{ offset: 64, length: 37 }] }, 'behind the end'],
    ['has a chunk that runs over its pack', { ...manifest, chunks: [{ ...manifest.chunks[0]!, at: 37 }] }, 'not a manifest'],
  ])('that %s is refused', (_, bad, why) => {
    expect(() => parseManifest(manifestText(bad), '1')).toThrow(why)
  })

  test('of another version of the format is refused as that, and not as rot', () => {
    const text = manifestText(manifest).replace('"version":2', '"version":1')
    expect(() => parseManifest(text, '1')).toThrow(
      'The manifest 1 is of version 1 of the format, and this mover reads version 2 only. Use the mover that wrote it, or push the whole disk to another store.',
    )
  })

  test('that is torn is refused, wherever it is torn', () => {
    const text = manifestText(manifest)
    for (let at = 0; at < text.length; at++) expect(() => parseManifest(text.slice(0, at), '1')).toThrow('not a manifest')
  })
})

test('seen from above, each byte comes from the newest generation that has it', () => {
  const generation = fc.array(fc.tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: 30 }), fc.boolean()), { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(generation, { minLength: 1, maxLength: 5 }), drawn => {
      const model: string[] = Array.from({ length: SIZE }, () => 'image')
      const all = drawn.map((writes, number): Manifest => {
        let free: readonly Extent[] = [{ offset: 0, length: SIZE }]
        const parts = writes.flatMap(([offset, length, zero]) => {
          const wanted = merge([{ offset, length: Math.min(length, SIZE - offset) }])
          const kept = subtract(wanted, subtract(wanted, free))
          free = subtract(free, wanted)
          for (const byte of bytesOf(kept)) model[byte] = zero ? 'zeros' : `chunk of ${number}`
          return kept.map(extent => ({ extent, zero }))
        })
        const pick = (zero: boolean) =>
          parts
            .filter(part => part.zero === zero)
            .map(({ extent }) => extent)
            .sort((a, b) => a.offset - b.offset)
        return {
          ...manifest,
          size: SIZE,
          whole: false,
          chunks: pick(false).map(extent => ({ ...extent, sha256: `chunk of ${number}`, pack: PACK, at: 0 })),
          zeros: pick(true),
        }
      })
      const seen: string[] = []
      for (const piece of layered(SIZE, all))
        for (const byte of bytesOf([piece])) {
          expect(seen[byte]).toBeUndefined()
          seen[byte] = piece.from === 'chunk' ? piece.chunk.sha256 : piece.from
          if (piece.from === 'chunk') expect(bytesOf([piece.chunk]).has(byte)).toBe(true)
        }
      expect(seen).toEqual(model)
    }),
  )
})
