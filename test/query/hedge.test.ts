// A read that takes longer than most did is begun once more, and the first answer is taken.
import { fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Hedge, type HedgeOptions } from '../../src/query/hedge.ts'
import { Latencies } from '../../src/query/latencies.ts'

const KiB = 1024
const forever = new AbortController().signal

/** Reads that a test answers by hand. */
function world(options: Partial<HedgeOptions> = {}) {
  const host = fakeHost()
  const hedge = new Hedge({ host, quantile: 0.9, upTo: 2, ...options })
  const open: { signal: AbortSignal; answer(text: string): Promise<void>; fail(text: string): Promise<void> }[] = []
  const once = (signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    open.push({
      signal,
      answer(text) {
        resolve(text)
        return settle()
      },
      fail(text) {
        reject(new Error(text))
        return settle()
      },
    })
    signal.addEventListener('abort', () => reject(signal.reason))
    return promise
  }
  /** One that is not answered yet, and what became of it. */
  const ask = (signal = forever, bytes = KiB) => {
    const asked = { answer: undefined as string | undefined, error: undefined as string | undefined }
    open.length = 0
    hedge.read(bytes, once, signal).then(
      answer => {
        asked.answer = answer
      },
      (error: Error) => {
        asked.error = error.message
      },
    )
    return asked
  }
  /** Reads that take `ms` each, one after another. */
  const reads = async (count: number, ms: number, bytes = KiB) => {
    for (let i = 0; i < count; i++) {
      const asked = ask(forever, bytes)
      await host.advance(ms)
      await open[0]?.answer('as ever')
      expect(asked.answer).toBe('as ever')
    }
  }
  return { host, hedge, open, ask, reads }
}

describe('a slow read', () => {
  it('is begun once more after what most reads take; the first answer is taken, and the other read is aborted', async () => {
    const { host, hedge, open, ask, reads } = world()
    await reads(20, 30)
    const asked = ask()
    await host.advance(29)
    expect(open).toHaveLength(1)
    await host.advance(1)
    expect(open).toHaveLength(2)
    await host.advance(1_000)
    expect(open, 'and not a third time').toHaveLength(2)
    await open[1]?.answer('the second')
    expect(asked).toEqual({ answer: 'the second', error: undefined })
    expect([open[0]?.signal.aborted, host.pendingTimers]).toEqual([true, 0])
    expect(hedge.counts).toEqual({ reads: 21, again: 1, won: 1 })
  })

  it('that is answered meanwhile wins, and the second is aborted', async () => {
    const { host, hedge, open, ask, reads } = world()
    await reads(20, 30)
    const asked = ask()
    await host.advance(30)
    await open[0]?.answer('the first')
    expect([asked.answer, open[1]?.signal.aborted]).toEqual(['the first', true])
    expect(hedge.counts).toMatchObject({ again: 1, won: 0 })
  })

  it('is begun up to so many times', async () => {
    const { host, open, ask, reads } = world({ upTo: 3 })
    await reads(20, 30)
    const asked = ask()
    await host.advance(60)
    expect(open).toHaveLength(3)
    await host.advance(1_000)
    expect(open).toHaveLength(3)
    await open[2]?.answer('the third')
    expect([asked.answer, open.map(({ signal }) => signal.aborted).slice(0, 2)]).toEqual(['the third', [true, true]])
  })

  it('is slow for its size', async () => {
    const { host, open, ask, reads } = world()
    await reads(20, 30)
    await reads(20, 300, 2 ** 20)
    ask(forever, 2 ** 20)
    await host.advance(299)
    expect(open).toHaveLength(1)
    await host.advance(1)
    expect(open).toHaveLength(2)
    ask(forever, 64 * KiB + 1)
    await host.advance(1_000)
    expect(open, 'of whose size nothing is known').toHaveLength(1)
  })
})

describe('a read', () => {
  it('is begun once while few are known, and where the store answers at once', async () => {
    const few = world()
    await few.reads(19, 30)
    few.ask()
    await few.host.advance(10_000)
    expect(few.open).toHaveLength(1)
    const fast = world()
    await fast.reads(20, 0)
    fast.ask()
    await fast.host.advance(4)
    expect(fast.open).toHaveLength(1)
    await fast.host.advance(1)
    expect(fast.open).toHaveLength(2)
  })

  it('that fails is an error at once; while another one of it is on its way, that is waited for', async () => {
    const { host, open, ask, reads } = world()
    await reads(20, 30)
    const alone = ask()
    await open[0]?.fail('503')
    expect([alone.error, host.pendingTimers]).toEqual(['503', 0])
    const mended = ask()
    await host.advance(30)
    await open[0]?.fail('503')
    expect(mended).toEqual({ answer: undefined, error: undefined })
    await open[1]?.answer('the second')
    expect(mended.answer).toBe('the second')
    const both = ask()
    await host.advance(30)
    await open[1]?.fail('504')
    await open[0]?.fail('503')
    expect(both.error).toBe('504')
  })

  it('ends with its query', async () => {
    const { host, open, ask, reads } = world()
    await reads(20, 30)
    const query = new AbortController()
    const asked = ask(query.signal)
    await host.advance(30)
    query.abort(new Error('the client is gone'))
    await settle()
    expect(asked.error).toBe('the client is gone')
    expect([open.map(({ signal }) => signal.aborted), host.pendingTimers]).toEqual([[true, true], 0])
  })
})

describe('a store that is slow as a whole', () => {
  it('is not asked twice as much: of reads that hang ten are begun once more, and what is earned', async () => {
    const { host, hedge, reads } = world()
    await reads(20, 30)
    const before = hedge.counts.reads
    for (let i = 0; i < 100; i++) void hedge.read(KiB, () => new Promise(() => {}), forever)
    await host.advance(60_000)
    expect(hedge.counts.reads - before).toBe(100)
    // All 100 earned before the first was late, but no more than ten are saved.
    expect(hedge.counts.again).toBe(10)
    for (let i = 0; i < 100; i++) {
      void hedge.read(KiB, () => new Promise(() => {}), forever)
      await host.advance(1_000)
    }
    expect(hedge.counts.again - 10).toBeGreaterThanOrEqual(14)
    expect(hedge.counts.again - 10).toBeLessThanOrEqual(15)
  })

  it('has other usual latencies before long: then a tenth is begun once more, as ever', async () => {
    const { hedge, reads } = world()
    await reads(20, 30)
    const slow = async () => {
      const { again } = hedge.counts
      for (let i = 0; i < 100; i++) await reads(1, 300 + ((i * 37) % 100))
      return hedge.counts.again - again
    }
    expect(await slow()).toBeLessThanOrEqual(25)
    for (const _ of ['second', 'third']) expect(await slow()).toBeLessThanOrEqual(15)
    expect(await slow()).toBeLessThanOrEqual(11)
  })
})

describe('the usual latency', () => {
  it('is the quantile of the last 256, told anew after eight more', () => {
    const latencies = new Latencies(0.9)
    for (let i = 1; i <= 100; i++) latencies.add(KiB, i)
    expect(latencies.of(KiB)).toBe(91)
    for (let i = 0; i < 7; i++) latencies.add(KiB, 1_000)
    expect(latencies.of(KiB)).toBe(91)
    latencies.add(KiB, 1_000)
    expect(latencies.of(KiB)).toBe(98)
    for (let i = 0; i < 256; i++) latencies.add(KiB, 5)
    expect(latencies.of(KiB)).toBe(5)
    expect(latencies.of(2 ** 30)).toBeUndefined()
  })
})
