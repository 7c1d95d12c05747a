import type { Host } from 'blockgate'
import type { FakeHost } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LockServers } from '../../../../plugins/ownership/redlock/clients.ts'
import type { Lock } from '../../../../plugins/ownership/redlock/lock.ts'
import { RedlockLocks } from '../../../../plugins/ownership/redlock/locks.ts'
import { handled, type LockWorld, lockWorld, MARGIN, outcome, TIMEOUT, TTL, taken, VALID } from './lock-world.ts'

const UNAVAILABLE = 'ownership-unavailable'
const LOST = { name: 'LeaseLost', code: 'lease-lost', at: 'redlock' }

/** The host of a process that may stand still: its clocks go on, and no timer fires. */
function freezable(host: FakeHost): Host & { stoodStill(ms: number): void } {
  let behind = 0
  return {
    ...host,
    now: () => host.now() + behind,
    monotonic: () => host.monotonic() + behind,
    stoodStill(ms) {
      behind += ms
    },
  }
}

describe.each([1, 3])('locks on %i lock servers', count => {
  let world: LockWorld
  let a: RedlockLocks
  let b: RedlockLocks
  const unhandled: unknown[] = []
  const keep = (error: unknown) => void unhandled.push(error)
  beforeEach(async () => {
    unhandled.length = 0
    process.on('unhandledRejection', keep)
    world = lockWorld(count)
    a = await world.locksOf('a')
    b = await world.locksOf('b')
    // The servers have the scripts.
    const lock = await taken(a)
    await lock.extend()
    await lock.release()
    for (const { log } of world.servers) log.length = 0
  })
  afterEach(async () => {
    await world.stop()
    await world.host.advance(10 * TTL)
    process.off('unhandledRejection', keep)
    expect(unhandled).toEqual([])
    expect(world.host.pendingTimers).toBe(0)
  })

  const all = () => world.servers
  const majority = () => world.servers.slice(0, Math.floor(count / 2) + 1)

  it('are had by one at a time, and by the next as soon as they are released', async () => {
    const lock = await taken(a)
    expect(await b.acquire('x')).toBe(undefined)
    expect((await taken(b, 'y')).valid).toBe(true)
    await lock.release()
    expect((await taken(b)).valid).toBe(true)
  })

  it('are asked for once: who does not get one is told without a wait, and what was in vain is not tried again', async () => {
    await taken(a)
    for (const { log } of all()) log.length = 0
    expect(await outcome(b.acquire('x'))).toBe(undefined)
    for (const log of world.logs) expect(log).toEqual(['acquire b x', 'release b x'])
    await world.host.advance(TTL)
    expect((await taken(b)).valid).toBe(true)
    await world.host.advance(VALID - 1)
    for (const log of world.logs) expect(log.slice(2)).toEqual(['acquire b x'])
  })

  it('have one key for one request', async () => {
    const lock = await taken(a)
    await lock.extend()
    await lock.release()
    for (const log of world.logs) expect(log).toEqual(['acquire a x', 'extend a x', 'release a x'])
  })

  it('are valid for the TTL less drift and pause margin; the signal aborts by then, before anybody else can have them', async () => {
    const lock = await taken(a)
    await world.host.advance(VALID - 1)
    expect([lock.valid, lock.signal.aborted]).toEqual([true, false])
    await world.host.advance(1)
    expect([lock.signal.aborted, lock.valid]).toEqual([true, false])
    expect(lock.signal.reason).toMatchObject(LOST)
    expect(lock.signal).not.toHaveProperty('error')
    expect(world.held('x')).toBe(count)
    await world.host.advance(TTL - VALID - 1)
    expect(await b.acquire('x')).toBe(undefined)
    await world.host.advance(1)
    expect((await taken(b)).valid).toBe(true)
  })

  it('count their time from before the request', async () => {
    for (const server of all()) server.answersAfter = 700
    const asked = a.acquire('x')
    await world.host.advance(700)
    const lock = await asked
    await world.host.advance(VALID - 701)
    expect(lock?.valid).toBe(true)
    await world.host.advance(1)
    expect(lock?.valid).toBe(false)
  })

  it.each([
    ['not used, and released, where the grant comes when they are over', VALID, UNAVAILABLE, 0],
    ['used where it comes just before', VALID - 1, 'valid', count],
  ])('are %s', async (_, after, then, held) => {
    const patient = await world.locksOf('c', { timeoutMs: 10 * TTL })
    for (const server of all()) server.answersAfter = after
    const asked = handled(patient.acquire('x').then(lock => (lock?.valid ? 'valid' : 'not valid')))
    await world.host.advance(after)
    expect(await outcome(asked)).toBe(then)
    expect(world.held('x')).toBe(held)
    await world.host.advance(after)
  })

  it('last for another term where they are extended, counted from before that request', async () => {
    const lock = await taken(a)
    for (let i = 0; i < 3; i++) {
      await world.host.advance(VALID - 1_200)
      for (const server of all()) server.answersAfter = 500
      const extended = lock.extend()
      await world.host.advance(500)
      expect(await extended).toBe('extended')
      for (const server of all()) server.answersAfter = 0
    }
    await world.host.advance(VALID - 501)
    expect(lock.valid).toBe(true)
    await world.host.advance(1)
    expect([lock.signal.aborted, lock.valid]).toEqual([true, false])
  })

  it('are extended while they are valid, whatever the clock of the machine says to the package', async () => {
    const lock = await taken(a)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10 * TTL)
    expect(await lock.extend()).toBe('extended')
    clock.mockRestore()
  })

  it('are not extended where they are over: no server is asked, and nothing throws', async () => {
    const lock = await taken(a)
    await world.host.advance(VALID)
    expect(world.held('x')).toBe(count)
    expect(await lock.extend()).toBe('lost')
    for (const log of world.logs) expect(log).toEqual(['acquire a x'])
  })

  it('are lost where a majority does not have them: at once, and for good', async () => {
    const lock = await taken(a)
    for (const server of majority()) server.empty()
    expect(lock.valid).toBe(true)
    expect(await lock.extend()).toBe('lost')
    expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
    expect(lock.signal.reason).toMatchObject({ ...LOST, message: expect.stringContaining('do not have it any more') })
    await lock.release()
    expect(world.held('x')).toBe(0)
    expect((await taken(b)).valid).toBe(true)
    expect([lock.valid, await lock.extend()]).toEqual([false, 'lost'])
    expect(world.held('x')).toBe(count)
  })

  it('stay valid until their end where it cannot be known whether they were extended, and can be extended again', async () => {
    const lock = await taken(a)
    await world.host.advance(10_000)
    for (const server of majority()) server.refuses = 'LOADING Redis is loading the dataset in memory'
    expect(await outcome(lock.extend())).toBe(UNAVAILABLE)
    expect(lock.valid).toBe(true)
    for (const server of majority()) server.refuses = undefined
    expect(await lock.extend()).toBe('extended')
    for (const server of majority()) server.up = false
    expect(await outcome(lock.extend())).toBe(UNAVAILABLE)
    await world.host.advance(VALID - 1)
    expect(lock.valid).toBe(true)
    await world.host.advance(1)
    expect([lock.valid, await lock.extend()]).toEqual([false, 'lost'])
  })

  it('are lost, and released, where the answer to an extension comes after their end', async () => {
    const lock = await taken(a)
    await world.host.advance(VALID - 100)
    for (const server of all()) server.answersAfter = 200
    const extended = lock.extend()
    await world.host.advance(200)
    expect(await outcome(extended)).toBe('lost')
    expect([lock.valid, lock.signal.aborted, world.held('x')]).toEqual([false, true, 0])
    await world.host.advance(200)
  })

  it('give one answer to all who extend them at once', async () => {
    const lock = await taken(a)
    expect(await Promise.all([lock.extend(), lock.extend()])).toEqual(['extended', 'extended'])
    for (const log of world.logs) expect(log).toEqual(['acquire a x', 'extend a x'])
  })

  it('are not extended by an answer that comes after their release', async () => {
    const lock = await taken(a)
    for (const server of all()) server.answersAfter = 100
    const extended = lock.extend()
    const released = lock.release()
    await world.host.advance(100)
    expect([await extended, await outcome(released), lock.valid]).toEqual(['lost', undefined, false])
    expect(world.held('x')).toBe(0)
  })

  it('are over as soon as they are released, whatever the servers do', async () => {
    const faults: readonly (() => void)[] = [
      () => {},
      () => all().map(server => server.empty()),
      () => all().map(server => server.cut('a')),
      () => {
        for (const server of all()) server.refuses = 'NOPERM no'
      },
      () => {
        for (const server of all()) server.up = false
      },
    ]
    const held = await Promise.all(faults.map((_, i) => taken(a, `${i}`)))
    for (const [i, fault] of faults.entries()) {
      fault()
      const lock = held[i] as Lock
      const released = lock.release()
      expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
      expect(lock.signal.reason).toMatchObject(LOST)
      await world.host.advance(2 * TIMEOUT)
      expect(await outcome(released)).toBe(undefined)
      expect(await outcome(lock.release())).toBe(undefined)
    }
  })

  it('are judged by the clock that has gone further: a machine that slept may have stopped its monotonic clock', async () => {
    const lock = await taken(a)
    world.host.step(VALID)
    expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
    expect(lock.signal.reason).toMatchObject(LOST)
  })

  it('do not last longer where the wall clock is stepped back', async () => {
    const lock = await taken(a)
    world.host.step(-10 * TTL)
    await world.host.advance(VALID)
    expect([lock.signal.aborted, lock.valid]).toEqual([true, false])
  })

  it('are found over after a pause by whoever asks, before any timer fires', async () => {
    const host = freezable(world.host)
    const servers = await LockServers.open({ clients: world.clientsFor('c'), host, timeoutMs: TIMEOUT })
    const locks = await RedlockLocks.make({ clients: servers.clients, ttlMs: TTL, host, pauseMargin: () => MARGIN })
    const lock = await taken(locks)
    host.stoodStill(VALID)
    expect(lock.signal.aborted).toBe(false)
    expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
    await servers.stop()
  })

  it('are valid for less where the process stands still for longer, from the next request on', async () => {
    let margin = MARGIN
    const locks = await world.locksOf('c', { margin: () => margin })
    const lock = await taken(locks)
    margin = 5_000
    await world.host.advance(VALID - 1)
    expect(lock.valid).toBe(true)
    expect(await lock.extend()).toBe('extended')
    await world.host.advance(VALID - 5_000 + MARGIN)
    expect(lock.valid).toBe(false)
  })

  it('are not left behind by a request in vain that a server does late', async () => {
    for (const server of all()) server.hung = true
    const asked = handled(a.acquire('x'))
    await world.host.advance(2 * TIMEOUT)
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    for (const server of all()) server.hung = false
    expect(world.logs[0]).toEqual(['acquire a x', 'release a x'])
    expect(world.held('x')).toBe(0)
    await world.host.advance(TIMEOUT)
    expect((await taken(b)).valid).toBe(true)
  })

  it('cannot be known where too many servers are down, hung, cut off or refuse, and that is known in bounded time', async () => {
    const faults: Readonly<Record<string, (on: boolean) => void>> = {
      'connect ECONNREFUSED': on => {
        for (const server of majority()) server.up = !on
      },
      'Command timed out': on => {
        for (const server of majority()) server.hung = on
      },
      'timed out': on => {
        for (const server of majority()) on ? server.cut('a') : server.mend('a')
      },
      MISCONF: on => {
        for (const server of majority()) server.refuses = on ? 'MISCONF no' : undefined
      },
    }
    for (const [why, fault] of Object.entries(faults)) {
      fault(true)
      // A connection that breaks says why when it cannot be opened again.
      await world.host.advance(100)
      const asked = handled(a.acquire('x'))
      await world.host.advance(2 * TIMEOUT)
      expect(await outcome(asked), why).toBe(UNAVAILABLE)
      await expect(asked).rejects.toMatchObject({
        name: 'OwnershipUnavailable',
        at: 'redlock',
        message: expect.stringContaining(why),
      })
      fault(false)
      // What was done late is over by then, and connections stand again.
      await world.host.advance(TTL)
      const lock = await taken(a)
      await lock.release()
    }
  })
})
