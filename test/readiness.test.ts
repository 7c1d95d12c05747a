import { expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, world } from './support/world.ts'

it('is ready after the first run in which every block got a verdict, also where some failed, and stays so', async () => {
  const sink = scriptedSink()
  sink.fail(1, ...Array.from({ length: 8 }, () => new Error('no')))
  const { gateway, host, source } = await world({ list: blocks(1, 2), sink })
  expect(gateway.readiness).toEqual({ ready: false, stopping: false, reason: 'the first run has not ended' })
  const first = gateway.start()
  await host.advance(120_000)
  await first
  expect(gateway.readiness).toEqual({ ready: true, stopping: false, reason: 'every block had a verdict' })
  source.error = new Error('the bucket is gone')
  expect((await gateway.sync()).status).toBe('failed')
  expect(gateway.readiness.ready).toBe(true)
  await gateway.stop()
  expect(gateway.readiness).toEqual({ ready: false, stopping: true, reason: 'the gateway is stopping' })
})

it('is not ready after a run that saw only a part of the bucket', async () => {
  const { gateway, source } = await world({ list: blocks(1) })
  source.complete = false
  await gateway.sync()
  expect(gateway.readiness).toEqual({
    ready: false,
    stopping: false,
    reason: 'no run so far gave every block a verdict',
  })
  source.complete = true
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(true)
})

it('is not ready while nobody knows who owns a block', async () => {
  const ownership = scriptedOwnership()
  ownership.unavailable = true
  const { gateway } = await world({ list: blocks(1), ownership })
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(false)
  ownership.unavailable = false
  await gateway.sync()
  expect(gateway.readiness.ready).toBe(true)
})

it('says that a run failed', async () => {
  const { gateway, source } = await world({ list: blocks(1) })
  source.error = new Error('the bucket is gone')
  await gateway.sync()
  expect(gateway.readiness).toEqual({
    ready: false,
    stopping: false,
    reason: 'no run was done so far: the last one failed',
  })
})
