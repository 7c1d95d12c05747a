/** Several locks of one request: they share it, and nothing else. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Locks } from '../../../../plugins/ownership/redlock/locks.ts'
import type { LockServer } from '../../../support/lock-servers.ts'
import { type LockWorld, lockWorld, TTL, taken, UNAVAILABLE } from './lock-world.ts'

let world: LockWorld
afterEach(() => world.stop())

describe.each([1, 3])('several locks on %i lock servers', count => {
  let a: Locks
  let b: Locks
  beforeEach(async () => {
    world = lockWorld(count)
    a = await world.locksOf('a')
    b = await world.locksOf('b')
  })

  const majority = () => world.servers.slice(0, Math.floor(count / 2) + 1)

  it('are had several at once; of one that somebody else has all but that one are had', async () => {
    const names = ['x', 'y', 'z']
    await taken(b, 'y')
    const some = await a.acquire(['v', 'w'])
    expect([some.map(({ resource }) => resource), new Set(some.map(({ value }) => value)).size]).toEqual([
      ['v', 'w'],
      1,
    ])
    const got = await a.acquire(names)
    expect(got.map(({ resource, valid }) => [resource, valid])).toEqual([
      ['x', true],
      ['z', true],
    ])
    expect(names.map(name => world.held(name))).toEqual([count, count, count])
    await a.release([...some, ...got])
    expect(['v', 'w', ...names].map(name => world.held(name))).toEqual([0, 0, 0, count, 0])
  })

  it('are extended together when one is due; one that is lost ends alone, and the others go on', async () => {
    const locks = await a.acquire(['x', 'y', 'z'])
    await world.host.advance(TTL / 3.5)
    await a.renew(locks)
    expect(world.logs[0]).toHaveLength(3)
    await world.host.advance(TTL / 10)
    for (const server of majority()) server.table.drop(['y'])
    await a.renew(locks)
    expect(locks.map(({ valid }) => valid)).toEqual([true, false, true])
    await world.host.advance(TTL / 2)
    await a.extend(locks)
    await world.host.advance(TTL / 2)
    expect(locks.map(({ valid }) => valid)).toEqual([true, false, true])
    expect(['x', 'z'].map(name => world.held(name))).toEqual([count, count])
  })

  it('are none of them lost where nobody says whether they were extended', async () => {
    const locks = await a.acquire(['x', 'y'])
    for (const server of majority()) server.refuses = 'LOADING'
    await expect(a.extend(locks)).rejects.toMatchObject({ code: UNAVAILABLE })
    expect(locks.map(({ valid }) => valid)).toEqual([true, true])
  })
})

describe('several locks on three lock servers', () => {
  let servers: [LockServer, LockServer, LockServer]
  beforeEach(() => {
    world = lockWorld(3)
    servers = world.servers as typeof servers
  })

  it('have a majority each for itself: servers that have lost one each, of several, take none', async () => {
    const locks = await world.locksOf('a')
    const several = await locks.acquire(['x', 'y', 'z'])
    for (const [i, name] of ['x', 'y', 'z'].entries()) servers[i]?.table.drop([name])
    await locks.extend(several)
    expect(several.map(({ valid }) => valid)).toEqual([true, true, true])
  })

  it('are extended at a server that has lost one of several: it keeps the others when they are asked for again', async () => {
    const locks = await world.locksOf('a')
    const several = await locks.acquire(['x', 'y'])
    servers[0].table.drop(['y'])
    for (let i = 0; i < 6; i++) {
      await locks.extend(several)
      await world.host.advance(TTL / 3)
    }
    expect(['x', 'y'].map(name => world.held(name))).toEqual([3, 2])
  })

  it('go together again with a server that has lost all of them', async () => {
    const locks = await world.locksOf('a')
    const several = await locks.acquire(['x', 'y', 'z'])
    servers[0].table.empty()
    for (let i = 0; i < 2; i++) await locks.extend(several)
    // Each was asked for alone, and is due at a time of its own.
    while (!several.some(lock => lock.due)) await world.host.advance(10)
    expect(several.every(lock => lock.due)).toBe(false)
    const asked = servers[1].log.length
    const requests: number[] = []
    const { eval: run } = servers[1].table
    servers[1].table.eval = (script, keys, args) => {
      requests.push(keys)
      return run.call(servers[1].table, script, keys, args)
    }
    await locks.renew(several)
    expect([servers[1].log.length - asked, requests]).toEqual([3, [3]])
  })

  it('of several that one server refuses are asked for each alone, and are had at all others', async () => {
    const locks = await world.locksOf('a')
    servers[0].table.eval('"exists"', 1, ['y', 'strange', TTL])
    const several = await locks.acquire(['x', 'y', 'z'])
    expect(several.map(({ resource }) => resource)).toEqual(['x', 'y', 'z'])
    expect(servers.map(({ table }) => table.keys().length)).toEqual([3, 3, 3])
    expect(servers[0].table.get('y')).toBe('strange')
  })
})
