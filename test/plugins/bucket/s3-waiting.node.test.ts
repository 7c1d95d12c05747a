import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bucket } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { startedS3 } from '../../support/started-s3.ts'
import { type Answer, s3Object, stubStore } from '../../support/stub-store.ts'

const { signal } = new AbortController()
const list = (bucket: Bucket) => bucket.list('a', { signal })

describe('waiting for the store', () => {
  /** Answers what `next` says, once somebody asked. */
  function waiting() {
    const asked: [IncomingMessage, ServerResponse][] = []
    let arrived = Promise.withResolvers<void>()
    return {
      answer: ((request, response) => {
        asked.push([request, response])
        arrived.resolve()
      }) as Answer,
      async request(): Promise<[IncomingMessage, ServerResponse]> {
        for (;;) {
          const first = asked.shift()
          if (first) return first
          await arrived.promise
          arrived = Promise.withResolvers()
        }
      },
      get asked() {
        return asked.length
      },
    }
  }

  it('ends after requestTimeout, and the request may be tried again', async () => {
    const host = fakeHost()
    const { answer, request } = waiting()
    await using store = await stubStore(answer)
    await using bucket = await startedS3({ endpoint: store.endpoint, requestTimeout: '5s' }, host)
    const page = list(bucket).catch((error: unknown) => error)
    await request()
    await host.advance(4999)
    expect(store.open).toBe(1)
    await host.advance(1)
    expect(await page).toMatchObject({
      rawMessage: 'prefix "a" must be listable: nothing came for 5000 ms (option requestTimeout)',
      retryable: true,
    })
    await store.idle()
    expect(host.pendingTimers).toBe(0)
  })

  it('ends also in the middle of a body, counted from its last bytes', async () => {
    const host = fakeHost()
    const { answer, request } = waiting()
    await using store = await stubStore(answer)
    await using bucket = await startedS3({ endpoint: store.endpoint }, host)
    const got = bucket.get('a', { signal })
    const [, response] = await request()
    response.writeHead(200, { 'content-length': '10', etag: '"e"', 'last-modified': new Date(0).toUTCString() })
    response.write('hello')
    const reader = (await got)?.stream.getReader()
    expect(await reader?.read()).toMatchObject({ done: false, value: new TextEncoder().encode('hello') })
    await host.advance(100_000) // nobody reads: nothing runs
    const next = reader?.read().catch((error: unknown) => error)
    await host.advance(30_000)
    expect(await next).toMatchObject({ code: 'bucket-failed', retryable: true })
    await store.idle()
    expect(host.pendingTimers).toBe(0)
  })

  it('ends at once when the signal aborts, with its reason', async () => {
    const host = fakeHost()
    const { answer, request } = waiting()
    await using store = await stubStore(answer)
    await using bucket = await startedS3({ endpoint: store.endpoint }, host)
    const controller = new AbortController()
    const got = bucket.get('a', { signal: controller.signal })
    await request()
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(got).rejects.toBe(reason)
    await store.idle()
    expect(host.pendingTimers).toBe(0)
  })

  it('for a connection takes no time off a request, and follows the order of the requests', async () => {
    const host = fakeHost()
    const { answer, request } = waiting()
    await using store = await stubStore(answer)
    await using bucket = await startedS3({ endpoint: store.endpoint, concurrency: 1 }, host)
    const controller = new AbortController()
    const first = bucket.get('first', { signal })
    const given = bucket.get('given-up', { signal: controller.signal })
    const second = bucket.get('second', { signal })
    const [one, answerOne] = await request()
    expect(one.url).toContain('/first')
    s3Object('1')(one, answerOne)
    const body = await first
    await host.advance(300_000)
    controller.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    expect(store.requests).toHaveLength(1)
    await body?.bytes(1)
    const [two, answerTwo] = await request()
    expect(two.url).toContain('/second')
    s3Object('2')(two, answerTwo)
    expect(await (await second)?.bytes(1)).toEqual(new TextEncoder().encode('2'))
    expect(store.requests).toHaveLength(2)
  })

  it('leaves no listener on a signal that outlives the requests', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = EventTarget.prototype
    Object.assign(controller.signal, {
      addEventListener(...args: Parameters<typeof addEventListener>) {
        listeners++
        addEventListener.apply(controller.signal, args)
      },
      removeEventListener(...args: Parameters<typeof removeEventListener>) {
        listeners--
        removeEventListener.apply(controller.signal, args)
      },
    })
    await using store = await stubStore(s3Object('hello'))
    await using bucket = await startedS3({ endpoint: store.endpoint })
    for (let i = 0; i < 5; i++) await (await bucket.get('a', { signal: controller.signal }))?.bytes(5)
    expect(listeners).toBeLessThanOrEqual(0)
    expect(store.open).toBe(1)
  })

  it('uses as many connections as it may, and no more', async () => {
    const { answer, request } = waiting()
    await using store = await stubStore(answer)
    await using bucket = await startedS3({ endpoint: store.endpoint, concurrency: 3 })
    const bodies = Array.from({ length: 9 }, async (_, i) => await (await bucket.get(`${i}`, { signal }))?.bytes(2))
    let most = 0
    for (let i = 0; i < 9; i++) {
      const [req, res] = await request()
      most = Math.max(most, store.open)
      s3Object('ok')(req, res)
      await once(res, 'finish')
    }
    expect(await Promise.all(bodies)).toHaveLength(9)
    expect(most).toBe(3)
  })
})
