import type { StateStore } from 'blockgate'
import { memoryState, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, type WorldOptions, world } from '../support/world.ts'

const KEY = 'engine/loads-in-flight'
const [ONE, TWO] = [testId(1), testId(2)]

/** Without the times in it. */
async function documentIn(state: Pick<StateStore, 'get'>) {
  const { inFlight, deaths } = Object(await state.get(KEY))
  return { inFlight, deaths }
}

/** A gateway whose journal has `inFlight` and these crash counts. */
async function scene(inFlight: readonly unknown[], deaths: object, options: WorldOptions = {}) {
  const state = memoryState()
  await state.set(KEY, { inFlight, deaths })
  return { ...(await world({ state, ...options })), document: () => documentIn(state) }
}

it('counts a crash at the next start, and writes it down before anything is loaded', async () => {
  const { gateway, document } = await scene([ONE], { [ONE]: 1 }, { list: [] })
  await gateway.sync()
  expect(await document()).toEqual({ inFlight: [], deaths: { [ONE]: 2 } })
})

it('keeps the crashes of a block whose load failed with the process alive, and forgets those of one that was loaded', async () => {
  const { gateway, sink, host, document } = await scene([], { [ONE]: 2, [TWO]: 2 }, { list: blocks(1, 2) })
  sink.fail(1, ...Array.from({ length: 4 }, () => new Error('no')))
  const run = gateway.sync()
  for (let i = 0; i < 4; i++) await host.advance(60_000)
  await run
  await gateway.stop()
  expect(await document()).toEqual({ inFlight: [], deaths: { [ONE]: 2 } })
})

it('forgets, also on the disk, the crashes of a block that is held after all', async () => {
  const sink = scriptedSink()
  sink.hold(...blocks(1))
  const { gateway, document } = await scene([ONE], {}, { list: blocks(1), sink })
  await gateway.sync()
  expect(await document()).toEqual({ inFlight: [], deaths: {} })
})

it('forgets the crashes of a block that two complete views in a row do not have', async () => {
  const ownership = scriptedOwnership([])
  const { gateway, source, document } = await scene([], { [ONE]: 3, [TWO]: 1 }, { list: blocks(2), ownership })
  source.complete = false
  for (let i = 0; i < 3; i++) await gateway.sync()
  source.complete = true
  await gateway.sync()
  expect(await document()).toEqual({ inFlight: [], deaths: { [ONE]: 3, [TWO]: 1 } })
  await gateway.sync()
  // What was denied is still there.
  expect(await document()).toEqual({ inFlight: [], deaths: { [TWO]: 1 } })
})

it('leaves out of its document what is no block, and no count of crashes', async () => {
  const deaths = { [ONE]: 3, [TWO]: 0, [testId(3)]: -1, [testId(4)]: 1.5, [testId(5)]: '3', '../x': 3 }
  const { gateway, document } = await scene(['../x', 7, testId(6)], deaths, { list: [] })
  await gateway.sync()
  expect(await document()).toEqual({ inFlight: [], deaths: { [ONE]: 3, [testId(6)]: 1 } })
})

describe('stop()', () => {
  /** A load has ended, and its end is being written until `open()` is called. */
  async function writing() {
    const inner = memoryState()
    let gate: PromiseWithResolvers<void> | undefined
    const set: typeof inner.set = async (key, value) => {
      await gate?.promise
      await inner.set(key, value)
    }
    const { gateway, sink, host } = await world({ list: blocks(1, 2), state: { ...inner, set } })
    const go = [sink.gate(1), sink.gate(2)]
    const run = gateway.sync()
    await settle()
    gate = Promise.withResolvers()
    for (const end of go) end()
    await run
    return { gateway, host, open: gate.resolve, document: () => documentIn(inner) }
  }

  it('waits until the end of every load is written down: the process may exit right after it', async () => {
    const { gateway, open, document } = await writing()
    let stopped = false
    const stop = gateway.stop().then(() => {
      stopped = true
    })
    await settle()
    expect(stopped).toBe(false)
    open()
    await stop
    expect(await document()).toEqual({ inFlight: [], deaths: {} })
  })

  it('does not wait for a state store that hangs longer than the grace', async () => {
    const { gateway, host } = await writing()
    const stop = expect(gateway.stop()).rejects.toThrow('timed out after 30 s')
    await host.advance(30_000)
    await stop
  })
})

it.each([
  ['serves what it holds', blocks(1), [ONE, TWO], { unchanged: 1 }],
  ['fails the others', blocks(1, 2, 3), [], { unchanged: 1, failed: 2 }],
] as const)('a gateway whose disk takes no writes %s, and says why once', async (_, list, inFlight, counts) => {
  const sink = scriptedSink()
  sink.hold(...blocks(1))
  const inner = memoryState()
  await inner.set(KEY, { inFlight, deaths: {} })
  const state = { ...inner, set: () => Promise.reject(new Error('the disk is full')) }
  const { gateway, host } = await world({ list, state, sink })
  const run = gateway.sync()
  await host.advance(120_000)
  expect((await run).summary.blocks).toMatchObject(counts)
  expect(host.lines.filter(line => line.message === 'the journal of loads cannot be written')).toHaveLength(1)
  await gateway.stop()
})
