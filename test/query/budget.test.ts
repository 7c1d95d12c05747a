// The parts that limits are made of.
import { codeOf } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/contracts/query-limits.ts'
import { QueryGate } from '../../src/query/gate.ts'
import { Budget } from '../../src/query/limits.ts'
import { QueryMemory } from '../../src/query/memory.ts'

const { signal } = new AbortController()

/** The code and the limit of what `work` throws. */
function refusal(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return [codeOf(error), (error as { limit?: string }).limit]
  }
  return undefined
}

describe('a budget that has refused', () => {
  it('refuses all that follows with the first reason, and tells of it once', () => {
    const told: unknown[] = []
    const memory = new QueryMemory(1_000)
    const budget = new Budget({ ...DEFAULT_LIMITS, series: 1 }, { memory, onRefused: error => told.push(error.limit) })
    budget.take('series', 1)
    budget.hold(10)
    const first = ['query-too-large', 'series']
    expect(refusal(() => budget.take('series', 1))).toEqual(first)
    expect(refusal(() => budget.take('chunks', 1))).toEqual(first)
    expect(refusal(() => budget.take('bytes', 1))).toEqual(first)
    expect(refusal(() => budget.hold(1))).toEqual(first)
    expect(refusal(() => budget.answer(1))).toEqual(first)
    expect(told).toEqual(['series'])
    expect(memory.held).toBe(10)
    budget.end()
    expect(memory.held).toBe(0)
  })

  it('for want of memory, may be asked again where others hold it, and not where it is too large itself', () => {
    const memory = new QueryMemory(100)
    const other = new Budget(DEFAULT_LIMITS, { memory })
    other.hold(60)
    const budget = new Budget(DEFAULT_LIMITS, { memory })
    budget.hold(40)
    expect(refusal(() => budget.hold(1))).toEqual(['out-of-memory', 'memory'])
    budget.end()
    other.end()
    const large = new Budget(DEFAULT_LIMITS, { memory })
    large.hold(60)
    large.answer(30)
    expect(refusal(() => large.answer(41))).toEqual(['query-too-large', 'memory'])
    large.end()
    expect(memory.held).toBe(0)
  })

  it('counts an answer that grows once', () => {
    const memory = new QueryMemory(100)
    const budget = new Budget(DEFAULT_LIMITS, { memory })
    for (const bytes of [10, 50, 90, 30]) budget.answer(bytes)
    expect(memory.held).toBe(30)
  })
})

describe('a gate', () => {
  it('lets those in who wait longest, and counts one who leaves twice once', async () => {
    const gate = new QueryGate({ concurrent: 1, queued: 2 })
    const first = await gate.enter(signal)
    const order: number[] = []
    const [second, third] = [2, 3].map(async n => {
      const place = await gate.enter(signal)
      order.push(n)
      return place
    })
    expect([gate.running, gate.waiting]).toEqual([1, 2])
    await expect(gate.enter(signal)).rejects.toThrow('at most 1 queries')
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    const place = await second
    expect([order, gate.running, gate.waiting]).toEqual([[2], 1, 1])
    place?.[Symbol.dispose]()
    ;(await third)?.[Symbol.dispose]()
    expect([order, gate.running, gate.waiting]).toEqual([[2, 3], 0, 0])
  })

  it('turns away who has gone already', async () => {
    const gate = new QueryGate({ concurrent: 1, queued: 1 })
    await expect(gate.enter(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(gate.running).toBe(0)
  })
})
