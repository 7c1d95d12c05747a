/** Five stories of blocks as a collector gets them: what is sent in OTLP is decoded, and is exactly this tree, on Node and in workerd. */
import { expect, it } from 'vitest'
import { setUp } from '../runtime/collector.ts'
import { cluster } from '../support/cluster.ts'
import { RINGS } from '../support/ownerships.ts'
import { blockTraces, spansOf } from '../support/received-spans.ts'
import { blocks, scriptedOwnership, world } from '../support/world.ts'

const KEYS = [
  ...['blockgate.instance.id', 'block.attempt', 'block.outcome.by', 'block.outcome.reason', 'block.move.from'],
  ...['ownership.status', 'ownership.owners', 'ownership.release.status', 'error.type', 'wait.for'],
]

/** What is told while it is open; `told` gives the traces of blocks. */
function telling() {
  const { stub, tracing, host } = setUp({ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' })
  return {
    async told(of: (spans: ReturnType<typeof spansOf>) => ReturnType<typeof spansOf> = spans => spans) {
      const flushed = tracing.forceFlush()
      await host.advance(10_000)
      await flushed
      return blockTraces(of(stub.requests.flatMap(({ body }) => spansOf(body))), KEYS)
    },
  }
}

it('a block is added', async () => {
  const { told } = telling()
  const { gateway } = await world({ list: blocks(1), ownership: scriptedOwnership([1]) })
  await gateway.sync()
  expect(await told()).toMatchInlineSnapshot(`
    "block added blockgate.instance.id=me block.attempt=1 ~> sync.run
      block.owned
        ownership.claim ownership.status=granted
        block.scripted-sink"
  `)
})

it('a block is denied, and then gained', async () => {
  const { told } = telling()
  const ownership = scriptedOwnership([])
  const { gateway } = await world({ list: blocks(1), ownership })
  await gateway.sync()
  ownership.gain(1)
  await gateway.sync()
  expect(await told()).toMatchInlineSnapshot(`
    "block skipped not-owner blockgate.instance.id=me block.attempt=1 block.outcome.by=owned block.outcome.reason=not-owner ownership.status=denied ownership.owners=["other"] ~> sync.run
      block.owned block.outcome.reason=not-owner
        ownership.claim block.outcome.reason=not-owner ownership.status=denied ownership.owners=["other"]
    block added blockgate.instance.id=me block.attempt=1 ~> sync.run, block skipped not-owner
      block.owned
        ownership.claim ownership.status=granted
        block.scripted-sink"
  `)
})

it('a block moves from one gateway to another', async () => {
  const { told } = telling()
  const c = cluster({
    list: blocks(...Array.from({ length: 12 }, (_, i) => i + 1)),
    ownership: host => (RINGS[0] as (typeof RINGS)[0]).cluster(host),
  })
  await c.start(['gw-1'])
  await c.advance(5_000)
  await c.start(['gw-2'])
  await c.advance(30_000)
  for (const id of ['gw-1', 'gw-2']) await c.stop(id)
  const tree = await told(spans => {
    const moved = spans.find(({ name, attributes }) => name === 'block dropped' && attributes['block.move'] === true)
    const id = moved?.attributes['block.id']
    const traces = new Set(
      spans.filter(({ attributes }) => attributes['block.id'] === id).map(({ traceId }) => traceId),
    )
    return spans.filter(({ traceId, name }) => traces.has(traceId) || name === 'sync.run' || name === 'epoch changed')
  })
  expect(tree).toMatchInlineSnapshot(`
    "block added blockgate.instance.id=gw-1 block.attempt=1 ~> sync.run, epoch changed
      block.owned
        ownership.claim ownership.status=granted ownership.owners=["gw-1"]
        block.scripted-sink
    block added blockgate.instance.id=gw-2 block.attempt=1 block.move.from=["gw-1"] ~> sync.run, epoch changed
      block.owned
        ownership.claim ownership.status=granted ownership.owners=["gw-2"]
        block.scripted-sink
      told
      block dropped blockgate.instance.id=gw-1 block.attempt=1 block.outcome.by=owned block.outcome.reason=not-owner ownership.owners=["gw-2"] ~> sync.run, block retained last-copy, epoch changed
        pending hand-off
        block.owned block.outcome.reason=not-owner
        release ownership.release.status=released
        drop
    block retained last-copy blockgate.instance.id=gw-1 block.attempt=1 block.outcome.by=owned block.outcome.reason=last-copy ownership.owners=["gw-2"] ~> sync.run, block added, epoch changed
      block.owned block.outcome.reason=not-owner
      release ownership.release.status=blocked"
  `)
})

it('a block fails, whatever is tried', async () => {
  const { told } = telling()
  const { gateway, sink, host } = await world({ list: blocks(1), ownership: scriptedOwnership([1]) })
  sink.fail(1, ...Array.from({ length: 20 }, () => new Error('connection reset')))
  let over = false
  const run = gateway.sync().finally(() => {
    over = true
  })
  while (!over) await host.advance(1_000)
  await run
  expect(await told()).toMatchInlineSnapshot(`
    "block failed stage-failed blockgate.instance.id=me block.attempt=4 block.outcome.by=scripted-sink block.outcome.reason=stage-failed error.type=stage-failed ~> sync.run !error
      block.owned
        ownership.claim ownership.status=granted
        block.scripted-sink error.type=stage-failed !error
      wait wait.for=retry
      block.owned block.attempt=2
        ownership.claim ownership.status=granted
        block.scripted-sink error.type=stage-failed !error
      wait wait.for=retry
      block.owned block.attempt=3
        ownership.claim ownership.status=granted
        block.scripted-sink error.type=stage-failed !error
      wait wait.for=retry
      block.owned block.attempt=4
        ownership.claim ownership.status=granted
        block.scripted-sink error.type=stage-failed !error"
  `)
})

it('a block is dropped, because another gateway serves it', async () => {
  const { told } = telling()
  const ownership = scriptedOwnership([1])
  const { gateway } = await world({ list: blocks(1), ownership })
  await gateway.sync()
  ownership.servedByOthers.add(1)
  ownership.lose(1)
  await gateway.sync()
  expect(await told()).toMatchInlineSnapshot(`
    "block added blockgate.instance.id=me block.attempt=1 ~> sync.run
      block.owned
        ownership.claim ownership.status=granted
        block.scripted-sink
    block dropped blockgate.instance.id=me block.attempt=1 block.outcome.by=owned block.outcome.reason=not-owner ownership.owners=["other"] ~> sync.run, block added
      block.owned block.outcome.reason=not-owner
      release
      drop"
  `)
})
