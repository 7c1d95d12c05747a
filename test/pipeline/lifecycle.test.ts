import type { Component } from 'blockgate'
import { fakeHost, services, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Lifecycle } from '../../src/pipeline/lifecycle.ts'

function scene(faults: Readonly<Record<string, 'start' | 'stop' | 'hang'>> = {}) {
  const log: string[] = []
  const part = (name: string) => {
    const component: Component = {
      name,
      async start() {
        log.push(`start ${name}`)
        if (faults[name] === 'start') throw new Error('no disk')
      },
      async stop() {
        log.push(`stop ${name}`)
        if (faults[name] === 'stop') throw new Error('busy')
        if (faults[name] === 'hang') await new Promise(() => {})
      },
    }
    return { name, component, services: services({ host: fakeHost() }) }
  }
  return { log, lifecycle: new Lifecycle(['bucket', 'source', 'stage', 'sink'].map(part)) }
}
const never = new AbortController().signal

describe('the lifecycle', () => {
  it('starts the bucket, then from the sink to the source, and stops from the source to the sink, the bucket last', async () => {
    const { log, lifecycle } = scene()
    await lifecycle.start(never)
    expect(log.splice(0)).toEqual(['start bucket', 'start sink', 'start stage', 'start source'])
    expect(lifecycle.health.map(h => h.state)).toEqual(['running', 'running', 'running', 'running'])
    await lifecycle.stop(never)
    expect(log).toEqual(['stop source', 'stop stage', 'stop sink', 'stop bucket'])
    expect(lifecycle.health.map(h => h.state)).toEqual(['stopped', 'stopped', 'stopped', 'stopped'])
  })

  it('stops what had begun to start, the failed part included, and names the part that failed', async () => {
    const { log, lifecycle } = scene({ stage: 'start' })
    await expect(lifecycle.start(never)).rejects.toMatchObject({
      code: 'start-failed',
      at: 'stage',
      rawMessage: 'Cannot start "stage": no disk',
    })
    expect(log).toEqual(['start bucket', 'start sink', 'start stage', 'stop stage', 'stop sink', 'stop bucket'])
    expect(lifecycle.health.map(h => h.state)).toEqual(['stopped', 'new', 'failed', 'stopped'])
  })

  it('goes on stopping past an error, and tells it at the end', async () => {
    const { log, lifecycle } = scene({ stage: 'stop' })
    await lifecycle.start(never)
    log.length = 0
    await expect(lifecycle.stop(never)).rejects.toMatchObject({
      code: 'stop-failed',
      rawMessage: 'Cannot stop "stage": busy',
    })
    expect(log).toEqual(['stop source', 'stop stage', 'stop sink', 'stop bucket'])
  })

  it('does not wait for a part that does not stop in time, and stops the rest', async () => {
    const { log, lifecycle } = scene({ stage: 'hang' })
    await lifecycle.start(never)
    log.length = 0
    const late = new AbortController()
    const stop = lifecycle.stop(late.signal).catch((error: { rawMessage: string }) => error.rawMessage)
    await settle()
    late.abort(new Error('time is up'))
    expect(await stop).toContain('Cannot stop "stage": time is up')
    expect(log).toContain('stop bucket')
  })

  it('is safe to stop twice, and without a start', async () => {
    const { log, lifecycle } = scene()
    await lifecycle.stop(never)
    expect(log).toEqual([])
    await lifecycle.start(never)
    await lifecycle.stop(never)
    log.length = 0
    await lifecycle.stop(never)
    expect(log).toEqual([])
  })
})
