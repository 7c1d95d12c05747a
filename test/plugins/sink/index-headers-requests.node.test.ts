import type { ObjectBody } from 'blockgate'
import { settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { indexFile } from '../../support/index-file.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, hasHeaderOf, headersWorld, small, type World } from './sink-world.ts'

const folder = tempFolders()
const MB = 1024 * 1024
const KB = 1024
/** Where the parts of a section begin that the two reads do not hold. */
const REST = 128 * KB

/** `count` label values of 1 MiB each: they are in the symbols and in the table. */
const large = (count: number) =>
  indexFile({ series: Array.from({ length: count }, (_, i) => [['a', `${i + 100}${'x'.repeat(MB - 3)}`]]) })

/** Each get goes through `onGet`, which is told where its range begins. */
function intercept(
  { bucket }: World,
  onGet: (
    offset: number,
    get: () => Promise<ObjectBody | undefined>,
    signal: AbortSignal,
  ) => Promise<ObjectBody | undefined>,
) {
  const get = bucket.get.bind(bucket)
  bucket.get = (key, options) => {
    const offset = options.range && 'offset' in options.range ? options.range.offset : 0
    return onGet(offset, () => get(key, options), options.signal)
  }
  return () => {
    bucket.get = get
  }
}

/** Never answers, but for the abort. */
function hanging(signal: AbortSignal, aborted: unknown[]): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      aborted.push(signal.reason)
      reject(signal.reason)
    })
  })
}

describe('requests of indexHeaders', () => {
  const { length } = small
  it.each([
    ['no larger than both reads: one, and no other', length - 100, [`index 0+${length}`], 1],
    ['larger: a suffix and a head, side by side', length - 101, [`index -${length - 101}`, 'index 0+100'], 2],
  ])('an index that is %s', async (_, tailBytes, gets, most) => {
    const { root, sink, bucket, store } = await headersWorld({ root: folder(), headBytes: 100, tailBytes })
    const block = await storedIndex(store, 1, small)
    await add(sink, block)
    expect([bucket.gets, bucket.others, bucket.most]).toEqual([gets, [], most])
    expect(await hasHeaderOf(small, root, block.meta.ulid)).toBe(true)
  })

  it('by default the reads are 256 KiB and 128 KiB', async () => {
    const { sink, bucket, store } = await headersWorld({ root: folder() })
    const index = indexFile({ series: [[['a', '1']]], moreSymbols: [`b${'x'.repeat(100_000)}`], padding: 400_000 })
    await add(sink, await storedIndex(store, 1, index))
    // The padding is in neither read, but the header has it.
    expect(bucket.gets).toEqual(['index -262144', 'index 0+131072', expect.stringMatching(/^index 131072\+/)])
    expect(Number(bucket.gets[2]?.split('+')[1])).toBeLessThanOrEqual(index.length - 384 * KB)
  })

  it('for each head and tail no byte is read twice, and the header is the same', async () => {
    const series = Array.from({ length: 30 }, (_, i) => [['label', `value-${i + 10}`]] as const)
    const index = indexFile({ series, padding: 5 })
    for (const headBytes of [64, 100, 321, 322, 700, 1500]) {
      for (const tailBytes of [64, 100, 600, 1000, 1700]) {
        const { root, sink, bucket, store } = await headersWorld({ root: folder(), headBytes, tailBytes })
        const block = await storedIndex(store, 1, index)
        await add(sink, block)
        const read = new Uint8Array(index.length)
        for (const get of bucket.gets) {
          const [, offset, length] = /^index (?:(\d+)\+|-)(\d+)$/.exec(get) ?? []
          const from = offset === undefined ? index.length - Number(length) : Number(offset)
          for (let at = from; at < from + Number(length); at++) read[at] = (read[at] ?? 0) + 1
        }
        expect(Math.max(...read), `head ${headBytes}, tail ${tailBytes}: ${bucket.gets}`).toBe(1)
        expect(await hasHeaderOf(index, root, block.meta.ulid)).toBe(true)
      }
    }
  })

  it('what is larger than the reads comes in parts of 16 MiB', async () => {
    const index = large(20)
    const { root, sink, bucket, store } = await headersWorld({ root: folder() })
    const block = await storedIndex(store, 1, index)
    await add(sink, block)
    const view = new DataView(index.buffer, index.length - 52)
    const [series, table] = [Number(view.getBigUint64(8)), Number(view.getBigUint64(40))]
    expect(bucket.gets).toEqual([
      'index -262144',
      'index 0+131072',
      `index ${REST}+${16 * MB}`,
      `index ${REST + 16 * MB}+${series - REST - 16 * MB}`,
      `index ${table}+${16 * MB}`,
      `index ${table + 16 * MB}+${index.length - 256 * KB - table - 16 * MB}`,
    ])
    expect(await hasHeaderOf(index, root, block.meta.ulid)).toBe(true)
  })

  it('at most four parts of all blocks are asked for at once', async () => {
    const made = await headersWorld({ root: folder() })
    const index = large(34)
    const blocks = await Promise.all([1, 2, 3].map(n => storedIndex(made.store, n, index)))
    const four = Promise.withResolvers<void>()
    let parts = 0
    let most = 0
    intercept(made, async (offset, get) => {
      if (offset < REST) return await get()
      most = Math.max(most, ++parts)
      if (parts === 4) four.resolve()
      await four.promise
      // Whoever else may come comes now.
      await settle()
      const body = await get()
      const close = async () => {
        parts--
        await body?.[Symbol.asyncDispose]()
      }
      return body && { ...body, [Symbol.asyncDispose]: close }
    })
    await Promise.all(blocks.map(block => add(made.sink, block)))
    expect([made.ids().length, most]).toEqual([3, 4])
  })

  it('a head that fails ends the request of the tail', async () => {
    const made = await headersWorld({ root: folder(), headBytes: 64, tailBytes: 64 })
    const aborted: unknown[] = []
    const block = await storedIndex(made.store, 1, small)
    made.bucket.get = async (_, { range, signal }) => {
      if (range && 'offset' in range) throw new Error('reset')
      return await hanging(signal, aborted)
    }
    const error = await made.refused(block)
    expect(error.message).toBe('reset')
    expect(aborted).toEqual([error])
  })

  // A place that leaked at each try would soon leave none of the four.
  it('a part that fails ends the others of its block at once, and all give their places back', async () => {
    const made = await headersWorld({ root: folder() })
    const block = await storedIndex(made.store, 1, large(34))
    const aborted: unknown[] = []
    const restore = intercept(made, async (offset, get, signal) => {
      if (offset < REST) return await get()
      if (offset === REST + 16 * MB) throw new Error('reset')
      return await hanging(signal, aborted)
    })
    for (let i = 1; i <= 5; i++) {
      expect((await made.refused(block)).message).toBe('reset')
      expect(aborted).toHaveLength(2 * i)
    }
    restore()
    expect(await made.paths()).toEqual([])
    await add(made.sink, block)
    expect(made.ids()).toEqual([block.meta.ulid])
  })

  it('parts that were there already when another failed give their places back', async () => {
    const made = await headersWorld({ root: folder() })
    const { bucket } = made
    const block = await storedIndex(made.store, 1, large(34))
    const restore = intercept(made, async (offset, get) => {
      if (offset !== REST) return await get()
      while (bucket.open > 0 || bucket.gets.length % 4 !== 0) await settle()
      await settle()
      throw new Error('reset')
    })
    for (let i = 0; i < 5; i++) expect((await made.refused(block)).message).toBe('reset')
    restore()
    await add(made.sink, block)
    expect(made.ids()).toEqual([block.meta.ulid])
  })
})
