import { describe, expect, it } from 'vitest'
import { Body } from '../../src/query/remote-read/body.ts'
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { WriterPool } from '../../src/query/remote-read/writer-pool.ts'

const MIB = 1024 * 1024
const poolOf = () => new WriterPool({ size: 16, idle: 2, maxBytes: 16 * MIB })

describe('writers that are used again', () => {
  it('one that was given back is taken again, empty', () => {
    const pool = poolOf()
    const writer = pool.take()
    writer.uint(300)
    pool.give(writer)
    expect(pool.take()).toBe(writer)
    expect(writer.done()).toEqual(new Uint8Array(0))
  })

  it('large ones are not kept, nor those of a burst', () => {
    const pool = poolOf()
    const large = pool.take()
    large.reserve(17 * MIB)
    pool.give(large)
    const burst = Array.from({ length: 5 }, () => pool.take())
    // By itself: an assertion would print its 17 MiB.
    expect(burst.includes(large)).toBe(false)
    for (const each of burst) pool.give(each)
    const again = Array.from({ length: 5 }, () => pool.take())
    expect(again.filter(each => burst.includes(each))).toHaveLength(2)
  })

  it('are free where the first part fails, and once alone', async () => {
    const { signal } = new AbortController()
    let unused = 0
    const onUnused = () => void unused++
    async function* failing() {
      yield await Promise.reject(new Error('the disk is gone'))
    }
    await expect(Body.begun(failing(), { signal, onUnused })).rejects.toThrow('the disk is gone')
    expect(unused).toBe(1)
  })

  it('wraps what was written as a field of any size', () => {
    for (const size of [0, 127, 128, 20_000]) {
      const writer = new ProtoWriter(16)
      writer.uint(5)
      writer.raw(new Uint8Array(size).fill(9))
      writer.wrap(1, 10)
      const head = size < 128 ? [10, size] : [10, (size & 127) | 128, size >>> 7]
      expect([...writer.done()]).toEqual(
        size === 20_000 ? [5, 10, 160, 156, 1, ...Array(size).fill(9)] : [5, ...head, ...Array(size).fill(9)],
      )
    }
  })
})
