import { describeProblem } from 'blockgate'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import { type FakeHost, fakeHost } from 'blockgate/testing'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { clientProblems, LockServers, requestTimeoutMs } from '../../../../plugins/ownership/redlock/clients.ts'
import { type LockServer, lockServers } from '../../../support/lock-servers.ts'
import { handled, outcome } from './lock-world.ts'

const UNAVAILABLE = 'ownership-unavailable'
const TIMEOUT = 1_000
const SCRIPT = 'return redis.call("exists", KEYS[1])'
const CANARY = 'c4n/ry@:%?zq9'

interface Opened {
  readonly host: FakeHost
  readonly server: LockServer
  readonly servers: LockServers
  ask(): Promise<unknown>
  /** `warn lock-0:6379 …`: what was logged since. */
  lines(): readonly string[]
}

async function opened(client?: (given: RedisClient) => RedisClient, host = fakeHost()): Promise<Opened> {
  const { servers: given, clientsFor } = lockServers(1, host)
  const clients = clientsFor('a').map(own => client?.(own) ?? own)
  const servers = await LockServers.open({ clients, host, timeoutMs: TIMEOUT })
  let read = 0
  return {
    host,
    server: given[0] as LockServer,
    servers,
    ask: () => handled(servers.clients[0]?.eval(SCRIPT, 1, ['x', 'v', 1_000]) as Promise<unknown>),
    lines() {
      const lines = host.lines.slice(read)
      read = host.lines.length
      return lines.map(({ level, message, fields }) => `${level} ${fields.server} ${message}`)
    },
  }
}

/** A client of the user's own whose connections keep the defaults of ioredis: they wait for their server for ever. */
function stubborn(given: RedisClient): RedisClient {
  return { ...given, duplicate: () => given.duplicate({}) }
}

/** A client whose connections have ten seconds to be made, such as one that asks Sentinels first. */
function patient(given: RedisClient): RedisClient {
  return { ...given, duplicate: override => given.duplicate({ ...override, connectTimeout: 10_000 }) }
}

const AWAY = 'warn lock-0:6379 a lock server does not do what it must'
const BACK = 'info lock-0:6379 a lock server answers again'

describe('lock servers', () => {
  it('are asked on connections of our own, which are closed with them; the client that was given is not touched', async () => {
    const made: object[] = []
    const touched = new Proxy({} as RedisClient, {
      get(_, name) {
        throw new Error(`${String(name)} must not be used`)
      },
      has: (_, name) => name === 'duplicate',
    })
    const { host, server, servers, ask } = await opened(given =>
      Object.create(touched, {
        options: { value: given.options },
        isCluster: { value: false },
        duplicate: {
          value: (override: object) => {
            made.push(override)
            return given.duplicate(override)
          },
        },
      }),
    )
    expect(server.connections).toBe(1)
    expect(await ask()).toBe(1)
    expect(made).toEqual([
      expect.objectContaining({
        enableAutoPipelining: true,
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        commandTimeout: TIMEOUT,
        connectTimeout: TIMEOUT,
        enableReadyCheck: false,
        lazyConnect: true,
        keyPrefix: '',
      }),
    ])
    await servers.stop()
    await servers.stop()
    expect([server.connections, host.pendingTimers]).toEqual([0, 0])
    expect(await outcome(ask())).toBe(UNAVAILABLE)
    expect(host.lines).toEqual([])
  })

  it('fail at once where they cannot be asked, and say so once until they answer again', async () => {
    const { host, server, servers, ask, lines } = await opened()
    server.up = false
    await host.advance(5_000)
    for (let i = 0; i < 3; i++) {
      const asked = ask()
      expect(await outcome(asked)).toBe(UNAVAILABLE)
      await expect(asked).rejects.toThrow('Redis at lock-0:6379: eval failed: connect ECONNREFUSED lock-0:6379')
    }
    expect(lines()).toEqual([AWAY])
    server.up = true
    await host.advance(2_000)
    expect(await ask()).toBe(1)
    expect(await ask()).toBe(0)
    expect(lines()).toEqual([BACK])
    server.refuses = 'NOPERM this user has no permissions'
    expect(await outcome(ask())).toBe(UNAVAILABLE)
    expect(await outcome(ask())).toBe(UNAVAILABLE)
    server.refuses = undefined
    expect(await ask()).toBe(0)
    expect(lines()).toEqual([AWAY, BACK])
    await servers.stop()
  })

  it('answer within the time-out, or have failed', async () => {
    const { host, server, servers, ask, lines } = await opened()
    server.hung = true
    const asked = ask()
    await host.advance(TIMEOUT - 1)
    expect(await outcome(asked)).toBe('pending')
    await host.advance(1)
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    await expect(asked).rejects.toThrow('Command timed out')
    server.hung = false
    expect(await ask()).toBe(0)
    expect(lines()).toEqual([AWAY, BACK])
    expect(host.pendingTimers).toBe(0)
    await servers.stop()
  })

  it('are asked on a new connection after two time-outs of silence, as nobody may be behind the old one', async () => {
    const { host, server, servers, ask, lines } = await opened()
    server.cut('a')
    const asked = [ask(), ask()]
    await host.advance(TIMEOUT)
    asked.push(ask())
    await host.advance(TIMEOUT - 1)
    expect(server.connections).toBe(1)
    await host.advance(1)
    expect(await Promise.all(asked.map(outcome))).toEqual([UNAVAILABLE, UNAVAILABLE, UNAVAILABLE])
    expect(server.connections).toBe(0)
    server.mend('a')
    await host.advance(5_000)
    expect(server.connections).toBe(1)
    expect(await ask()).toBe(1)
    // What is answered in time breaks the silence.
    server.hung = true
    const late = ask()
    await host.advance(TIMEOUT)
    server.hung = false
    expect(await ask()).toBe(0)
    server.hung = true
    const later = ask()
    await host.advance(TIMEOUT)
    expect(await Promise.all([outcome(late), outcome(later)])).toEqual([UNAVAILABLE, UNAVAILABLE])
    expect(server.connections).toBe(1)
    server.hung = false
    expect(await ask()).toBe(0)
    expect(lines()).toEqual([AWAY, BACK, AWAY, BACK, AWAY, BACK])
    await servers.stop()
  })

  it.each(['down', 'hung'])('answer within the time-out also where a client keeps its requests (%s)', async how => {
    const { host, server, servers, ask } = await opened(stubborn)
    expect(await ask()).toBe(1)
    if (how === 'down') server.up = false
    else server.hung = true
    const asked = ask()
    expect(await outcome(asked)).toBe('pending')
    await host.advance(TIMEOUT)
    expect(await outcome(asked)).toBe(UNAVAILABLE)
    await servers.stop()
  })

  it.each(['is down', 'is cut off', 'is looked for by its client'])(
    'do not keep a start waiting for longer than the time-out where one %s, and are there when it is',
    async how => {
      const host = fakeHost()
      const { servers: given, clientsFor } = lockServers(1, host)
      const [server] = given as [LockServer]
      if (how === 'is down') server.up = false
      else server.cut('a')
      const clients = clientsFor('a').map(client => (how === 'is looked for by its client' ? patient(client) : client))
      const open = LockServers.open({ clients, host, timeoutMs: TIMEOUT })
      await host.advance(TIMEOUT)
      expect(await outcome(open)).toBeInstanceOf(LockServers)
      const servers = await open
      expect(host.lines).toEqual([])
      server.up = true
      server.mend('a')
      await host.advance(20_000)
      expect(await servers.clients[0]?.eval(SCRIPT, 1, ['x', 'v', 1_000])).toBe(1)
      await servers.stop()
      expect(host.pendingTimers).toBe(0)
    },
  )

  it('say that they have not got a script as Redis does: that is an answer', async () => {
    const { servers, server, lines } = await opened()
    const asked = handled(servers.clients[0]?.evalsha('0'.repeat(40), 1, ['x', 'v', 1_000]) as Promise<unknown>)
    await expect(asked).rejects.toThrow(/^NOSCRIPT/)
    expect(server.connections).toBe(1)
    expect(lines()).toEqual([])
    await servers.stop()
  })

  it('reject with an error of ours whatever the client rejects with, without its secrets', async () => {
    for (const thrown of ['a text', new Error(`WRONGPASS ${CANARY}`)]) {
      const { servers, ask, host } = await opened(given => ({
        options: { ...given.options, username: 'someone', password: CANARY },
        isCluster: false,
        duplicate: override =>
          Object.assign(given.duplicate(override) as object, { eval: () => Promise.reject(thrown) }),
      }))
      const asked = ask()
      expect(await outcome(asked)).toBe(UNAVAILABLE)
      await expect(asked).rejects.toBeInstanceOf(Error)
      await expect(asked).rejects.not.toThrow(CANARY)
      expect(host.lines).toHaveLength(1)
      expect(JSON.stringify(host.lines)).not.toContain(CANARY)
      await servers.stop()
    }
  })

  it('do not do what they must where the answer is no number', async () => {
    const { servers, ask, lines } = await opened(given => ({
      ...given,
      duplicate: override => Object.assign(given.duplicate(override) as object, { eval: async () => '1' }),
    }))
    await expect(ask()).rejects.toThrow('the answer must be a number: it is a string')
    expect(lines()).toEqual([AWAY])
    await servers.stop()
  })

  it('have a second for an answer, and a sixth of the TTL where that is less', () => {
    expect([30_000, 6_000, 3_000, 1_000].map(requestTimeoutMs)).toEqual([1_000, 1_000, 500, 1_000 / 6])
  })
})

describe('the option clients', () => {
  const told = (clients: unknown) => clientProblems(clients).map(describeProblem)
  const client = (more: object = {}) => new Redis({ lazyConnect: true, ...more })
  const NO_SERVER =
    'must be a redis:// or rediss:// URL with a host and nothing behind the database, or a client of ioredis for one Redis'

  it('may be an odd number of URLs and clients', () => {
    expect(told(['redis://h'])).toEqual([])
    expect(told(['rediss://u:p@h:1', client(), 'redis://h/2'])).toEqual([])
    const sentinels = ['a', 'b', 'c'].map(host => client({ name: 'mymaster', sentinels: [{ host, port: 26379 }] }))
    expect(told(sentinels)).toEqual([])
    expect(told(lockServers(3, fakeHost()).clientsFor('a'))).toEqual([])
  })

  it('must be a list that has something in it', () => {
    const must = 'clients: must be a list of lock servers, such as [url]: current value is'
    expect(told(undefined)).toEqual([`${must} undefined`])
    expect(told([])).toEqual([`${must} []`])
    expect(told('redis://u:p@h')).toEqual([`${must} "…@h"`])
    expect(told(client({ password: CANARY }))).toEqual([`${must} "an object"`])
  })

  it('must not be even', () => {
    expect(told(['redis://a', 'redis://b'])).toEqual(['clients: must be an odd number (1 or 3): current value is 2'])
  })

  it('must all be servers', () => {
    for (const [bad, shown] of [
      ['http://u:p@h', '"…@h"'],
      ['h:6379', '"h:6379"'],
      [5, '5'],
      [undefined, 'undefined'],
      [{ options: { password: CANARY }, isCluster: true, duplicate() {} }, '"an object"'],
    ])
      expect(told(['redis://a', bad, 'redis://b'])).toEqual([`clients[1]: ${NO_SERVER}: current value is ${shown}`])
  })

  it('must all be different servers, whatever stands beside host and port', () => {
    const problem = 'must be another server than clients[0]: each has one vote: current value is'
    expect(told(['redis://h', 'redis://b', 'redis://h:6379'])).toEqual([`clients[2]: ${problem} "redis://h:6379"`])
    expect(told(['redis://h', 'rediss://u:p@H/1', 'redis://b'])).toEqual([`clients[1]: ${problem} "…@H/1"`])
    expect(told(['redis://h', client({ host: 'h', password: CANARY }), 'redis://b'])).toEqual([
      `clients[1]: ${problem} "an object"`,
    ])
    const same = client()
    expect(told([same, same, 'redis://b'])).toEqual([`clients[1]: ${problem} "an object"`])
  })

  it('is checked again when it is opened', async () => {
    const opening = LockServers.open({ clients: ['nothing'], host: fakeHost(), timeoutMs: TIMEOUT })
    await expect(opening).rejects.toMatchObject({ code: 'start-failed', at: 'redlock' })
  })
})
