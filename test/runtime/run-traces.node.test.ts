/** A run of 5,000 blocks, traced: every span reaches a real collector. */
import { everything, gateway, memoryState, owned, resolveConfig } from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { fakeHost, memoryBucket } from 'blockgate/testing'
import { afterEach, expect, it } from 'vitest'
import { nodeHost } from '../../src/runtime/node.ts'
import { setupTracing } from '../../src/runtime/tracing.ts'
import { blocks, scriptedSource } from '../support/world.ts'
import { startCollector, stopCollectors } from './otlp-server.ts'

const BLOCKS = 5_000
const { log } = fakeHost()

afterEach(stopCollectors)

it('no span of a run of 5,000 blocks is lost, each block is a trace of its own, linked to the run', async () => {
  const { endpoint, received } = await startCollector(() => 200)
  const tracing = setupTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: 'run' }, { log })
  const source = scriptedSource(blocks(...Array.from({ length: BLOCKS }, (_, i) => i + 1)))
  const pipeline = [source, owned(everything()), memory()] as const
  const config = await resolveConfig({ pipeline, bucket: memoryBucket() }, { env: {} })
  const gate = gateway(config, { host: nodeHost({ log }), state: memoryState() })
  expect((await gate.sync()).summary.blocks.added).toBe(BLOCKS)
  await gate.stop()
  await tracing.shutdown()
  expect(tracing.dropped).toBe(0)

  const spans = received.flatMap(request => request.spans)
  const named = (name: string) => spans.filter(span => span.name === name)
  const names = ['sync.block', 'block.owned', 'ownership.claim', 'block.memory']
  for (const name of names) expect(named(name), name).toHaveLength(BLOCKS)
  expect(named('sync.run')).toHaveLength(1)
  expect(named('source.scripted')).toHaveLength(1)
  expect(spans).toHaveLength(names.length * BLOCKS + 2)
  expect(new Set(named('sync.block').map(span => span.traceId)).size).toBe(BLOCKS)
  expect(new Set(named('sync.block').map(span => span.attributes['block.id'])).size).toBe(BLOCKS)
  const [run] = named('sync.run')
  for (const span of named('sync.block')) expect(span.links.map(link => link.spanId)).toEqual([run?.spanId])
})

it('without an endpoint nothing is exported', async () => {
  const { requests } = await startCollector(() => 200)
  const tracing = setupTracing({}, { log })
  expect(tracing.enabled).toBe(false)
  const config = await resolveConfig({ pipeline: [scriptedSource(blocks(1)), memory()] }, { env: {} })
  const gate = gateway(config, { host: nodeHost({ log }), state: memoryState() })
  await gate.sync()
  await gate.stop()
  await tracing.shutdown()
  expect(requests()).toBe(0)
})
