/** Locks on real Redis servers. */
import { isOwnershipUnavailable } from 'blockgate'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Locks } from '../../../../plugins/ownership/redlock/locks.ts'
import { PATIENCE } from '../../../support/patience.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from '../../../support/redis.ts'
import { loggingHost } from '../../store/redis/stores.ts'
import { acquire, extend, handled, release, taken } from './lock-world.ts'

/** Of locks that expire while a test waits for it, ms. */
const TTL = 1_500
/** Of those that do not, whatever else fills the machine; and how long a server has to answer then. */
const LONG = 600_000
const ANSWER = 120_000
const opened: Locks[] = []
const redis: RedisServer[] = []
const unhandled: unknown[] = []
const keep = (error: unknown) => void unhandled.push(error)
beforeEach(() => void process.on('unhandledRejection', keep))
afterEach(async () => {
  await Promise.all(opened.splice(0).map(locks => locks.close()))
  await Promise.all(redis.splice(0).map(server => server.stop()))
  process.off('unhandledRejection', keep)
  expect(unhandled.splice(0)).toEqual([])
})

async function started(count: number, options: RedisServerOptions = {}) {
  const servers = await Promise.all(Array.from({ length: count }, () => startRedis(options)))
  redis.push(...servers)
  return servers as [RedisServer, ...RedisServer[]]
}

/** Locks of one process. */
async function locksOn(servers: readonly (string | RedisClient | RedisServer)[], ttlMs = LONG, timeoutMs?: number) {
  const { host, lines } = loggingHost()
  const clients = servers.map(server => (typeof server === 'object' && 'url' in server ? server.url : server))
  const locks = await Locks.open(clients, ttlMs, host, timeoutMs ?? (ttlMs === LONG ? ANSWER : undefined))
  opened.push(locks)
  return Object.assign(locks, { lines })
}

/** Whether it is known; whatever is known. */
async function known(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isOwnershipUnavailable(error)) return false
    throw error
  }
}

describe.each([1, 3])('locks on %i Redis', count => {
  it('are had by one at a time, by the next when they are released, and go many in one packet', async () => {
    const servers = await started(count)
    const [a, b] = await Promise.all([locksOn(servers), locksOn(servers)])
    const reads = async () =>
      Number(/total_reads_processed:(\d+)/.exec(String(await servers[0].command('INFO', 'stats')))?.[1])
    const names = Array.from({ length: 256 }, (_, i) => `slot/${i}`)
    const before = await reads()
    const [ofA, ofB] = await Promise.all([a, b].map(locks => Promise.all(names.map(name => acquire(locks, name)))))
    expect((await reads()) - before).toBeLessThan(60)
    for (const [i] of names.entries()) expect([ofA?.[i], ofB?.[i]].filter(lock => lock?.valid).length).toBeLessThan(2)
    const lock = await taken(a)
    expect(await acquire(b, 'x')).toBe(undefined)
    await release(lock)
    // It is released as soon as a majority has done so.
    expect((await vi.waitFor(() => taken(b), PATIENCE)).valid).toBe(true)
  })

  it('are taken over when they have expired, after the signal of the old one, and can then be extended like any other', async () => {
    const servers = await started(count)
    const [a, b] = await Promise.all([locksOn(servers, TTL), locksOn(servers)])
    const old = await vi.waitFor(() => taken(a), PATIENCE)
    const lock = await vi.waitFor(() => taken(b), PATIENCE)
    expect([old.signal.aborted, old.valid, lock.valid]).toEqual([true, false, true])
    expect([await extend(old), await extend(lock)]).toEqual([false, true])
    await release(old)
    expect(await acquire(a, 'x')).toBe(undefined)
  })

  it('are lost with servers that start again with nothing in them, and had by others then', async () => {
    const servers = await started(count)
    const [a, b] = await Promise.all([locksOn(servers), locksOn(servers)])
    const lock = await taken(a)
    await Promise.all(servers.map(server => server.restartEmpty()))
    expect(await vi.waitFor(() => extend(lock), PATIENCE)).toBe(false)
    expect([lock.valid, lock.signal.aborted]).toEqual([false, true])
    expect((await vi.waitFor(() => taken(b), PATIENCE)).valid).toBe(true)
  })
})

it('a lock has the key that is asked for, on a connection of its own, beside a client with a prefix and another database', async () => {
  const [server] = await started(1)
  const client = new Redis({ port: server.port, keyPrefix: 'mine:', db: 3, lazyConnect: true })
  await taken(await locksOn([client]), '{c}:lock/1/0')
  expect(client.status).toBe('wait')
  expect(await server.command('SELECT', 3)).toBe('OK')
  expect(await server.command('KEYS', '*')).toEqual(['{c}:lock/1/0'])
})

it('a lock is refused in bounded time where Redis is away and the client waits for it for ever', async () => {
  const [server] = await started(1)
  const client = new Redis({ port: server.port, lazyConnect: true })
  client.on('error', () => {})
  const stubborn = { options: client.options, isCluster: false, duplicate: () => client.duplicate() }
  const locks = await locksOn([stubborn], TTL)
  await release(await vi.waitFor(() => taken(locks), PATIENCE))
  await server.stop()
  expect(await known(acquire(locks, 'x'))).toBe(false)
})

it('what is wrong is said without the password', async () => {
  const [{ port }] = await started(1, { args: ['--requirepass', 'right'], admin: { password: 'right' } })
  expect((await taken(await locksOn([`redis://:right@127.0.0.1:${port}`]))).valid).toBe(true)
  const bad = await locksOn([`redis://:c4n%2Fry@127.0.0.1:${port}`])
  const asked = handled(acquire(bad, 'x'))
  await expect(asked).rejects.toThrow(/NOAUTH|WRONGPASS/)
  const error: unknown = await asked.catch((failure: unknown) => failure)
  expect(JSON.stringify([bad.lines, error, (error as Error).message])).not.toMatch(/c4n|ry@/)
})

it('while two of three are paused locks are refused in bounded time; what is held stays valid, and is extended when they go on', async () => {
  const servers = await started(3)
  const locks = await locksOn(servers, LONG, 1_000)
  const lock = await vi.waitFor(() => taken(locks), PATIENCE)
  const there = () => Promise.all(servers.map(server => server.command('EXISTS', 'x')))
  await vi.waitFor(async () => expect(await there()).toEqual([1, 1, 1]), PATIENCE)
  for (const server of servers.slice(1)) server.pause()
  expect(await Promise.all([known(acquire(locks, 'y')), known(extend(lock))])).toEqual([false, false])
  expect(lock.valid).toBe(true)
  for (const server of servers.slice(1)) server.resume()
  expect(await vi.waitFor(() => extend(lock), PATIENCE)).toBe(true)
  // What was asked for meanwhile, and was in vain, is not left locked.
  expect((await vi.waitFor(() => taken(locks, 'y'), PATIENCE)).valid).toBe(true)
  expect(locks.lines.filter(({ level }) => level === 'warn')).toHaveLength(2)
})

it('of many locks the one that two of three servers lack is lost, and no other, also while the third is stopped', async () => {
  const servers = await started(3)
  const locks = await locksOn(servers)
  const names = Array.from({ length: 128 }, (_, i) => `slot/${i}`)
  const there = () => Promise.all(servers.map(server => server.command('DBSIZE')))
  const held = await locks.acquire(names)
  await vi.waitFor(async () => expect(await there()).toEqual([128, 128, 128]), PATIENCE)
  const before = await servers[1]?.command('INFO', 'commandstats')
  await servers[0].stop()
  await locks.extend(held)
  expect(held.every(lock => lock.valid)).toBe(true)
  // All of them are one request.
  const calls = (text: unknown) => Number(/cmdstat_eval:calls=(\d+)/.exec(String(text))?.[1])
  expect(calls(await servers[1]?.command('INFO', 'commandstats')) - calls(before)).toBe(1)
  for (const server of servers.slice(1)) await server.command('DEL', 'slot/7')
  await known(locks.extend(held))
  expect(held.filter(lock => !lock.valid).map(({ resource }) => resource)).toEqual(['slot/7'])
  expect((await locks.acquire(['slot/6', 'slot/7'])).map(({ resource }) => resource)).toEqual(['slot/7'])
})
