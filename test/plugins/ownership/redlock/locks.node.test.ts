import { type FakeHost, fakeHost } from 'blockgate/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Lock } from '../../../../plugins/ownership/redlock/lock.ts'
import type { Locks } from '../../../../plugins/ownership/redlock/locks.ts'
import type { LockServer } from '../../../support/lock-servers.ts'
import {
  acquire,
  extend,
  handled,
  type LockWorld,
  lockWorld,
  MARGIN,
  outcome,
  release,
  TIMEOUT,
  TTL,
  taken,
  UNAVAILABLE,
  VALID,
} from './lock-world.ts'

const LOST = { name: 'LeaseLost', code: 'lease-lost', at: 'redlock' }

/** The host of a process that may stand still: its clocks go on, and no timer fires. */
function freezable(host: FakeHost): FakeHost & { stoodStill(ms: number): void } {
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

let world: LockWorld
const unhandled: unknown[] = []
const keep = (error: unknown) => void unhandled.push(error)
beforeEach(() => void process.on('unhandledRejection', keep))
afterEach(async () => {
  await world.stop()
  process.off('unhandledRejection', keep)
  expect([unhandled.splice(0), world.host.pendingTimers]).toEqual([[], 0])
})

describe.each([1, 3])('locks on %i lock servers', count => {
  let a: Locks
  let b: Locks
  beforeEach(async () => {
    world = lockWorld(count)
    a = await world.locksOf('a')
    b = await world.locksOf('b')
  })

  const all = () => world.servers
  const majority = () => world.servers.slice(0, Math.floor(count / 2) + 1)

  it('are had by one at a time, and by the next as soon as they are released; each request is sent once', async () => {
    const lock = await taken(a)
    expect(await outcome(acquire(b, 'x'))).toBe(undefined)
    expect(b.reachable).toBe(true)
    expect((await taken(b, 'y')).valid).toBe(true)
    expect(await extend(lock)).toBe(true)
    await release(lock)
    await world.host.advance(TTL - 1)
    for (const log of world.logs)
      expect(log).toEqual(['acquire a x', 'acquire b x', 'release b x', 'acquire b y', 'extend a x', 'release a x'])
    expect((await taken(b)).valid).toBe(true)
  })

  it('are valid for the TTL less drift and pause margin; the signal aborts by then, before anybody else can have them', async () => {
    const lock = await taken(a)
    await world.host.advance(VALID - 1)
    expect([lock.valid, lock.signal.aborted]).toEqual([true, false])
    await world.host.advance(1)
    expect([lock.signal.aborted, lock.valid]).toEqual([true, false])
    expect(lock.signal.reason).toMatchObject(LOST)
    expect(world.held('x')).toBe(count)
    // No server is asked.
    expect(await extend(lock)).toBe(false)
    for (const log of world.logs) expect(log).toEqual(['acquire a x'])
    await world.host.advance(TTL - VALID - 1)
    expect(await acquire(b, 'x')).toBe(undefined)
    await world.host.advance(1)
    expect((await taken(b)).valid).toBe(true)
  })

  it('count their time from before the request, also where they are extended', async () => {
    for (const server of all()) server.answersAfter = 700
    const asked = acquire(a, 'x')
    await world.host.advance(700)
    const lock = await asked
    for (let i = 0; i < 3; i++) {
      await world.host.advance(VALID - 1_401)
      const extended = extend(lock as Lock)
      await world.host.advance(700)
      expect(await extended).toBe(true)
    }
    await world.host.advance(VALID - 701)
    expect(lock?.valid).toBe(true)
    await world.host.advance(1)
    expect([lock?.signal.aborted, lock?.valid]).toEqual([true, false])
  })

  it.each([
    ['not used, and released, where the grant comes when they are over', VALID, UNAVAILABLE, 0],
    ['used where it comes just before', VALID - 1, 'valid', count],
  ])('are %s', async (_, slept, then, held) => {
    const host = freezable(world.host)
    const own = await world.locksOf('c', host)
    for (const server of all()) server.answersAfter = 100
    const asked = handled(acquire(own, 'x').then(lock => (lock?.valid ? 'valid' : 'not valid')))
    host.stoodStill(slept - 100)
    await world.host.advance(100)
    expect(await outcome(asked)).toBe(then)
    expect(world.held('x')).toBe(held)
    await world.host.advance(100)
  })

  it('are extended while they are valid, whatever the clock of the machine says to the package', async () => {
    const lock = await taken(a)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10 * TTL)
    expect(await extend(lock)).toBe(true)
    clock.mockRestore()
  })

  it('are lost where a majority does not have them: at once, and for good', async () => {
    const lock = await taken(a)
    for (const server of majority()) server.table.empty()
    expect(lock.valid).toBe(true)
    expect(await extend(lock)).toBe(false)
    expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
    expect(lock.signal.reason).toMatchObject({ ...LOST, message: expect.stringContaining('do not have it any more') })
    await release(lock)
    expect((await taken(b)).valid).toBe(true)
    expect([lock.valid, await extend(lock)]).toEqual([false, false])
    expect(world.held('x')).toBe(count)
  })

  it('stay valid until their end where it cannot be known whether they were extended, and can be extended again', async () => {
    const lock = await taken(a)
    await world.host.advance(10_000)
    for (const server of majority()) server.refuses = 'LOADING Redis is loading the dataset in memory'
    expect([await outcome(extend(lock)), a.reachable]).toEqual([UNAVAILABLE, false])
    expect(lock.valid).toBe(true)
    for (const server of majority()) server.refuses = undefined
    expect([await extend(lock), a.reachable]).toEqual([true, true])
    for (const server of majority()) server.up = false
    expect(await outcome(extend(lock))).toBe(UNAVAILABLE)
    await world.host.advance(VALID - 1)
    expect(lock.valid).toBe(true)
    await world.host.advance(1)
    expect([lock.valid, await extend(lock)]).toEqual([false, false])
  })

  it.each(['their end', 'their release'])('are not extended by an answer that comes after %s', async what => {
    const lock = await taken(a)
    await world.host.advance(VALID - 100)
    for (const server of all()) server.answersAfter = 200
    const extended = extend(lock)
    if (what === 'their release') void release(lock)
    await world.host.advance(200)
    expect([await outcome(extended), lock.valid, lock.signal.aborted]).toEqual([false, false, true])
  })

  it('are over as soon as they are released, whatever the servers do', async () => {
    const faults: readonly (() => void)[] = [
      () => {},
      () => all().map(({ table }) => table.empty()),
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
      const released = release(lock)
      expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
      expect(lock.signal.reason).toMatchObject(LOST)
      await world.host.advance(2 * TIMEOUT)
      expect([await outcome(released), await outcome(release(lock))]).toEqual([undefined, undefined])
    }
  })

  it('are judged by the clock that has gone further: a machine that slept may have stopped its monotonic clock', async () => {
    const [lock, other] = [await taken(a), await taken(a, 'y')]
    world.host.step(-10 * TTL)
    await world.host.advance(VALID - 1)
    expect(lock.valid).toBe(true)
    await world.host.advance(1)
    expect([lock.signal.aborted, lock.valid]).toEqual([true, false])
    const next = await taken(b, 'z')
    world.host.step(VALID)
    expect([next.valid, next.signal.aborted, other.valid]).toEqual([false, true, false])
    expect(next.signal.reason).toMatchObject(LOST)
  })

  it('are found over after a pause by whoever asks, before any timer fires', async () => {
    const host = freezable(world.host)
    const lock = await taken(await world.locksOf('c', host))
    host.stoodStill(VALID)
    expect(lock.signal.aborted).toBe(false)
    expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
  })

  it('are valid for less where the process stands still for longer, from the next request on', async () => {
    const host = freezable(world.host)
    const lock = await taken(await world.locksOf('c', host))
    host.stoodStill(5_000)
    await world.host.advance(250)
    expect(await extend(lock)).toBe(true)
    await world.host.advance(VALID - 5_000 + MARGIN - 1)
    expect(lock.valid).toBe(true)
    await world.host.advance(1)
    expect(lock.valid).toBe(false)
  })

  it('are due for an extension after about a third of the TTL', async () => {
    const lock = await taken(a)
    await world.host.advance(TTL * 0.29)
    expect(lock.due).toBe(false)
    await world.host.advance(TTL * 0.08)
    expect(lock.due).toBe(true)
    await extend(lock)
    expect(lock.due).toBe(false)
  })

  it('are not left behind by a request in vain that a server does late', async () => {
    for (const server of all()) server.hung = true
    const asked = handled(acquire(a, 'x'))
    await world.host.advance(2 * TIMEOUT - 1)
    for (const server of all()) server.hung = false
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    for (const log of world.logs) expect(log).toEqual(['acquire a x', 'release a x'])
    expect(world.held('x')).toBe(0)
  })

  it('cannot be known where the servers answer only when the request in vain is taken back', async () => {
    for (const server of all()) Object.assign(server, { refuses: 'LOADING', answersAfter: 100 })
    const asked = handled(acquire(a, 'x'))
    await world.host.advance(50)
    for (const server of all()) server.refuses = undefined
    await world.host.advance(150)
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    for (const log of world.logs) expect(log).toEqual(['release a x'])
  })

  it.each<[string, (on: boolean) => void]>([
    ['connect ECONNREFUSED', on => majority().map(server => Object.assign(server, { up: !on }))],
    ['Command timed out', on => majority().map(server => Object.assign(server, { hung: on }))],
    ['timed out', on => majority().map(server => (on ? server.cut('a') : server.mend('a')))],
    ['MISCONF', on => majority().map(server => Object.assign(server, { refuses: on ? 'MISCONF no' : undefined }))],
  ])('cannot be known where too many servers fail, and that is known in bounded time (%s)', async (why, fault) => {
    fault(true)
    // A connection that breaks says why when it cannot be opened again.
    await world.host.advance(100)
    const asked = handled(acquire(a, 'x'))
    await world.host.advance(2 * TIMEOUT)
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    await expect(asked).rejects.toMatchObject({ at: 'redlock', message: expect.stringContaining(why) })
    fault(false)
    // What was done late is over by then, and connections stand again.
    await world.host.advance(TTL)
    await release(await taken(a))
  })
})

describe('locks on three lock servers', () => {
  let servers: [LockServer, LockServer, LockServer]
  beforeEach(() => {
    world = lockWorld(3)
    servers = world.servers as typeof servers
  })

  it.each<[string, (first: LockServer) => unknown]>([
    ['hangs', first => Object.assign(first, { hung: true })],
    ['is down', first => Object.assign(first, { up: false })],
    ['was emptied', first => first.table.empty()],
    ['is cut off', first => first.cut('a')],
  ])('are had, extended and released without a wait while one %s', async (_, fault) => {
    const locks = await world.locksOf('a')
    const lock = await taken(locks)
    fault(servers[0])
    expect(await outcome(extend(lock))).toBe(true)
    expect(await outcome(release(lock))).toBe(undefined)
    const next = await taken(locks)
    expect(await outcome(release(next))).toBe(undefined)
  })

  it('are somebody else’s as soon as two say so, and what the third has granted is released', async () => {
    const [first, second, third] = servers
    await taken(await world.locksOf('b'))
    third.table.empty()
    const locks = await world.locksOf('a')
    expect(await outcome(acquire(locks, 'x'))).toBe(undefined)
    expect(world.held('x')).toBe(2)
    third.hung = true
    expect(await outcome(acquire(locks, 'x'))).toBe(undefined)
    third.hung = false
    expect(third.log.slice(-2)).toEqual(['acquire a x', 'release a x'])
    // One of two says so, and nobody knows what the third would.
    second.table.empty()
    third.up = false
    expect(await outcome(acquire(locks, 'x'))).toBe(UNAVAILABLE)
    expect([first, second].map(({ table }) => table.get('x') !== undefined)).toEqual([true, false])
  })

  it('are somebody else’s, or lost, also where one is down and two say so one after the other', async () => {
    const [first, , third] = servers
    const [a, b] = await Promise.all([world.locksOf('a'), world.locksOf('b')])
    const [lock, mine] = await Promise.all([taken(b), taken(a, 'y')])
    first.up = false
    third.answersAfter = 200
    const asked = acquire(a, 'x')
    await world.host.advance(199)
    expect(await outcome(asked)).toBe('pending')
    await world.host.advance(1)
    expect(await outcome(asked)).toBe(undefined)
    for (const { table } of servers) table.empty()
    const extended = extend(lock)
    await world.host.advance(200)
    expect([await outcome(extended), lock.valid]).toEqual([false, false])
    third.hung = true
    const extending = handled(extend(mine))
    await world.host.advance(TIMEOUT - 1)
    expect(await outcome(extending)).toBe('pending')
    await world.host.advance(1)
    expect([await outcome(extending), mine.valid]).toEqual([UNAVAILABLE, true])
  })

  it('fail as soon as a majority cannot be won any more, not when the last server has answered', async () => {
    const locks = await world.locksOf('a')
    servers[0].hung = true
    for (const server of servers.slice(1)) server.refuses = 'LOADING'
    expect(await outcome(acquire(locks, 'x'))).toBe(UNAVAILABLE)
  })

  it('are had by nobody where three members have one server each, and by one of them later', async () => {
    const names = ['a', 'b', 'c']
    const members = await Promise.all(names.map(member => world.locksOf(member)))
    for (const [i, member] of names.entries())
      for (const [j, server] of servers.entries()) if (i !== j) server.cut(member)
    const asked = members.map(locks => handled(acquire(locks, 'x')))
    await world.host.advance(1)
    expect(world.held('x')).toBe(3)
    for (const server of servers) for (const member of names) server.mend(member)
    await world.host.advance(2 * TIMEOUT)
    expect(await Promise.all(asked.map(outcome))).toEqual([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE])
    expect(world.held('x')).toBe(0)
    expect((await taken(members[1] as Locks)).valid).toBe(true)
  })
})

it('a URL that none is fails the start, also where nobody has checked the options', async () => {
  world = lockWorld(1)
  const { Locks } = await import('../../../../plugins/ownership/redlock/locks.ts')
  await expect(Locks.open(['nothing'], TTL, fakeHost())).rejects.toMatchObject({ code: 'start-failed', at: 'redlock' })
})
