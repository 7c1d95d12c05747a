import type { RedisClient } from 'blockgate/plugins/store/redis'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { lockServer } from '../../../../plugins/ownership/redlock/lock-server.ts'
import { type LockServer, lockServers } from '../../../support/lock-servers.ts'
import { handled, outcome, TIMEOUT, UNAVAILABLE } from './lock-world.ts'

const SCRIPT = 'return redis.call("exists", KEYS[1])'
const CANARY = 'c4n/ry@:%?zq9'

const AWAY = 'warn lock-0:6379 a lock server does not answer'
const BACK = 'info lock-0:6379 a lock server answers again'

/** A server, and a connection to it by a client that `change` makes of the one that is given. */
function world(change: (given: RedisClient) => RedisClient = given => given) {
  const host = fakeHost()
  const { servers, clientsFor } = lockServers(1, host)
  const [server] = servers as [LockServer]
  let read = 0
  return {
    host,
    server,
    open: async () => {
      const own = await lockServer(change(clientsFor('a')[0] as RedisClient), host, TIMEOUT)
      return { stop: own.stop, up: () => own.up, ask: () => handled(own.eval(SCRIPT, 1, ['x', 'v', 1_000])) }
    },
    /** `warn lock-0:6379 …`: what was logged since. */
    lines() {
      const lines = host.lines.slice(read)
      read = host.lines.length
      return lines.map(({ level, message, fields }) => `${level} ${fields.server} ${message}`)
    },
  }
}

/** Each connection has `own` in place of what it would have. */
const withOwn =
  (own: object) =>
  (given: RedisClient): RedisClient => ({
    ...given,
    options: { ...given.options, username: 'someone', password: CANARY },
    duplicate: override => Object.assign(given.duplicate(override) as object, own),
  })

describe('a lock server', () => {
  it('is asked on a connection of our own, which is closed with it; the client that was given is not touched', async () => {
    const made: object[] = []
    const { host, server, open } = world(given => ({
      options: given.options,
      isCluster: false,
      duplicate: override => {
        made.push(override)
        return given.duplicate(override)
      },
    }))
    const { ask, stop } = await open()
    expect(server.connections).toBe(1)
    expect(await ask()).toBe(1)
    expect(made).toMatchObject([
      {
        enableAutoPipelining: true,
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        commandTimeout: TIMEOUT,
        connectTimeout: TIMEOUT,
        socketTimeout: 2 * TIMEOUT,
        enableReadyCheck: false,
        lazyConnect: true,
        keyPrefix: '',
      },
    ])
    await stop()
    await stop()
    expect([server.connections, host.pendingTimers]).toEqual([0, 0])
    expect(await outcome(ask())).toBe(UNAVAILABLE)
    expect(host.lines).toEqual([])
  })

  it('fails at once where it cannot be asked, and that is logged once until it answers again', async () => {
    const { host, server, open, lines } = world()
    const { ask, up } = await open()
    expect(up()).toBeUndefined()
    server.up = false
    await host.advance(5_000)
    for (let i = 0; i < 3; i++) {
      const asked = ask()
      expect(await outcome(asked)).toBe(UNAVAILABLE)
      await expect(asked).rejects.toThrow(
        /^ownership-unavailable: Redis at lock-0:6379.*: connect ECONNREFUSED lock-0:6379$/,
      )
    }
    expect([lines(), up()]).toEqual([[AWAY], false])
    server.up = true
    await host.advance(2_000)
    expect([await ask(), await ask(), up()]).toEqual([1, 0, true])
    expect(lines()).toEqual([BACK])
    server.refuses = 'NOPERM this user has no permissions'
    expect(await Promise.all([outcome(ask()), outcome(ask())])).toEqual([UNAVAILABLE, UNAVAILABLE])
    server.refuses = undefined
    expect(await ask()).toBe(0)
    expect(lines()).toEqual([AWAY, BACK])
  })

  it('answers within the time-out, or has failed', async () => {
    const { host, server, open, lines } = world()
    const { ask, stop } = await open()
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
    await stop()
    expect(host.pendingTimers).toBe(0)
  })

  it('is asked on a new connection after two time-outs of silence, as nobody may be behind the old one', async () => {
    const { host, server, open } = world()
    const { ask } = await open()
    server.cut('a')
    const asked = ask()
    await host.advance(2 * TIMEOUT - 1)
    expect(server.connections).toBe(1)
    await host.advance(1)
    expect([await outcome(asked), server.connections]).toEqual([UNAVAILABLE, 0])
    server.mend('a')
    await host.advance(5_000)
    expect(server.connections).toBe(1)
    expect(await ask()).toBe(1)
  })

  it.each(['is down', 'is cut off', 'is looked for by its client'])(
    'does not keep a start waiting for longer than the time-out where it %s, and is there when it is',
    async how => {
      // One that asks Sentinels first has ten seconds.
      const patient = (given: RedisClient): RedisClient => ({
        ...given,
        duplicate: override => given.duplicate({ ...override, connectTimeout: 10_000 }),
      })
      const { host, server, open } = world(how === 'is looked for by its client' ? patient : undefined)
      if (how === 'is down') server.up = false
      else server.cut('a')
      const opening = open()
      await host.advance(TIMEOUT)
      expect(await outcome(opening)).not.toBe('pending')
      const { ask, stop } = await opening
      expect(host.lines).toEqual([])
      server.up = true
      server.mend('a')
      await host.advance(20_000)
      expect(await ask()).toBe(1)
      await stop()
      expect(host.pendingTimers).toBe(0)
    },
  )

  it.each(['a text', new Error(`WRONGPASS ${CANARY}`)])(
    'rejects with an error of ours whatever the client rejects with, without its secrets',
    async thrown => {
      const { open, host } = world(withOwn({ eval: () => Promise.reject(thrown) }))
      const asked = (await open()).ask()
      expect(await outcome(asked)).toBe(UNAVAILABLE)
      await expect(asked).rejects.toBeInstanceOf(Error)
      await expect(asked).rejects.not.toThrow(CANARY)
      expect(host.lines).toHaveLength(1)
      expect(JSON.stringify(host.lines)).not.toContain(CANARY)
    },
  )
})
