/** A request to another process is a span of kind CLIENT; whatever else goes on in a run is INTERNAL. */
import { SpanKind, trace } from '@opentelemetry/api'
import { BucketError, gateway, resolveConfig } from 'blockgate'
import { memory } from 'blockgate/plugins/sink/memory'
import { scanBucket } from 'blockgate/plugins/source/scan-bucket'
import { fakeHost, flaky, memoryBucket, memoryState, spans, storedBlocks } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import { blocks, scriptedSink, world } from '../support/world.ts'

it('spans of a run are INTERNAL, and those of its requests to the bucket CLIENT', async () => {
  const recorded = spans()
  onTestFinished(() => recorded.stop())
  const host = fakeHost()
  const inner = memoryBucket({ host })
  await storedBlocks(inner)
  const busy = new BucketError('busy', { status: 503 })
  const bucket = flaky(inner, [{ op: 'get', nth: [2], fault: { error: busy } }])
  const config = await resolveConfig({ bucket, pipeline: [scanBucket(), memory()] }, { env: {} })
  const made = gateway(config, { host, state: memoryState() })
  const run = made.sync()
  await host.advance(60_000)
  await run
  const kinds = Map.groupBy(recorded.finished(), ({ kind }) => SpanKind[kind])
  const names = (kind: string) => new Set(kinds.get(kind)?.map(({ name }) => name.replace(/[. ].*/, '')))
  expect([...kinds.keys()].sort()).toEqual(['CLIENT', 'INTERNAL'])
  expect([...names('CLIENT')]).toEqual(['bucket'])
  expect(names('INTERNAL').has('bucket')).toBe(false)
})

it('a run goes on outside of the span in which it was asked for: only its own spans stand below that one', async () => {
  const recorded = spans()
  onTestFinished(() => recorded.stop())
  const seen: unknown[] = []
  const sink = Object.assign(scriptedSink(), {
    damaged() {
      seen.push(trace.getActiveSpan())
      return new Map()
    },
  })
  const { gateway: made } = await world({ list: blocks(1), sink })
  await trace.getTracer('test').startActiveSpan('asked', async span => {
    await made.sync()
    span.end()
  })
  expect(seen).toEqual([undefined])
  expect(recorded.tree().split('\n').slice(0, 2)).toEqual(['asked', expect.stringMatching(/^ {2}sync\.run/)])
})
