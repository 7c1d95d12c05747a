/** What a majority of lock servers decides. */
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { LockServers } from '../../../../plugins/ownership/redlock/clients.ts'
import { RedlockLocks } from '../../../../plugins/ownership/redlock/locks.ts'
import type { LockServer } from '../../../support/lock-servers.ts'
import { handled, lockWorld, MARGIN, outcome, TIMEOUT, TTL, taken } from './lock-world.ts'

const UNAVAILABLE = 'ownership-unavailable'

describe('locks on some of three lock servers', () => {
  it('are had, extended and released without a wait while one hangs, is down, was emptied or is cut off', async () => {
    const world = lockWorld(3)
    const [first] = world.servers
    const locks = await world.locksOf('a')
    if (!first) throw new Error('there must be servers')
    const faults = [
      () => {
        first.hung = true
      },
      () => {
        first.up = false
      },
      () => first.empty(),
      () => first.cut('a'),
    ]
    for (const fault of faults) {
      const lock = await taken(locks)
      fault()
      expect(await outcome(lock.extend())).toBe('extended')
      expect(await outcome(lock.release())).toBe(undefined)
      const next = await taken(locks)
      expect(await outcome(next.release())).toBe(undefined)
      first.hung = false
      first.up = true
      await world.host.advance(10_000)
    }
    await world.stop()
  })

  it('are somebody else’s as soon as two say so, and what the third has granted is released', async () => {
    const world = lockWorld(3)
    const [first, second, third] = world.servers
    const other = await world.locksOf('b')
    await taken(other)
    third?.empty()
    const locks = await world.locksOf('a')
    expect(await outcome(locks.acquire('x'))).toBe(undefined)
    expect(world.held('x')).toBe(2)
    if (third) third.hung = true
    expect(await outcome(locks.acquire('x'))).toBe(undefined)
    if (third) third.hung = false
    expect(third?.log.slice(-2)).toEqual(['acquire a x', 'release a x'])
    // One of two says so, and nobody knows what the third would.
    second?.empty()
    if (third) third.up = false
    expect(await outcome(locks.acquire('x'))).toBe(UNAVAILABLE)
    expect([first, second].map(server => server?.table.get('x') !== undefined)).toEqual([true, false])
    await world.stop()
  })

  it('are somebody else’s, or lost, also where one is down and two say so one after the other', async () => {
    const world = lockWorld(3)
    const [first, , third] = world.servers as [LockServer, LockServer, LockServer]
    const [a, b] = await Promise.all([world.locksOf('a'), world.locksOf('b')])
    const [lock, mine] = await Promise.all([taken(b), taken(a, 'y')])
    await Promise.all([lock.extend(), mine.extend()])
    first.up = false
    third.answersAfter = 200
    const asked = a.acquire('x')
    await world.host.advance(199)
    expect(await outcome(asked)).toBe('pending')
    await world.host.advance(1)
    expect(await outcome(asked)).toBe(undefined)
    for (const { table } of world.servers) table.empty()
    const extended = lock.extend()
    // As text, too: two answers.
    await world.host.advance(400)
    expect([await outcome(extended), lock.valid]).toEqual(['lost', false])
    third.hung = true
    const extending = handled(mine.extend())
    await world.host.advance(TIMEOUT - 1)
    expect(await outcome(extending)).toBe('pending')
    await world.host.advance(1)
    expect([await outcome(extending), mine.valid]).toEqual([UNAVAILABLE, true])
    await world.stop()
  })

  it('are not left behind by a server that is asked to release for the first time, and hangs', async () => {
    const world = lockWorld(1)
    const [server] = world.servers as [LockServer]
    const locks = await world.locksOf('a')
    await taken(locks, 'y')
    server.hung = true
    const asked = handled(locks.acquire('x'))
    await world.host.advance(2 * TIMEOUT)
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    await world.host.advance(100)
    server.hung = false
    expect(server.log).toEqual(['acquire a y', 'acquire a x', 'release a x'])
    expect(world.held('x')).toBe(0)
    await world.stop()
  })

  it('are not left behind where one server has not got the scripts, and says so when the others have decided', async () => {
    const world = lockWorld(3)
    const [first, second, third] = world.servers as [LockServer, LockServer, LockServer]
    const locks = await world.locksOf('a')
    await (await taken(locks)).release()
    third.empty()
    third.answersAfter = 200
    for (const server of [first, second]) server.refuses = 'LOADING'
    expect(await outcome(handled(locks.acquire('x')))).toBe(UNAVAILABLE)
    await world.host.advance(1_000)
    expect(world.held('x')).toBe(0)
    await world.stop()
  })

  it('fail as soon as a majority cannot be won any more, not when the last server has answered', async () => {
    const world = lockWorld(3)
    const locks = await world.locksOf('a')
    const [first, second, third] = world.servers
    if (first) first.hung = true
    for (const server of [second, third]) if (server) server.refuses = 'LOADING'
    expect(await outcome(locks.acquire('x'))).toBe(UNAVAILABLE)
    await world.stop()
  })

  it('are had by nobody where three members have one server each, and by one of them later', async () => {
    const world = lockWorld(3)
    const members = await Promise.all(['a', 'b', 'c'].map(member => world.locksOf(member)))
    for (const [i, member] of ['a', 'b', 'c'].entries())
      for (const [j, server] of world.servers.entries()) if (i !== j) server.cut(member)
    const asked = members.map(locks => handled(locks.acquire('x')))
    await world.host.advance(1)
    expect(world.held('x')).toBe(3)
    for (const server of world.servers) for (const member of ['a', 'b', 'c']) server.mend(member)
    await world.host.advance(2 * TIMEOUT)
    expect(await Promise.all(asked.map(outcome))).toEqual([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE])
    expect(world.held('x')).toBe(0)
    await world.host.advance(2 * TIMEOUT)
    expect((await taken(members[1] as RedlockLocks)).valid).toBe(true)
    await world.stop()
  })
})

describe('an even number of lock servers', () => {
  it.each([0, 2, 4])('is refused (%i): evenly split votes are never told by the package', async count => {
    const { clientsFor } = lockWorld(count)
    const host = fakeHost()
    const { clients } = await LockServers.open({ clients: clientsFor('a'), host, timeoutMs: TIMEOUT })
    const made = RedlockLocks.make({ clients, ttlMs: TTL, host, pauseMargin: () => MARGIN })
    await expect(made).rejects.toMatchObject({
      code: 'start-failed',
      at: 'redlock',
      rawMessage: `clients must be an odd number: current value is ${count}`,
    })
  })
})
