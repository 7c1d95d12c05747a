import type { StateStore } from 'blockgate'
import { memoryState, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, world } from './support/world.ts'

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
