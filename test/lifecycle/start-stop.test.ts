import { type BlockStage, type Component, codeOf, rawMessageOf, type StateStore } from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { services, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { blocks, scriptedOwnership, scriptedSink, type WorldOptions, world } from '../support/world.ts'

const never = () => new Promise<never>(() => {})

/** A stage that logs its starts and stops, and does then as it is told. */
function part(name: string, { start, stop }: Pick<Component, 'start' | 'stop'> = {}) {
  const log: string[] = []
  const stage: BlockStage = {
    kind: 'block',
    name,
    handle: (_, next) => next(),
    async start(...args) {
      log.push('start')
      await start?.(...args)
    },
    async stop(signal) {
      log.push('stop')
      await stop?.(signal)
    },
  }
  return { ...stage, log }
}

/** One whose start ends when it is told to. */
function slowPart() {
  const { promise, resolve } = Promise.withResolvers<void>()
  let signal: AbortSignal | undefined
  const slow = part('slow', {
    start: (_, given) => {
      signal = given
      return promise
    },
  })
  return { ...slow, end: resolve, told: () => signal?.aborted }
}

async function scene(options: WorldOptions) {
  const store = memoryStore()
  const made = await world({ list: blocks(1), ownership: hashRing({ store }), ...options })
  return {
    ...made,
    /** What the ring has this gateway as. */
    async member() {
      await store.start?.(services({ host: made.host }))
      return (await store.entries()).members.get('me')?.state
    },
    start: () => made.gateway.start().catch(codeOf),
    stop: () => made.gateway.stop().catch(rawMessageOf),
  }
}

describe('stop() during start()', () => {
  it('begins nothing more, and nobody joins after it', async () => {
    const slow = slowPart()
    const sink = Object.assign(scriptedSink(), { start: slow.start })
    const { host, start, stop, member } = await scene({ sink })
    const started = start()
    await settle()
    const stopped = stop()
    expect(await started).toBe('stopped')
    slow.end()
    await stopped
    await host.advance(600_000)
    expect([host.pendingTimers, await member(), await start()]).toEqual([0, undefined, 'stopped'])
  })

  it('waits for a part that is starting, tells it, and then stops it', async () => {
    const slow = slowPart()
    const { host, start, stop } = await scene({ stages: [slow] })
    const started = start()
    await settle()
    const stopped = stop()
    expect([await started, slow.told(), slow.log]).toEqual(['stopped', true, ['start']])
    slow.end()
    await stopped
    expect([slow.log, host.pendingTimers]).toEqual([['start', 'stop'], 0])
  })

  it('does not wait for a start that hangs longer than the grace, names it, and stops it once more when it ends after all', async () => {
    const slow = slowPart()
    const { host, start, stop } = await scene({ stages: [slow] })
    const started = start()
    await settle()
    const stopped = stop()
    await host.advance(30_000)
    expect(await started).toBe('stopped')
    expect(await stopped).toBe('Cannot stop "slow", which is still starting: timed out after 30 s')
    expect(slow.log).toEqual(['start', 'stop'])
    slow.end()
    await settle()
    expect([slow.log, host.pendingTimers]).toEqual([['start', 'stop', 'stop'], 0])
  })

  const deaf: StateStore = { get: never, set: async () => {}, delete: async () => {} }
  const silent = scriptedOwnership([1])
  Object.assign(silent.handover ?? {}, { publish: never })
  it.each<[what: string, options: WorldOptions]>([
    ['blocks cannot be advertised', { ownership: silent }],
    ['journal cannot be read', { state: deaf }],
  ])('ends a start whose %s', async (_, options) => {
    const { host, start, stop } = await scene(options)
    const started = start()
    await settle()
    const stopped = stop()
    await host.advance(5_000)
    await stopped
    expect([await started, host.pendingTimers]).toEqual(['stopped', 0])
  })

  it('refuses what is asked for while the parts still start: no run, and no listener, comes after the stop', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, source, host, start } = await scene({ ownership })
    const asked = [start(), gateway.sync().catch(codeOf)]
    await gateway.stop()
    expect(await Promise.all(asked)).toEqual(['stopped', 'stopped'])
    expect([source.listings, ownership.watchers, host.pendingTimers]).toEqual([0, 0, 0])
  })
})

describe('a start that fails', () => {
  it('can be tried again', async () => {
    let broken = true
    const flaky = part('flaky', {
      start: async () => {
        if (broken) throw new Error('no disk')
      },
    })
    const { gateway, host, sink, member } = await scene({ stages: [flaky] })
    await expect(gateway.start()).rejects.toMatchObject({ code: 'start-failed', at: 'flaky' })
    // The member had joined before that.
    expect(await member()).not.toBe('active')
    expect(host.pendingTimers).toBe(0)
    broken = false
    const again = gateway.start()
    await host.advance(60_000)
    expect([(await again).status, sink.numbers, await member()]).toEqual(['done', [1], 'active'])
    await gateway.stop()
    expect(await member()).not.toBe('active')
    expect(host.pendingTimers).toBe(0)
  })

  it('stops what was started where it fails after the parts', async () => {
    const whole = part('whole')
    const { gateway, sink } = await world({ list: blocks(1), stages: [whole] })
    const { loaded } = sink
    sink.loaded = () => {
      throw new Error('broken')
    }
    await expect(gateway.start()).rejects.toThrow('broken')
    expect(whole.log).toEqual(['start', 'stop'])
    sink.loaded = loaded
    expect((await gateway.start()).status).toBe('done')
    await gateway.stop()
  })

  it('fails where a part does not start in time, and is refused while that part is still at it', async () => {
    const { gateway, host } = await world({ stages: [part('slow', { start: never })] })
    const start = gateway.start().catch(rawMessageOf)
    await host.advance(10 * 60_000)
    await host.advance(5_000)
    expect(await start).toBe('Cannot start "slow": timed out after 600 s (option startTimeout)')
    await expect(gateway.start()).rejects.toThrow('it is still starting since an earlier try')
    await gateway.stop()
    expect(host.pendingTimers).toBe(0)
  })

  it('may take longer than the grace of a stop, but not silently', async () => {
    const slow = slowPart()
    const { gateway, host } = await world({ stages: [slow] })
    const start = gateway.start()
    await host.advance(5 * 60_000)
    slow.end()
    expect((await start).status).toBe('done')
    expect(host.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: 'a part takes long to start', fields: { part: 'slow' } },
    ])
    await gateway.stop()
  })
})

it('a stop in which parts hang asks all of them, leaves the ring, and names those that hang', async () => {
  const hanging = [1, 2].map(n => part(`hanging-${n}`, { stop: never }))
  const { host, start, stop, member } = await scene({ stages: hanging })
  const started = start()
  await host.advance(60_000)
  await started
  const stopped = stop()
  await host.advance(2_000)
  expect(await member()).not.toBe('active')
  await host.advance(28_000)
  const late = 'timed out after 30 s'
  expect(await stopped).toBe(`Cannot stop "hanging-1": ${late}; Cannot stop "hanging-2": ${late}`)
  expect(host.pendingTimers).toBe(0)
})
