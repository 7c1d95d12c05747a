import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LocalFiles, Range } from 'blockgate'
import { blockContext, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { headerOf } from '../../support/header-of.ts'
import { indexFile } from '../../support/index-file.ts'
import { storedIndex } from '../../support/indexed-blocks.ts'
import { tempFolders } from '../../support/temp-folders.ts'
import { add, small, world } from './index-headers-world.ts'

const folder = tempFolders()

/** `count` label values of 1 MiB each: they are in the symbols and in the table. */
const large = (count: number) =>
  indexFile({ series: Array.from({ length: count }, (_, i) => [['a', `${i + 100}${'x'.repeat(1024 * 1024 - 3)}`]]) })
const MB = 1024 * 1024
const KB = 1024

describe('requests of indexHeaders', () => {
  it('an index that is no larger than both reads is one request, and there is no other', async () => {
    const { sink, bucket, store } = await world({ root: folder(), headBytes: 100, tailBytes: small.length - 100 })
    await add(sink, await storedIndex(store, 1, small))
    expect(bucket.gets).toEqual([`index 0+${small.length}`])
    expect(bucket.others).toEqual([])
  })

  it('a larger one is a suffix and a head, side by side', async () => {
    const { root, sink, bucket, store } = await world({ root: folder(), headBytes: 100, tailBytes: small.length - 101 })
    const block = await storedIndex(store, 1, small)
    await add(sink, block)
    expect(bucket.gets).toEqual([`index -${small.length - 101}`, 'index 0+100'])
    expect(bucket.most).toBe(2)
    expect(Buffer.compare(await readFile(join(root, block.meta.ulid, 'index-header')), await headerOf(small))).toBe(0)
  })

  it('by default the reads are 256 KiB and 128 KiB', async () => {
    const { sink, bucket, store } = await world({ root: folder() })
    const index = indexFile({ series: [[['a', '1']]], moreSymbols: [`b${'x'.repeat(100_000)}`], padding: 400_000 })
    await add(sink, await storedIndex(store, 1, index))
    // The padding is in neither read, but the header has it.
    const padding = index.length - 384 * KB
    expect(bucket.gets).toEqual(['index -262144', 'index 0+131072', expect.stringMatching(/^index 131072\+/)])
    expect(Number(bucket.gets[2]?.split('+')[1])).toBeLessThanOrEqual(padding)
  })

  it('for each head and tail no byte is read twice, and the header is the same', async () => {
    const index = indexFile({
      series: Array.from({ length: 30 }, (_, i) => [['label', `value-${i + 10}`]]),
      padding: 5,
    })
    const expected = await headerOf(index)
    for (const headBytes of [64, 100, 321, 322, 700, 1500]) {
      for (const tailBytes of [64, 100, 600, 1000, 1700]) {
        const { root, sink, bucket, store } = await world({ root: folder(), headBytes, tailBytes })
        const block = await storedIndex(store, 1, index)
        await add(sink, block)
        const read = new Uint8Array(index.length)
        for (const get of bucket.gets) {
          const [, offset, length] = /^index (?:(\d+)\+|-)(\d+)$/.exec(get) ?? []
          const from = offset === undefined ? index.length - Number(length) : Number(offset)
          for (let at = from; at < from + Number(length); at++) read[at] = (read[at] ?? 0) + 1
        }
        expect(Math.max(...read), `head ${headBytes}, tail ${tailBytes}: ${bucket.gets}`).toBe(1)
        expect(Buffer.compare(await readFile(join(root, block.meta.ulid, 'index-header')), expected)).toBe(0)
      }
    }
  })

  it('what is larger than the reads comes in parts of 16 MiB', async () => {
    const index = large(20)
    const { root, sink, bucket, store } = await world({ root: folder() })
    const block = await storedIndex(store, 1, index)
    await add(sink, block)
    const view = new DataView(index.buffer, index.length - 52)
    const [series, table] = [Number(view.getBigUint64(8)), Number(view.getBigUint64(40))]
    const head = 128 * KB
    expect(bucket.gets).toEqual([
      'index -262144',
      'index 0+131072',
      `index ${head}+${16 * MB}`,
      `index ${head + 16 * MB}+${series - head - 16 * MB}`,
      `index ${table}+${16 * MB}`,
      `index ${table + 16 * MB}+${index.length - 256 * KB - table - 16 * MB}`,
    ])
    expect(Buffer.compare(await readFile(join(root, block.meta.ulid, 'index-header')), await headerOf(index))).toBe(0)
  })

  it('at most four parts of all blocks are asked for at once', async () => {
    const { sink, bucket, store } = await world({ root: folder() })
    const index = large(34)
    const blocks = [1, 2, 3].map(n => storedIndex(store, n, index))
    const four = Promise.withResolvers<void>()
    let parts = 0
    let most = 0
    const get = bucket.get.bind(bucket)
    bucket.get = async (key, options) => {
      if (offsetOf(options.range) < 128 * KB) return await get(key, options)
      most = Math.max(most, ++parts)
      if (parts === 4) four.resolve()
      await four.promise
      // Whoever else may come comes now.
      await settle()
      const body = await get(key, options)
      return (
        body && {
          ...body,
          async [Symbol.asyncDispose]() {
            parts--
            await body[Symbol.asyncDispose]()
          },
        }
      )
    }
    await Promise.all(blocks.map(async block => await add(sink, await block)))
    expect(sink.loaded().size).toBe(3)
    expect(most).toBe(4)
  })

  it('parts that were there already when another failed give their places back', async () => {
    const { sink, bucket, store } = await world({ root: folder() })
    const block = await storedIndex(store, 1, large(34))
    const get = bucket.get.bind(bucket)
    bucket.get = async (key, options) => {
      if (offsetOf(options.range) !== 128 * KB) return await get(key, options)
      while (bucket.open > 0 || bucket.gets.length % 4 !== 0) await settle()
      await settle()
      throw new Error('reset')
    }
    for (let i = 0; i < 5; i++) {
      await expect(sink.prepare(blockContext(block))).rejects.toThrow('reset')
    }
    bucket.get = get
    await add(sink, block)
    expect(sink.loaded().size).toBe(1)
  })

  it('a head that fails ends the request of the tail', async () => {
    const { sink, bucket, store } = await world({ root: folder(), headBytes: 64, tailBytes: 64 })
    const aborted: unknown[] = []
    bucket.get = async (_, { range, signal }) => {
      if (range && 'offset' in range) throw new Error('reset')
      return await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted.push(signal.reason)
          reject(signal.reason)
        })
      })
    }
    const error = await sink.prepare(blockContext(await storedIndex(store, 1, small))).catch(e => e)
    expect(error.message).toBe('reset')
    expect(aborted).toEqual([error])
  })

  it('the bytes that go to the disk are right also where it writes them later', async () => {
    const later = (disk: LocalFiles): LocalFiles => ({
      ...disk,
      async writeAtomic(path, body, signal) {
        const parts: Uint8Array[] = []
        if (body instanceof Uint8Array) parts.push(body)
        else for await (const part of body) parts.push(part)
        await disk.writeAtomic(path, Buffer.concat(parts), signal)
      },
    })
    const index = indexFile({ series: [[['a', '1']]], moreSymbols: [`b${'x'.repeat(100_000)}`, 'c'.repeat(50_000)] })
    const { root, sink, store } = await world({ root: folder(), files: later, headBytes: 50_000, tailBytes: 64 })
    const block = await storedIndex(store, 1, index)
    await add(sink, block)
    expect(Buffer.compare(await readFile(join(root, block.meta.ulid, 'index-header')), await headerOf(index))).toBe(0)
  })

  it('a part that fails ends the others of its block at once, and gives its place back', async () => {
    const { sink, bucket, store, services } = await world({ root: folder() })
    const block = await storedIndex(store, 1, large(34))
    const get = bucket.get.bind(bucket)
    let aborted = 0
    bucket.get = async (key, options) => {
      const offset = offsetOf(options.range)
      if (offset < 128 * KB) return await get(key, options)
      if (offset === 128 * KB + 16 * MB) throw new Error('reset')
      return await new Promise((_, reject) => {
        options.signal.addEventListener('abort', () => {
          aborted++
          reject(options.signal.reason)
        })
      })
    }
    // A place that leaked at each try would soon leave none of the four.
    for (let i = 1; i <= 5; i++) {
      const error = await sink.prepare(blockContext(block)).catch(e => e)
      expect(error.message).toBe('reset')
      expect(aborted).toBe(2 * i)
    }
    bucket.get = get
    expect(await services.files.list('')).toEqual([])
    await add(sink, block)
    expect(sink.loaded().size).toBe(1)
  })
})

function offsetOf(range: Range | undefined): number {
  return range && 'offset' in range ? range.offset : 0
}
