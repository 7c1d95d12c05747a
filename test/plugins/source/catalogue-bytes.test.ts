// The bytes of the catalogue: what is written is read, and nothing else is taken for it.
import type { Candidate } from 'blockgate'
import { candidate, fakeHost, sampleBlocks, testId } from 'blockgate/testing'
import { crc32c } from 'blockgate/tsdb'
import { describe, expect, it } from 'vitest'
import { ColumnReader, ColumnWriter } from '../../../plugins/source/catalogue/column.ts'
import { pack, unpack } from '../../../plugins/source/catalogue/entries.ts'
import type { Entry, ReadObjects } from '../../../plugins/source/catalogue/entry.ts'
import { seal, unseal } from '../../../plugins/source/catalogue/sealed.ts'

const host = fakeHost()
const LIMIT = 1 << 20
const LISTED = Date.UTC(2026, 0, 1)

async function entriesOf(object: Uint8Array): Promise<{ entries: Entry[]; wrong: number; listed: number }> {
  const unpacked = await unpack(host, object, LIMIT)
  const entries: Entry[] = []
  const pages = unpacked.pages()
  for (;;) {
    const step = await pages.next()
    if (step.done) return { entries, wrong: step.value.wrong, listed: unpacked.listed }
    entries.push(...step.value)
  }
}

const etag = (n: number) => n.toString(16).padStart(32, '0')
const reads = (n: number): ReadObjects => ({ meta: { etag: etag(n), size: 600 + n, modified: LISTED + n } })

/** One of every kind. */
function kinds(): Entry[] {
  const id = testId(1_700_000_000_000, 7)
  const whole = candidate(
    {
      ulid: id,
      minTime: -5,
      maxTime: 1_700_000_000_000,
      labels: JSON.parse('{"__proto__":"x","cluster":"eu","empty":""}'),
      resolution: 300_000,
      compaction: { level: 3, sources: [testId(5, 2), testId(4, 9), id] },
      source: 'compactor',
      variant: '{"a":1}',
      readAhead: { series: 64, chunk: 0 },
      files: [
        { path: 'chunks/000001', size: 2 ** 40, sha256: 'ab'.repeat(32) },
        { path: 'index', size: 0 },
      ],
    },
    {
      path: `team-a/x/${id}/`,
      markers: ['deletion-mark.json', 'no-downsample-mark.json'],
      uploaded: 1_700_000_000_001,
      deletionTime: 1_600_000_000_000,
      notes: ['something'],
    },
  )
  const none = candidate({ ulid: testId(9), compaction: { level: 0, sources: [] } })
  const mark = { etag: '"weird-1"', size: 3, modified: 5 }
  return [
    [candidate({ ulid: testId(0) }), undefined],
    [none, { meta: { etag: '', size: 0, modified: 0 } }],
    [whole, { ...reads(3), mark }],
  ]
}

describe('the catalogue', () => {
  it('gives back what it was given, by ULID, with all of it', async () => {
    const samples = sampleBlocks(1_100).map((block, n): Entry => [block, reads(n)])
    const given = [...samples, ...kinds()]
    const { entries, wrong, listed } = await entriesOf(await pack(host, given, LISTED))
    expect(wrong).toBe(0)
    expect(listed).toBe(LISTED)
    expect(entries).toEqual(given.toSorted(([a], [b]) => (a.meta.ulid < b.meta.ulid ? -1 : 1)))
    expect(Object.getPrototypeOf(entries[0]?.[0].meta.labels)).toBeNull()
    expect(await entriesOf(await pack(host, [], LISTED))).toEqual({ entries: [], wrong: 0, listed: LISTED })
  })

  it('leaves out what has no place in it', async () => {
    const odd = (n: number, meta: Partial<Candidate['meta']>, known = {}): Entry => [
      candidate({ ulid: testId(n), ...meta }, known),
      undefined,
    ]
    const bad = [
      odd(1, { maxTime: 2 ** 52 }),
      odd(2, { minTime: 5, maxTime: 4 }),
      odd(3, { files: [{ path: '../x', size: 1 }] }),
      odd(4, {}, { path: 'elsewhere/' }),
      odd(5, {}, { path: `../${testId(5)}/` }),
      odd(6, {}, { uploaded: 0.5 }),
      odd(7, { resolution: -1 }),
    ]
    const { entries } = await entriesOf(await pack(host, [...bad, odd(8, {})], LISTED))
    expect(entries.map(([{ meta }]) => meta.ulid)).toEqual([testId(8)])
  })

  it('is refused wherever a bit of it is another, and wherever it ends too soon', async () => {
    const object = await pack(host, kinds(), LISTED)
    for (let at = 0; at < object.length; at++) {
      const flipped = object.with(at, (object[at] as number) ^ (1 << (at % 8)))
      await expect(unpack(host, flipped, LIMIT), `byte ${at}`).rejects.toThrow(/catalogue-corrupt/)
      await expect(unpack(host, object.subarray(0, at), LIMIT), `${at} bytes`).rejects.toThrow(/catalogue-corrupt/)
    }
    await expect(unpack(host, new Uint8Array([...object, 0]), LIMIT)).rejects.toThrow(/catalogue-corrupt/)
  })

  it('of another version is no damage', async () => {
    const object = await pack(host, kinds(), LISTED)
    object[4] = 2
    new DataView(object.buffer).setUint32(36, crc32c(object.subarray(0, 36)), true)
    await expect(unpack(host, object, LIMIT)).rejects.toThrow('unsupported: it has version 2: this build reads 1')
  })

  it('never unpacks more than its limit, nor more than it says', async () => {
    const zeros = new Uint8Array(LIMIT + 1)
    await expect(unseal(await seal(zeros, { listed: LISTED, blocks: 1 }), LIMIT)).rejects.toThrow('option limit')
    const object = await seal(zeros, { listed: LISTED, blocks: 1 })
    const view = new DataView(object.buffer)
    view.setUint32(20, LIMIT, true)
    view.setUint32(36, crc32c(object.subarray(0, 36)), true)
    await expect(unseal(object, LIMIT)).rejects.toThrow('it cannot be unpacked')
    view.setUint32(16, LIMIT, true)
    view.setUint32(36, crc32c(object.subarray(0, 36)), true)
    await expect(unseal(object, LIMIT)).rejects.toThrow('do not fit')
  })

  it('sets aside an entry that is wrong in itself, and keeps those beside it', async () => {
    const three = [1, 2, 3].map(
      (n): Entry => [candidate({ ulid: testId(n), files: [{ path: 'index', size: n }] }), reads(n)],
    )
    for (const [column, bytes] of [
      ['files', [1, 98, 1, 1, 98, 2, 1, 98, 3]],
      ['labels', [99, 0, 0]],
      ['source', [1, 99, 1]],
      ['folder', [2, 1, 2]],
      ['meta', [99, 1, 0, 1, 1, 0, 1, 1, 0]],
      ['time', [1, 0, 2]],
    ] as const) {
      const { wrong, entries } = await entriesOf(await changed(await pack(host, three, LISTED), column, bytes))
      expect([column, wrong + entries.length]).toEqual([column, 3])
      expect(wrong, column).toBeGreaterThan(0)
    }
  })

  it('is damaged where a column is missing or short, and takes no notice of one that it does not know', async () => {
    const object = await pack(host, kinds(), LISTED)
    await expect(entriesOf(await changed(object, 'files', []))).rejects.toThrow('column files must have')
    await expect(entriesOf(await changed(object, 'ids', [1]))).rejects.toThrow('column ids must have')
    await expect(entriesOf(await changed(object, 'labels', undefined))).rejects.toThrow('must have the column labels')
    const more = await changed(object, 'what-comes-later', [1, 2, 3])
    expect(await entriesOf(more)).toEqual(await entriesOf(object))
  })

  it('has numbers of up to 2^53 - 1, and refuses larger ones', () => {
    const writer = new ColumnWriter()
    const numbers = [0, 127, 128, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]
    for (const n of numbers) writer.count(n)
    for (const n of [-1, 1, -(2 ** 51), 2 ** 51]) writer.signed(n)
    for (const n of [undefined, 0, -1, 5]) writer.optional(n)
    const reader = new ColumnReader('x', writer.bytes)
    expect(numbers.map(() => reader.count())).toEqual(numbers)
    expect([0, 0, 0, 0].map(() => reader.signed())).toEqual([-1, 1, -(2 ** 51), 2 ** 51])
    expect([0, 0, 0, 0].map(() => reader.optional())).toEqual([undefined, 0, -1, 5])
    for (const bytes of [Array(9).fill(255), [...Array(7).fill(255), 127], []])
      expect(() => new ColumnReader('x', new Uint8Array(bytes)).count()).toThrow(/catalogue-corrupt/)
  })
})

/** The object with another column: its checksums are right. */
async function changed(object: Uint8Array, column: string, bytes: readonly number[] | undefined): Promise<Uint8Array> {
  const { columns, listed, blocks } = await unseal(object, LIMIT)
  const all = new ColumnReader('all', columns)
  const found = new Map<string, Uint8Array>()
  while (all.left > 0) found.set(all.text(), all.raw(all.count()))
  if (bytes) found.set(column, new Uint8Array(bytes))
  else found.delete(column)
  const writer = new ColumnWriter()
  for (const [name, value] of found) {
    writer.text(name)
    writer.count(value.length)
    writer.raw(value)
  }
  return await seal(writer.bytes, { listed, blocks })
}
