import type { BlockReader } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Headers, type HeadersOptions } from '../../src/query/headers.ts'
import { indexFile } from '../support/index-file.ts'

const forever = new AbortController().signal
const INDEX = indexFile({ series: [[['__name__', 'up']]] })

/** Blocks whose reads wait to be let through, where `gated`. */
function blocks(options: Partial<HeadersOptions> = {}) {
  const headers = new Headers({ maxBytes: 1e9, concurrency: 2, ...options })
  const state = {
    reads: [] as number[],
    opens: [] as number[],
    gate: Promise.resolve(),
    failing: undefined as Error | undefined,
  }
  const reader = (i: number): BlockReader => ({
    meta: blockMeta({ ulid: testId(i), files: [{ path: 'index', size: INDEX.length }] }),
    files: {
      async read(_, offset, length, signal) {
        state.reads.push(offset)
        if (offset === 0 && length === 5) state.opens.push(i)
        await state.gate
        signal.throwIfAborted()
        if (state.failing) throw state.failing
        return INDEX.subarray(offset, offset + length)
      },
    },
    [Symbol.dispose]: () => {},
  })
  const hold = (i: number, signal = forever) => headers.hold(reader(i), signal)
  const use = async (i: number) => (await hold(i))[Symbol.dispose]()
  return { headers, state, hold, use }
}

/** Bytes of one header. */
async function oneHeader(): Promise<number> {
  const { headers, use } = blocks()
  await use(1)
  return headers.bytes
}

describe('index-headers in memory', () => {
  it('are opened on first use, and the least recently used is closed where they take too much', async () => {
    const { headers, state, use } = blocks({ maxBytes: 2 * (await oneHeader()) })
    for (const i of [1, 2, 1, 3, 1, 2]) await use(i)
    expect(state.opens).toEqual([1, 2, 3, 2])
    expect([headers.size, headers.bytes]).toEqual([2, 2 * (await oneHeader())])
  })

  it('are not closed under those who use them; one that alone is too large is open as long as it is held', async () => {
    const { headers, state, hold, use } = blocks({ maxBytes: (await oneHeader()) - 1 })
    const held = await hold(1)
    const twice = await hold(1)
    await use(2)
    expect([state.opens, headers.size]).toEqual([[1, 2], 1])
    for (const _ of ['once', 'twice']) held[Symbol.dispose]()
    expect(headers.size, 'one user is left').toBe(1)
    expect(twice.lookup.labelNames()).toEqual(['__name__'])
    twice[Symbol.dispose]()
    expect([headers.size, headers.bytes]).toEqual([0, 0])
  })

  it('are opened once for all who wait, and so many at once as may be', async () => {
    const { headers, state, hold } = blocks()
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const all = [1, 1, 2, 3, 1, 3].map(i => hold(i))
    await Promise.resolve()
    expect(state.opens).toEqual([1, 2])
    gate.resolve()
    for (const one of all) expect((await one).lookup.labelNames()).toEqual(['__name__'])
    expect([state.opens, headers.size]).toEqual([[1, 2, 3], 3])
  })

  it('are made of both ends of the index, asked for side by side, and then of what these tell', async () => {
    const { state, hold } = blocks()
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const held = hold(1)
    for (let i = 0; i < 10; i++) await Promise.resolve()
    const ends = [0, INDEX.length - 52]
    expect(state.reads).toEqual(ends)
    gate.resolve()
    await held
    expect(state.reads.length).toBeGreaterThan(ends.length)
  })

  it('an open goes on for those who stay, and its place is given back when all have gone', async () => {
    const { state, hold } = blocks({ concurrency: 1 })
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const gone = new AbortController()
    const [first, second, other] = [hold(1, gone.signal), hold(1), hold(2, gone.signal)]
    const third = hold(3)
    gone.abort(new Error('the client has gone'))
    await expect(first).rejects.toThrow('the client has gone')
    await expect(other).rejects.toThrow('the client has gone')
    gate.resolve()
    expect((await second).lookup.index.version).toBe(2)
    expect((await third).lookup.index.version).toBe(2)
    expect(state.opens).toEqual([1, 3])
  })

  it('an error goes to all who wait, and is not remembered', async () => {
    const { headers, state, hold, use } = blocks()
    state.failing = new Error('the disk is gone')
    for (const one of [hold(1), hold(1)]) await expect(one).rejects.toThrow('the disk is gone')
    state.failing = undefined
    await use(1)
    expect([state.opens, headers.size]).toEqual([[1, 1], 1])
  })

  it('of blocks that are gone are closed, unless they are in use', async () => {
    const { headers, hold, use } = blocks()
    const held = await hold(1)
    await use(2)
    await use(3)
    headers.forgetAllBut(new Set([testId(3)]))
    expect(headers.size).toBe(2)
    held[Symbol.dispose]()
    headers.forgetAllBut(new Set([testId(3)]))
    expect(headers.size).toBe(1)
  })
})
