import type { StateStore } from 'blockgate'
import { memoryState, settle, testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, world } from './support/world.ts'

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
