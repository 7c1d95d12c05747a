/** Where the exception of a failed block stands. */
import { BucketError, gateway, type Pipeline, resolveConfig, type Services } from 'blockgate'
import { fakeHost, flaky, memoryBucket, memoryState, spans } from 'blockgate/testing'
import { expect, it, onTestFinished } from 'vitest'
import { blocks, scriptedSink, scriptedSource } from '../support/world.ts'

it('a request that fails has the exception, and the stages and the block around it have none; each block its own', async () => {
  const recorded = spans()
  onTestFinished(() => recorded.stop())
  const host = fakeHost()
  // One error for all, as of a connection that all requests shared.
  const error = new BucketError('forbidden', { status: 403 })
  const bucket = flaky(memoryBucket({ host }), [{ op: 'get', fault: { error } }])
  let services: Services | undefined
  const reads = {
    kind: 'block',
    name: 'reads',
    async start(given: Services) {
      services = given
    },
    async handle(block: { id: string; signal: AbortSignal }) {
      await services?.bucket.get(`${block.id}/meta.json`, { signal: block.signal })
    },
  }
  const pipeline = [scriptedSource(blocks(1, 2)), reads, scriptedSink()] as unknown as Pipeline
  const config = await resolveConfig({ bucket, pipeline }, { env: {} })
  const made = gateway(config, { host, state: memoryState() })
  const run = made.sync()
  await host.advance(60_000)
  await run
  await made.stop()
  const failed = recorded.finished().filter(({ status }) => status.code === 2)
  const told = failed.map(({ name, events }) => [name, events.filter(event => event.name === 'exception').length])
  expect(told.filter(([, many]) => many === 1).map(([name]) => name)).toEqual(['bucket.get', 'bucket.get'])
  expect(told.filter(([, many]) => many === 0).map(([name]) => name)).toEqual(
    expect.arrayContaining(['block.reads', 'block failed bucket-failed']),
  )
})
