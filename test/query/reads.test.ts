// Which ranges of a block's files are asked for.
import type { BlockId, BlockReader } from 'blockgate'
import { blockMeta, fakeHost, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/contracts/query-limits.ts'
import { Hedge } from '../../src/query/hedge.ts'
import { Budget } from '../../src/query/limits.ts'
import { Querier, type QuerierOptions } from '../../src/query/querier.ts'
import { Reads } from '../../src/query/reads.ts'
import { blockOf, sinkOfFiles } from './sink-of.ts'

const { signal } = new AbortController()
const KiB = 1024

/** A file of entries, each of which begins with its size in 4 bytes; what was asked of it, as [offset, length]. */
function file(entries: Readonly<Record<number, number>>, size = 2 ** 20) {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  for (const [offset, length] of Object.entries(entries)) view.setUint32(Number(offset), length)
  const asked: (readonly [offset: number, length: number])[] = []
  const reader: BlockReader = {
    meta: blockMeta({ ulid: testId(1), files: [{ path: 'index', size }] }),
    files: {
      async read(_, offset, length) {
        asked.push([offset, length])
        return bytes.subarray(offset, offset + length)
      },
    },
    [Symbol.dispose]: () => {},
  }
  const read = async (kind: 'series' | 'chunk', guess: number, end?: number, gap?: number) => {
    asked.length = 0
    const sizeOf = (part: Uint8Array, at: number) =>
      at + 4 <= part.length ? new DataView(part.buffer, part.byteOffset).getUint32(at) : undefined
    const query = { budget: new Budget(DEFAULT_LIMITS), signal }
    const offsets = Float64Array.from(Object.keys(entries), Number)
    const options = { kind, file: 'index', offsets, guess, sizeOf, ...(end !== undefined && { end }) }
    const cursor = await new Reads({ gap }).cursor(reader, options, query)
    for (const offset of offsets) {
      cursor.moveTo(offset)
      const at = offset - cursor.offset
      expect(cursor.view.getUint32(at), `the entry at ${offset}`).toBe(entries[offset])
      expect(cursor.bytes.length - at, `all of the entry at ${offset}`).toBeGreaterThanOrEqual(entries[offset] ?? 0)
    }
    return asked
  }
  return read
}

describe('entries', () => {
  it('are read with a guess of their size, and once more where that was too small', async () => {
    const read = file({ 1000: 50 })
    expect(await read('series', 100)).toEqual([[1000, 100]])
    expect(await read('series', 50)).toEqual([[1000, 50]])
    expect(await read('series', 49)).toEqual([[1000, 49], [1000, 50]]) // biome-ignore format: pairs
    // Of which the size is not told by what was read.
    expect(await read('series', 3)).toEqual([[1000, 3], [1000, 64 * KiB]]) // biome-ignore format: pairs
    expect(await read('series', 100, 1060)).toEqual([[1000, 60]])
  })

  it('are not read beyond the end of their file', async () => {
    expect(await file({ 1000: 50 }, 1070)('series', 100)).toEqual([[1000, 70]])
    expect(await file({ 1000: 70 }, 1070)('series', 2)).toEqual([[1000, 2], [1000, 70]]) // biome-ignore format: pairs
  })

  it('that were cut are read again, not their neighbours', async () => {
    const read = file({ 0: 40, 300: 500, 5000: 40 })
    expect(await read('series', 100, undefined, 100)).toEqual([[0, 100], [300, 100], [5000, 100], [300, 500]]) // biome-ignore format: pairs
  })

  it('of an index are read over a gap of 512 KiB, chunks over an eighth of that', async () => {
    const near = file({ 0: 10, [10 + 64 * KiB]: 10 })
    const far = file({ 0: 10, [11 + 64 * KiB]: 10 })
    const wide = file({ 0: 10, [10 + 512 * KiB]: 10 })
    const wider = file({ 0: 10, [11 + 512 * KiB]: 10 })
    expect([await near('series', 10), await near('chunk', 10)].map(list => list.length)).toEqual([1, 1])
    expect((await far('series', 10)).length).toBe(1)
    expect((await far('chunk', 10)).length).toBe(2)
    expect((await wide('series', 10)).length).toBe(1)
    expect((await wider('series', 10)).length).toBe(2)
    expect((await near('chunk', 10, undefined, 512 * KiB - 8)).length, 'a gap of the config').toBe(2)
  })
})

const UP = { type: '=', name: '__name__', value: 'up' } as const

/** A query of one series of a block that has others before and behind it; the ranges that are asked for once its header is open. */
async function ranges(readAhead?: { readonly series: number; readonly chunk: number }, value = 'up') {
  const block = blockOf({
    series: ['a', 'up', ...Array.from({ length: 40 }, (_, i) => `z${i + 10}`)].map(name => {
      const samples = Array.from({ length: 2_000 }, (_, i) => [i, Math.sin(i)] as const)
      return [{ __name__: name }, samples] as const
    }),
  })
  const { sink } = sinkOfFiles([{ ...block, meta: { ...block.meta, readAhead } }], { kind: 'headers' })
  const asked: string[] = []
  const counting: QuerierOptions['sink'] = {
    ...sink,
    open(id: BlockId) {
      const reader = sink.open?.(id)
      return (
        reader && {
          ...reader,
          files: {
            read(path, offset, length, signal) {
              asked.push(`${path.slice(0, 6)} ${length}`)
              return reader.files.read(path, offset, length, signal)
            },
          },
        }
      )
    },
  }
  const querier = new Querier({ sink: counting })
  for (let i = 0; i < 2; i++) {
    asked.length = 0
    for await (const _ of querier.select({ matchers: [{ ...UP, value }], from: 0, to: 5_000 }, signal));
  }
  return asked
}

describe('what is guessed of an entry', () => {
  it('is what the index_stats of the meta say, and else 512 bytes of a series and 1 KiB of a chunk', async () => {
    const [postings, ...stated] = await ranges({ series: 77, chunk: 40_000 })
    expect([postings, stated]).toEqual(['index 16', ['index 77', 'chunks 40000']])
    const [, series, chunk, ...again] = await ranges()
    expect([series, chunk]).toEqual(['index 512', 'chunks 1024'])
    expect(again, 'the chunk has 16 kB').toHaveLength(1)
  })

  it('ends where the series of the index end', async () => {
    const [, series = ''] = await ranges({ series: 10_000, chunk: 40_000 }, 'z49')
    expect(Number(series.split(' ')[1])).toBeLessThan(40)
  })
})

describe('a query whose read is late', () => {
  const block = blockOf({ series: [[{ __name__: 'up' }, [[1, 1]]]] })

  async function late(kind: 'headers' | 'whole') {
    const host = fakeHost()
    const { sink, state } = sinkOfFiles([block], { kind })
    const querier = new Querier({ sink, hedge: new Hedge({ host, quantile: 0.9, upTo: 2 }) })
    const ask = async () => {
      let found = 0
      for await (const batch of querier.select({ matchers: [UP], from: 0, to: 9 }, signal)) found += batch.length
      return found
    }
    for (let i = 0; i < 10; i++) expect(await ask()).toBe(1)
    const signals: AbortSignal[] = []
    state.before = (_, path, each) => {
      if (!path.startsWith('chunks')) return
      signals.push(each)
      return signals.length > 1 ? undefined : new Promise<void>(() => {})
    }
    let found: number | undefined
    void ask().then(count => {
      found = count
    })
    await settle()
    await host.advance(5)
    return { found, aborted: signals.map(({ aborted }) => aborted) }
  }

  it('has its answer of a second read where the bucket is read, and no second read of a disk', async () => {
    expect(await late('headers')).toMatchObject({ found: 1, aborted: [true, expect.any(Boolean)] })
    expect(await late('whole')).toEqual({ found: undefined, aborted: [false] })
  })
})
