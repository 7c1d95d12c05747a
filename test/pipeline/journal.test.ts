import type { StateStore } from 'blockgate'
import { memoryState, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, world } from '../support/world.ts'

/** Writes of the engine wait until `open()` is called; others are at once. */
function slowState(): { readonly state: StateStore; open(): void; close(): void } {
  const inner = memoryState()
  let gate: PromiseWithResolvers<void> | undefined
  return {
    state: {
      ...inner,
      async set(key, value) {
        await gate?.promise
        await inner.set(key, value)
      },
    },
    close() {
      gate = Promise.withResolvers()
    },
    open() {
      gate?.resolve()
    },
  }
}

describe('stop()', () => {
  it('waits until the end of every load is written down: the process may exit right after it', async () => {
    const { state, open, close } = slowState()
    const { gateway, sink } = await world({ list: blocks(1, 2), state })
    const go = [sink.gate(1), sink.gate(2)]
    const run = gateway.sync()
    await settle()
    close()
    for (const gate of go) gate()
    await run
    let stopped = false
    const stop = gateway.stop().then(() => {
      stopped = true
    })
    await settle()
    expect(stopped).toBe(false)
    open()
    await stop
    expect(await state.get('engine/loads-in-flight')).toEqual({ inFlight: [], deaths: {} })
  })

  it('does not wait for a state store that hangs longer than the grace', async () => {
    const { state, close } = slowState()
    const { gateway, sink, host } = await world({ list: blocks(1), state })
    const go = sink.gate(1)
    const run = gateway.sync()
    await settle()
    close()
    go()
    await run
    const stop = expect(gateway.stop()).rejects.toThrow('it must stop within 30000 ms')
    await host.advance(30_000)
    await stop
  })
})

it('forgets the deaths of a block that two complete views in a row do not have', async () => {
  const state = memoryState()
  const deaths = { [testId(1)]: 3, [testId(2)]: 1 }
  await state.set('engine/loads-in-flight', { inFlight: [], deaths })
  const { gateway, source } = await world({ list: blocks(2), ownership: scriptedOwnership([]), state })
  source.complete = false
  for (let i = 0; i < 3; i++) await gateway.sync()
  source.complete = true
  await gateway.sync()
  expect(await state.get('engine/loads-in-flight')).toEqual({ inFlight: [], deaths })
  await gateway.sync()
  // What was denied is still there.
  expect(await state.get('engine/loads-in-flight')).toEqual({ inFlight: [], deaths: { [testId(2)]: 1 } })
})

describe('what the journal keeps', () => {
  const KEY = 'engine/loads-in-flight'

  it('counts a death at the next start, and writes it down before anything is loaded', async () => {
    const state = memoryState()
    await state.set(KEY, { inFlight: [testId(1)], deaths: { [testId(1)]: 1 } })
    const { gateway } = await world({ list: [], state })
    await gateway.sync()
    expect(await state.get(KEY)).toEqual({ inFlight: [], deaths: { [testId(1)]: 2 } })
  })

  it('keeps the deaths of a block whose load failed with the process alive, and forgets those of one that was loaded', async () => {
    const state = memoryState()
    await state.set(KEY, { inFlight: [], deaths: { [testId(1)]: 2, [testId(2)]: 2 } })
    const { gateway, sink, host } = await world({ list: blocks(1, 2), state })
    sink.fail(1, ...Array.from({ length: 4 }, () => new Error('no')))
    const run = gateway.sync()
    for (let i = 0; i < 4; i++) await host.advance(60_000)
    await run
    await gateway.stop()
    expect(await state.get(KEY)).toEqual({ inFlight: [], deaths: { [testId(1)]: 2 } })
  })

  it('forgets, also on the disk, the deaths of a block that is held after all', async () => {
    const state = memoryState()
    await state.set(KEY, { inFlight: [testId(1)], deaths: {} })
    const sink = scriptedSink()
    sink.hold(...blocks(1))
    const { gateway } = await world({ list: blocks(1), state, sink })
    await gateway.sync()
    expect(await state.get(KEY)).toEqual({ inFlight: [], deaths: {} })
  })

  it('leaves out of its document what is no block, and no count of deaths', async () => {
    const state = memoryState()
    const deaths = { [testId(1)]: 3, [testId(2)]: 0, [testId(3)]: -1, [testId(4)]: 1.5, [testId(5)]: '3', '../x': 3 }
    await state.set(KEY, { inFlight: ['../x', 7, testId(6)], deaths })
    const { gateway } = await world({ list: [], state })
    await gateway.sync()
    expect(await state.get(KEY)).toEqual({ inFlight: [], deaths: { [testId(1)]: 3, [testId(6)]: 1 } })
  })
})

describe('a disk that takes no writes', () => {
  const full = (): StateStore => ({ ...memoryState(), set: () => Promise.reject(new Error('the disk is full')) })
  const told = (lines: readonly { readonly message: string }[]) =>
    lines.filter(({ message }) => message === 'the journal of loads cannot be written').length

  it('keeps no gateway from starting and serving what it holds, whatever the journal has', async () => {
    const inner = memoryState()
    await inner.set('engine/loads-in-flight', { inFlight: [testId(1), testId(2)], deaths: { [testId(1)]: 1 } })
    const sink = scriptedSink()
    sink.hold(...blocks(1))
    const state = { ...full(), get: (key: string) => inner.get(key) }
    const { gateway, host } = await world({ list: blocks(1), state, sink })
    expect((await gateway.sync()).summary.blocks).toMatchObject({ unchanged: 1 })
    expect(told(host.lines)).toBe(1)
    await gateway.stop()
  })

  it('is told once, not with each block', async () => {
    const { gateway, host } = await world({ list: blocks(1, 2, 3), state: full() })
    const run = gateway.sync()
    await host.advance(120_000)
    expect((await run).summary.blocks).toMatchObject({ failed: 3 })
    expect(told(host.lines)).toBe(1)
    await gateway.stop()
  })
})
