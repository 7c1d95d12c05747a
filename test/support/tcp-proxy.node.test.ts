import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type StubStore, stubStore } from './stub-store.ts'
import { burst, chance, firstOf, nth, type TcpProxy, tcpProxy } from './tcp-proxy.ts'

let store: StubStore
let proxy: TcpProxy
beforeEach(async () => {
  store = await stubStore((_, response) => void response.end('0123456789'))
  proxy = await tcpProxy({ target: store.endpoint })
})
afterEach(async () => {
  vi.useRealTimers()
  await proxy[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

/** A connection to the proxy: what came, and how it ended. */
function client(to = proxy) {
  const socket: Socket = connect(Number(new URL(to.endpoint).port), '127.0.0.1')
  let came = ''
  let ended: string | undefined
  let changed = Promise.withResolvers<void>()
  const note = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('data', data => {
    came += data.toString()
    note()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code
  })
  socket.on('close', () => {
    ended ??= 'closed'
    note()
  })
  return {
    get: (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nhost: store\r\n\r\n`),
    socket,
    get came() {
      return came
    },
    /** Waits for `text`; gives everything that came, and forgets it. */
    async until(text: string): Promise<string> {
      while (!came.includes(text)) {
        if (ended !== undefined) throw new Error(`${text} must come: it ended with ${ended} after ${came}`)
        await changed.promise
      }
      const all = came
      came = ''
      return all
    },
    /** Waits for the end of the connection. */
    async end(): Promise<string> {
      while (ended === undefined) await changed.promise
      return ended
    },
  }
}

describe('tcpProxy()', () => {
  it('carries requests and answers as they are, one after the other on a connection', async () => {
    const c = client()
    for (const path of ['/a?x=1', '/b']) {
      c.get(path)
      expect(await c.until('0123456789')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    }
    expect(store.requests).toEqual(['GET /a?x=1', 'GET /b'])
    expect(proxy.requests).toEqual([
      { method: 'GET', path: '/a?x=1', time: 1, number: 1 },
      { method: 'GET', path: '/b', time: 1, number: 2 },
    ])
    expect([proxy.open, store.open]).toEqual([1, 1])
    c.socket.destroy()
    await store.idle()
  })

  it('resets the connection of a request, which the store never sees', async () => {
    proxy.plan = nth(2, /\/a/, { kind: 'reset' })
    const c = client()
    c.get('/a')
    await c.until('0123456789')
    c.get('/a')
    expect(await c.end()).toBe('ECONNRESET')
    expect(store.requests).toEqual(['GET /a'])
  })

  it('answers with a status itself, and closes the connection', async () => {
    proxy.plan = () => ({ kind: 'status', status: 503, retryAfter: 2 })
    const c = client()
    c.get('/a')
    expect(await c.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 [^\r]*\r\nretry-after: 2\r\n/)
    expect(await c.end()).toBe('closed')
    expect(store.requests).toEqual([])
  })

  it('ends the connection in the middle of a body', async () => {
    proxy.plan = () => ({ kind: 'truncate', after: 4 })
    const c = client()
    c.get('/a')
    expect(await c.end()).toBe('closed')
    expect(c.came).toMatch(/content-length: 10\r\n[\s\S]*\r\n0123$/i)
    await store.idle()
  })

  it('stalls in the middle of a body until the client gives up', async () => {
    proxy.plan = () => ({ kind: 'stall', after: 4 })
    const c = client()
    c.get('/a')
    expect(await c.until('\r\n\r\n0123')).toMatch(/\r\n0123$/)
    expect([proxy.open, store.open, c.came]).toEqual([1, 1, ''])
    c.socket.destroy()
    await store.idle()
  })

  it('breaks all connections and refuses new ones while it is down', async () => {
    const before = client()
    before.get('/a')
    await before.until('0123456789')
    await proxy.down()
    expect(await before.end()).toBe('ECONNRESET')
    expect(await client().end()).toBe('ECONNREFUSED')
    await proxy.up()
    const after = client()
    after.get('/b')
    await after.until('0123456789')
  })

  it('ends the connection of a client whose store has gone', async () => {
    await store[Symbol.asyncDispose]()
    const c = client()
    c.get('/a')
    expect(await c.end()).toBe('closed')
    store = await stubStore(() => {})
  })

  it('delays each direction by its own time', async () => {
    await using slow = await tcpProxy({ target: store.endpoint, requestDelay: 30, responseDelay: 20 })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const seen = Promise.withResolvers<void>()
    slow.plan = () => void seen.resolve()
    const c = client(slow)
    c.get('/a')
    await seen.promise
    await vi.advanceTimersByTimeAsync(29)
    expect([vi.getTimerCount(), store.requests]).toEqual([1, []])
    await vi.advanceTimersByTimeAsync(1)
    // The answer has arrived at the proxy once it waits for its own delay.
    while (vi.getTimerCount() === 0) await new Promise(setImmediate)
    expect(store.requests).toEqual(['GET /a'])
    await vi.advanceTimersByTimeAsync(19)
    expect(c.came).toBe('')
    await vi.advanceTimersByTimeAsync(1)
    await c.until('0123456789')
    c.socket.destroy()
  })
})

describe('plans of faults', () => {
  const reset = { kind: 'reset' } as const
  const request = (path: string, time = 1, number = 1) => ({ method: 'GET', path, time, number })
  const paths = Array.from({ length: 10_000 }, (_, i) => `/${i}`)

  it('by chance draw the same for the same seed, whatever the order, and anew for a repetition', () => {
    const drawn = (seed: number, time = 1) =>
      paths.filter((path, i) => chance(seed, 0.05, reset)(request(path, time, i)))
    expect(drawn(1).length).toBeGreaterThan(400)
    expect(drawn(1).length).toBeLessThan(600)
    expect(paths.toReversed().filter((path, i) => chance(1, 0.05, reset)(request(path, 1, i)))).toEqual(
      drawn(1).toReversed(),
    )
    expect(drawn(2)).not.toEqual(drawn(1))
    expect(drawn(1).filter(path => drawn(1, 2).includes(path)).length).toBeLessThan(100)
  })

  it('in bursts fail some in a row', () => {
    const plan = burst(3, 2, reset)
    const hit = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].filter(number => plan(request('/a', 1, number)))
    expect(hit).toEqual([4, 5, 9, 10])
  })

  it('by name fail one repetition, or each', () => {
    expect([1, 2, 3].filter(time => nth(2, /GET \/a$/, reset)(request('/a', time)))).toEqual([2])
    expect([1, 2, 3].filter(time => nth('every', /GET \/a$/, reset)(request('/a', time)))).toEqual([1, 2, 3])
    expect(nth('every', /GET \/a$/, reset)(request('/ab'))).toBeUndefined()
  })

  it('together give the first fault', () => {
    const status = { kind: 'status', status: 503 } as const
    const plan = firstOf(nth(1, /\/a/, status), nth('every', /\//, reset))
    expect([plan(request('/a')), plan(request('/b'))]).toEqual([status, reset])
    expect(firstOf()(request('/a'))).toBeUndefined()
  })
})
