import { fakeHost, services, settle } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { Lifecycle } from '../../src/pipeline/lifecycle.ts'

type Call = 'start source' | 'stop source' | 'start stage' | 'stop stage'

/** Four parts that log their calls; some of these do as they are told. */
function scene(calls: Partial<Record<Call, () => Promise<void>>> = {}) {
  const host = fakeHost()
  const log: string[] = []
  const call = (what: string) => async () => {
    log.push(what)
    await calls[what as Call]?.()
  }
  const parts = ['bucket', 'source', 'stage', 'sink'].map(name => {
    const component = { name, start: call(`start ${name}`), stop: call(`stop ${name}`) }
    return { name, component, services: services({ host }) }
  })
  const lifecycle = new Lifecycle(parts)
  return { host, log, lifecycle, states: () => lifecycle.health.map(({ state }) => state) }
}
const fails = (message: string) => () => Promise.reject(new Error(message))
const never = new AbortController().signal
const STOPS = ['stop source', 'stop stage', 'stop sink', 'stop bucket']

it('starts the bucket, then from the sink to the source, and stops from the source to the sink, the bucket last', async () => {
  const { log, lifecycle, states } = scene()
  await lifecycle.start(never)
  expect(log.splice(0)).toEqual(['start bucket', 'start sink', 'start stage', 'start source'])
  expect(states()).toEqual(Array(4).fill('running'))
  await lifecycle.stop(never)
  expect(log).toEqual(STOPS)
  expect(states()).toEqual(Array(4).fill('stopped'))
})

it('stops what had begun to start, the failed part included, and names the part that failed', async () => {
  const { log, lifecycle, states } = scene({ 'start stage': fails('no disk') })
  const error = { code: 'start-failed', at: 'stage', rawMessage: 'Cannot start "stage": no disk' }
  await expect(lifecycle.start(never)).rejects.toMatchObject(error)
  expect(log).toEqual(['start bucket', 'start sink', 'start stage', 'stop stage', 'stop sink', 'stop bucket'])
  expect(states()).toEqual(['stopped', 'new', 'failed', 'stopped'])
})

it('goes on stopping past an error, and tells it at the end', async () => {
  const { log, lifecycle } = scene({ 'stop stage': fails('busy') })
  await lifecycle.start(never)
  log.length = 0
  const error = { code: 'stop-failed', rawMessage: 'Cannot stop "stage": busy' }
  await expect(lifecycle.stop(never)).rejects.toMatchObject(error)
  expect(log).toEqual(STOPS)
})

it('does not wait for a part that does not stop in time, and stops the rest', async () => {
  const { log, lifecycle } = scene({ 'stop stage': () => new Promise(() => {}) })
  await lifecycle.start(never)
  const late = new AbortController()
  const stop = expect(lifecycle.stop(late.signal)).rejects.toThrow('Cannot stop "stage": time is up')
  await settle()
  late.abort(new Error('time is up'))
  await stop
  expect(log).toContain('stop bucket')
})

it('stops the next part beside one that takes long, but not the bucket', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { host, log, lifecycle } = scene({ 'stop source': () => promise })
  await lifecycle.start(never)
  log.length = 0
  const stop = lifecycle.stop(never)
  await host.advance(1_000)
  expect(log).toEqual(STOPS.slice(0, 3))
  resolve()
  await stop
  expect(log).toEqual(STOPS)
})

it('is safe to stop twice, and without a start', async () => {
  const { log, lifecycle } = scene()
  await lifecycle.stop(never)
  expect(log.splice(0)).toEqual([])
  await lifecycle.start(never)
  for (let i = 0; i < 2; i++) await lifecycle.stop(never)
  expect(log.slice(4)).toEqual(STOPS)
})
