import type { BlockStage, Component } from 'blockgate'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { memoryStore } from 'blockgate/plugins/store/memory'
import { fakeHost, services, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Lifecycle } from '../../src/pipeline/lifecycle.ts'
import { blocks, scriptedOwnership, world } from '../support/world.ts'

const codeOf = (error: { code: string }) => error.code

/** A stage that starts and stops as it is told. */
function part(
  name: string,
  hooks: Pick<Component, 'start' | 'stop'> = {},
): BlockStage & { readonly log: readonly string[] } {
  const log: string[] = []
  return {
    log,
    kind: 'block',
    name,
    handle: (_, next) => next(),
    async start(...args) {
      log.push('start')
      await hooks.start?.(...args)
    },
    async stop(signal) {
      log.push('stop')
      await hooks.stop?.(signal)
    },
  }
}

describe('stop() during start()', () => {
  it('begins nothing more, and nobody joins after it', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const store = memoryStore()
    const ownership = hashRing({ store })
    const sink = (await world()).sink
    const slow = Object.assign(sink, { start: () => promise })
    const { gateway, host } = await world({ list: blocks(1), ownership, sink: slow })
    const start = gateway.start().catch(codeOf)
    await settle()
    const stop = gateway.stop()
    expect(await start).toBe('stopped')
    resolve()
    await stop
    await host.advance(600_000)
    expect(host.pendingTimers).toBe(0)
    await store.start?.(services({ host }))
    expect([...(await store.entries()).members]).toEqual([])
    await expect(gateway.start()).rejects.toMatchObject({ code: 'stopped' })
  })

  it('waits for a part that is starting, tells it, and then stops it', async () => {
    let told: AbortSignal | undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow = part('slow', {
      start: (_, signal) => {
        told = signal
        return promise
      },
    })
    const { gateway, host } = await world({ stages: [slow] })
    const start = gateway.start().catch(codeOf)
    await settle()
    let stopped = false
    const stop = gateway.stop().then(() => {
      stopped = true
    })
    await settle()
    expect([await start, told?.aborted, stopped, slow.log]).toEqual(['stopped', true, false, ['start']])
    resolve()
    await stop
    expect(slow.log).toEqual(['start', 'stop'])
    expect(host.pendingTimers).toBe(0)
  })

  it('does not wait for a start that hangs longer than the grace, names it, and stops it once more when it ends after all', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const slow = part('slow', { start: () => promise })
    const { gateway, host } = await world({ stages: [slow] })
    const start = gateway.start().catch(codeOf)
    await settle()
    const stop = gateway.stop().catch((error: { rawMessage: string }) => error.rawMessage)
    await host.advance(30_000)
    expect(await start).toBe('stopped')
    expect(await stop).toBe('Cannot stop "slow", which is still starting: it must stop within 30000 ms')
    expect(slow.log).toEqual(['start', 'stop'])
    resolve()
    await settle()
    expect(slow.log).toEqual(['start', 'stop', 'stop'])
    expect(host.pendingTimers).toBe(0)
  })

  it('ends a start whose claims cannot be told, and one whose journal cannot be read', async () => {
    const ownership = scriptedOwnership([1])
    Object.assign(ownership.handover ?? {}, { publish: () => new Promise(() => {}) })
    const first = await world({ ownership })
    const state = { get: () => new Promise<never>(() => {}), set: async () => {}, delete: async () => {} }
    for (const { gateway, host } of [first, await world({ state })]) {
      const start = gateway.start().catch(codeOf)
      await settle()
      const stop = gateway.stop()
      await host.advance(5_000)
      await stop
      expect(await start).toBe('stopped')
      expect(host.pendingTimers).toBe(0)
    }
  })

  it('refuses what is asked for while the parts still start: no run, and no listener, comes after the stop', async () => {
    const ownership = scriptedOwnership([1])
    const { gateway, source, host } = await world({ list: blocks(1), ownership })
    const asked = [gateway.start(), gateway.sync()].map(p => p.catch(codeOf))
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
    const store = memoryStore()
    const { gateway, host, sink } = await world({ list: blocks(1), stages: [flaky], ownership: hashRing({ store }) })
    await expect(gateway.start()).rejects.toMatchObject({ code: 'start-failed', at: 'flaky' })
    // The member had joined before that.
    expect((await store.entries()).members.get('me')?.state).not.toBe('active')
    expect(host.pendingTimers).toBe(0)
    broken = false
    const again = gateway.start()
    await host.advance(60_000)
    expect((await again).status).toBe('done')
    expect(sink.numbers).toEqual([1])
    expect((await store.entries()).members.get('me')?.state).toBe('active')
    await gateway.stop()
    expect((await store.entries()).members.get('me')?.state).not.toBe('active')
    expect(host.pendingTimers).toBe(0)
  })

  it('stops what was started where it fails after the parts', async () => {
    const whole = part('whole')
    const { gateway, sink } = await world({ list: blocks(1), stages: [whole] })
    const loaded = sink.loaded
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
    const slow = part('slow', { start: () => new Promise(() => {}) })
    const { gateway, host } = await world({ stages: [slow] })
    const start = gateway.start().catch((error: { rawMessage: string }) => error.rawMessage)
    await host.advance(10 * 60_000)
    await host.advance(5_000)
    expect(await start).toBe('Cannot start "slow": it must start within 600000 ms')
    await expect(gateway.start()).rejects.toThrow('it is still starting since an earlier try')
    await gateway.stop()
    expect(host.pendingTimers).toBe(0)
  })

  it('may take longer than the grace of a stop', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { gateway, host } = await world({ stages: [part('slow', { start: () => promise })] })
    const start = gateway.start()
    await host.advance(5 * 60_000)
    // Not silently.
    expect(host.lines).toMatchObject([
      { level: 'warn', message: 'a part takes long to start', fields: { part: 'slow' } },
    ])
    resolve()
    expect((await start).status).toBe('done')
    expect(host.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    await gateway.stop()
  })
})

describe('a stop in which parts hang', () => {
  it('asks all of them, leaves the ring, and names those that hang', async () => {
    const hanging = [1, 2].map(n => part(`hanging-${n}`, { stop: () => new Promise(() => {}) }))
    const store = memoryStore()
    const { gateway, host } = await world({ list: blocks(1), stages: hanging, ownership: hashRing({ store }) })
    const start = gateway.start()
    await host.advance(60_000)
    await start
    const stop = gateway.stop().catch((error: { rawMessage: string }) => error.rawMessage)
    await host.advance(2_000)
    expect((await store.entries()).members.get('me')?.state).not.toBe('active')
    await host.advance(28_000)
    const late = 'it must stop within 30000 ms'
    expect(await stop).toBe(`Cannot stop "hanging-1": ${late}; Cannot stop "hanging-2": ${late}`)
    expect(host.pendingTimers).toBe(0)
  })

  it('stops the bucket last', async () => {
    const host = fakeHost()
    const log: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const component = (name: string, wait?: Promise<void>): Component => ({
      name,
      async stop() {
        log.push(name)
        await wait
      },
    })
    const list = [component('bucket'), component('source', promise), component('sink')]
    const lifecycle = new Lifecycle(list.map(c => ({ name: c.name, component: c, services: services({ host }) })))
    await lifecycle.start(new AbortController().signal)
    const stop = lifecycle.stop(new AbortController().signal)
    await host.advance(1_000)
    expect(log).toEqual(['source', 'sink'])
    resolve()
    await stop
    expect(log).toEqual(['source', 'sink', 'bucket'])
  })
})
