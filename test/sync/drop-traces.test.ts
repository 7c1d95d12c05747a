/** What the traces say of drops that do not end as they begin: of a gateway that is stopped, and of damaged copies. */
import { type Spans, spans, testId } from 'blockgate/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { entry } from '../support/syncs.ts'
import { blocks, scriptedOwnership, scriptedSink, type World, type WorldOptions, world } from '../support/world.ts'

let recorded: Spans
let running: World | undefined
beforeEach(() => {
  recorded = spans()
})
afterEach(async () => {
  await running?.gateway.stop()
  running = undefined
  recorded.stop()
})

const make = async (options: WorldOptions) => (running = await world(options))

it('a gateway that is stopped in the middle of its drops tells of each block what was done with it, once', async () => {
  const ownership = scriptedOwnership([1, 2, 3])
  const sink = scriptedSink()
  const { handover } = ownership
  const made = await make({
    list: blocks(1, 2, 3),
    ownership,
    sink: {
      ...sink,
      async drop(id, signal) {
        await sink.drop(id, signal)
        // Its files do not go before the gateway is stopped.
        if (id === testId(2)) await new Promise(() => {})
      },
    },
  })
  const { gateway, host } = made
  await gateway.start()
  const { release } = handover ?? {}
  Object.assign(handover ?? {}, {
    release: (...args: Parameters<NonNullable<typeof release>>) =>
      args[0].id === testId(3) ? new Promise(() => {}) : release?.(...args),
  })
  ownership.served(1, 2, 3)
  ownership.lose(1, 2, 3)
  recorded.reset()
  await host.advance(1_000)
  const told = (n: number) =>
    recorded
      .finished()
      .flatMap(({ name, attributes }) =>
        attributes['block.outcome'] && attributes['block.id'] === testId(n) ? [name] : [],
      )
  expect([told(1), told(2), told(3)]).toEqual([['block dropped'], [], []])
  const stopping = gateway.stop()
  await host.advance(60_000)
  await stopping
  expect([told(1), told(2), told(3)]).toEqual([['block dropped'], ['block dropped'], ['block skipped not-owner']])
  expect(sink.numbers).toEqual([3])
  expect([1, 2, 3].map(n => entry(made, n)?.events.at(-1)?.kind)).toEqual(['dropped', 'dropped', 'skipped'])
})

it('a block that was retained, and is asked about when the gateway is stopped, is told of once', async () => {
  const ownership = scriptedOwnership([1])
  const made = await make({ list: blocks(1), ownership })
  const { gateway, host } = made
  await gateway.start()
  ownership.lose(1)
  await host.advance(1_000)
  expect(entry(made, 1)?.events.at(-1)?.kind).toBe('retained')
  recorded.reset()
  Object.assign(ownership.handover ?? {}, { release: () => new Promise(() => {}) })
  ownership.served(1)
  await host.advance(1_000)
  const stopping = gateway.stop()
  await host.advance(60_000)
  await stopping
  expect(recorded.finished().filter(({ name }) => name.startsWith('block '))).toEqual([])
  expect(entry(made, 1)?.events.at(-1)?.kind).toBe('retained')
})

it('a gateway that is stopped while it drops damaged copies keeps those that it did not come to', async () => {
  const sink = scriptedSink()
  sink.hold(...blocks(1, 2))
  const { gateway, host } = await make({
    list: blocks(1, 2),
    sink: {
      ...sink,
      damaged: () => new Set([testId(1), testId(2)]),
      async drop(id, signal) {
        await sink.drop(id, signal)
        await new Promise(() => {})
      },
    },
  })
  const starting = gateway.start().catch(() => {})
  await host.advance(1_000)
  const stopping = gateway.stop()
  await host.advance(60_000)
  await Promise.all([starting, stopping])
  expect(sink.numbers).toEqual([2])
  expect(recorded.finished().flatMap(({ name, attributes }) => (attributes['block.outcome'] ? [name] : []))).toEqual([
    'block dropped',
  ])
})

it('a block that may go is dropped, also where nobody can say in which trace', async () => {
  const ownership = scriptedOwnership([1])
  Object.assign(ownership.handover ?? {}, { traceOf: () => Promise.reject(new Error('store away')) })
  const { gateway, host, sink } = await make({ list: blocks(1), ownership })
  await gateway.start()
  ownership.served(1)
  ownership.lose(1)
  await host.advance(1_000)
  expect([sink.numbers, recorded.finished().some(({ name }) => name === 'block dropped')]).toEqual([[], true])
})

it('a copy that turned out to be damaged is dropped in a trace, and loaded again in the next one', async () => {
  const sink = scriptedSink()
  const damaged = new Set([testId(1)])
  sink.hold(...blocks(1))
  const { gateway } = await make({
    list: blocks(1),
    sink: {
      ...sink,
      damaged: () => new Set(damaged),
      drop: async (id, signal) => {
        damaged.delete(id)
        await sink.drop(id, signal)
      },
    },
  })
  await gateway.sync()
  expect(recorded.tree({ attributes: ['block.outcome.reason'] })).toMatchInlineSnapshot(`
    "sync.run ~> block dropped, block added
      source.scripted
    block dropped block.outcome.reason=damaged ~> sync.run
      drop
      block added ~> sync.run
        block.owned
          ownership.claim
          block.scripted-sink"
  `)
})
