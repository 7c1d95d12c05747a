import { inspect } from 'node:util'
import { redisStore } from 'blockgate/plugins/store/redis'
import { services } from 'blockgate/testing'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freePorts } from '../../../support/free-ports.ts'
import { PATIENCE } from '../../../support/patience.ts'
import { type RedisServer, startRedis } from '../../../support/redis.ts'
import { tcpSwitch } from '../../../support/tcp-switch.ts'
import { joining, loggingHost, member, stores } from './stores.ts'

const UNAVAILABLE = { name: 'OwnershipUnavailable', code: 'ownership-unavailable', at: 'redis' }
const CANARY = 'c4n/ry@:%?zq9'

describe('the connections of redisStore()', () => {
  const open = stores()
  let redis: RedisServer
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(() => redis.stop())

  it('starts while nothing listens, says so in each step, and works once Redis is there', async () => {
    const [port = 0] = await freePorts(1)
    const { host, lines } = loggingHost()
    await using line = await tcpSwitch(redis.port)
    line.to(undefined)
    const dead = await open({ url: `redis://127.0.0.1:${port}` })
    await expect(dead.entries()).rejects.toMatchObject({
      ...UNAVAILABLE,
      rawMessage: `Redis at 127.0.0.1:${port}: entries failed: connect ECONNREFUSED 127.0.0.1:${port}`,
    })
    const store = await open({ url: `redis://127.0.0.1:${line.port}` }, { host })
    await expect(store.join(joining('a'))).rejects.toMatchObject(UNAVAILABLE)
    line.to(redis.port)
    await vi.waitFor(() => store.entries(), PATIENCE)
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'Redis cannot be used: what is loaded is kept, nothing is added or handed over until it answers again'],
      ['info', 'Redis answers again'],
    ])
  })

  it('works in no other database than the one that was asked for', async () => {
    const store = await open({ url: `${redis.url}/99` })
    await expect(store.entries()).rejects.toMatchObject({
      ...UNAVAILABLE,
      rawMessage: `Redis at 127.0.0.1:${redis.port}: entries failed: ERR DB index is out of range`,
    })
    await expect(store.join(joining('a'))).rejects.toMatchObject(UNAVAILABLE)
    expect(await redis.command('DBSIZE')).toBe(0)
  })

  it('must be started first, and has nothing to say after its stop', async () => {
    const store = redisStore({ cluster: 'test', url: redis.url })
    await expect(store.entries()).rejects.toMatchObject(UNAVAILABLE)
    await store.stop?.(new AbortController().signal)
    await store.start?.(services({ host: loggingHost().host }))
    await store.entries()
    await store.stop?.(new AbortController().signal)
    await store.stop?.(new AbortController().signal)
    await expect(store.entries()).rejects.toMatchObject(UNAVAILABLE)
    expect(
      String(await redis.command('CLIENT', 'LIST'))
        .split('\n')
        .filter(line => line !== ''),
    ).toHaveLength(1)
  })

  it('stops while it tries to reach a Redis that is not there, and while one is silent', async () => {
    const [port = 0] = await freePorts(1)
    const absent = await open({ url: `redis://127.0.0.1:${port}` })
    using _ = absent.watch(() => {})
    await absent.stop?.(new AbortController().signal)
    const silent = await open({ url: redis.url })
    using __ = silent.watch(() => {})
    redis.pause()
    const asked = silent.entries()
    asked.catch(() => {})
    await silent.stop?.(new AbortController().signal)
    await expect(asked).rejects.toMatchObject(UNAVAILABLE)
    redis.resume()
  })

  it('gives up on a Redis that does not answer, and comes back when it does', async () => {
    const { next, storeId } = await member(await open({ url: redis.url }), 'a')
    const store = await open({ url: redis.url, commandTimeout: '200ms' })
    await vi.waitFor(() => store.entries(), PATIENCE)
    redis.pause()
    await expect(store.heartbeat(next(), { storeId, stats: undefined, seen: 0 })).rejects.toMatchObject({
      ...UNAVAILABLE,
      rawMessage: `Redis at 127.0.0.1:${redis.port}: heartbeat failed: Command timed out`,
    })
    redis.resume()
    // The heartbeat that nobody waited for may have landed since; a newer one is taken.
    const reply = await vi.waitFor(() => store.heartbeat(next(), { storeId, stats: undefined, seen: 0 }), PATIENCE)
    expect(reply).toMatchObject({ status: 'ok', storeId })
  })

  it('resolves at start within the timeout while Redis is silent', async () => {
    redis.pause()
    const store = await open({ url: redis.url, commandTimeout: '100ms' })
    await expect(store.entries()).rejects.toMatchObject(UNAVAILABLE)
    redis.resume()
    await vi.waitFor(() => store.entries(), PATIENCE)
  })

  it('leaves a connection that a dead address holds', async () => {
    await using line = await tcpSwitch(redis.port)
    const store = await open({ url: `redis://127.0.0.1:${line.port}`, commandTimeout: '1s' })
    const told = vi.fn()
    using _ = store.watch(told)
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), PATIENCE)
    redis.pause()
    const before = line.connections
    await expect(store.entries()).rejects.toMatchObject(UNAVAILABLE)
    await vi.waitFor(() => expect(line.connections).toBeGreaterThanOrEqual(before + 2), PATIENCE)
    redis.resume()
  })

  it('sends a script again that Redis has forgotten', async () => {
    const store = await open({ url: redis.url })
    await store.entries()
    await redis.command('SCRIPT', 'FLUSH')
    await expect(store.entries()).resolves.toMatchObject({ epoch: 0, broken: 0 })
  })

  it('tells watchers of each new epoch, and listens again after a break', async () => {
    const store = await open({ url: redis.url })
    const told = vi.fn()
    const watching = store.watch(told)
    const deaf = vi.fn()
    store.watch(deaf)[Symbol.dispose]()
    // It is told once when it listens: nobody knows what was published before.
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), PATIENCE)
    told.mockClear()
    await store.freeze(true)
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(1), PATIENCE)
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(2), PATIENCE)
    await store.freeze(false)
    await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(3), PATIENCE)
    watching[Symbol.dispose]()
    expect(deaf).not.toHaveBeenCalled()
  })

  it('publishes the epoch that the step made', async () => {
    const store = await open({ url: redis.url })
    await using listener = listening(redis.url, 'blockgate:{test}:epoch')
    await listener.ready
    await store.freeze(true)
    expect(await listener.message).toBe(String((await store.entries()).epoch))
  })

  it('keeps telling the others when a watcher throws', async () => {
    const { host, lines } = loggingHost()
    const store = await open({ url: redis.url }, { host })
    store.watch(() => {
      throw new Error('mine')
    })
    const told = vi.fn()
    store.watch(told)
    await vi.waitFor(() => expect(told).toHaveBeenCalled(), PATIENCE)
    expect(lines[0]).toMatchObject({ level: 'error', fields: { error: 'mine' } })
  })

  it('takes the options of a client, and leaves the client alone', async () => {
    await redis.command('CONFIG', 'SET', 'requirepass', CANARY)
    const client = new Redis({ port: redis.port, password: CANARY, keyPrefix: 'mine:', lazyConnect: true })
    const store = await open({ client })
    await store.join(joining('a'))
    expect(client.status).toBe('wait')
    expect(await redis.command('EXISTS', 'blockgate:{test}:members')).toBe(1)
  })

  it('says what is wrong with a password and never what it is', async () => {
    const said: unknown[] = []
    for (const method of ['log', 'warn', 'error', 'info'] as const)
      vi.spyOn(console, method).mockImplementation((...args) => void said.push(args))
    await redis.command('CONFIG', 'SET', 'requirepass', 'another')
    const { host, lines } = loggingHost()
    const url = `redis://gw:${encodeURIComponent(CANARY)}@127.0.0.1:${redis.port}`
    const secret = redisStore({ cluster: 'test', url })
    const byClient = redisStore({
      cluster: 'test',
      client: new Redis({ port: redis.port, password: CANARY, lazyConnect: true }),
    })
    for (const store of [secret, byClient]) {
      await store.start?.(services({ host }))
      using _ = store.watch(() => {})
      const error = await vi.waitFor(async () => {
        const thrown = await store.entries().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        expect(String(thrown)).toMatch(/WRONGPASS|NOAUTH/)
        return thrown
      }, PATIENCE)
      await store.stop?.(new AbortController().signal)
      said.push(error, lines, JSON.stringify(error), (error as Error).stack)
    }
    said.push(redisStore({ cluster: 'test', url: `${url}?x=1` }).check?.())
    said.push(redisStore({ cluster: 'test', url: `http://gw:${CANARY}@h` }).check?.())
    const shown = inspect(said, { depth: null, showHidden: true })
    expect(shown).toContain('WRONGPASS')
    for (const part of [CANARY, encodeURIComponent(CANARY), 'c4n', 'zq9']) expect(shown).not.toContain(part)
    vi.restoreAllMocks()
  })
})

function listening(url: string, channel: string) {
  const client = new Redis(url)
  const message = new Promise<string>(resolve => client.once('message', (_, text) => resolve(text)))
  return {
    ready: client.subscribe(channel),
    message,
    [Symbol.asyncDispose]: async () => client.disconnect(),
  }
}
