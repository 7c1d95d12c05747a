import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { S3Options } from 'blockgate/plugins/bucket/s3'
import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { onBothPaths, startedS3 } from '../../support/started-s3.ts'
import { s3Failure, s3Object, stubStore } from '../../support/stub-store.ts'

const { signal } = new AbortController()

/** A bucket on a store that answers nothing: the test takes each request, and answers it. */
async function world(options: Partial<S3Options> = {}) {
  const waiting: [IncomingMessage, ServerResponse][] = []
  let arrived = Promise.withResolvers<void>()
  const store = await stubStore((request, response) => {
    waiting.push([request, response])
    arrived.resolve()
  })
  const host = fakeHost()
  const bucket = await startedS3({ endpoint: store.endpoint, ...options }, host)
  return {
    store,
    host,
    bucket,
    async request(): Promise<[IncomingMessage, ServerResponse]> {
      for (;;) {
        const first = waiting.shift()
        if (first) return first
        await arrived.promise
        arrived = Promise.withResolvers()
      }
    },
    /** No connection is open, no timer set; and there was one. */
    async idle() {
      await store.idle()
      expect([host.pendingTimers, store.connections]).toEqual([0, 1])
    },
    async [Symbol.asyncDispose]() {
      await bucket[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

onBothPaths(() => {
  describe('waiting for the store', () => {
    it('ends after requestTimeout, and the request may be tried again', async () => {
      await using w = await world({ requestTimeout: '5s' })
      const page = w.bucket.list('a', { signal }).catch((error: unknown) => error)
      await w.request()
      await w.host.advance(4999)
      expect(w.store.open).toBe(1)
      await w.host.advance(1)
      expect(await page).toMatchObject({
        rawMessage: 'cannot list prefix "a": timed out after 5 s (option requestTimeout)',
        retryable: true,
      })
      await w.idle()
    })

    it('ends also in the middle of a body, counted from its last bytes', async () => {
      await using w = await world()
      const got = w.bucket.get('a', { signal })
      const [, response] = await w.request()
      response.writeHead(200, { 'content-length': '10', etag: '"e"', 'last-modified': new Date(0).toUTCString() })
      response.write('hello')
      const reader = (await got)?.stream.getReader()
      expect(await reader?.read()).toMatchObject({ done: false, value: new TextEncoder().encode('hello') })
      await w.host.advance(100_000) // nobody reads: nothing runs
      const next = reader?.read().catch((error: unknown) => error)
      await w.host.advance(30_000)
      expect(await next).toMatchObject({ code: 'bucket-failed', retryable: true })
      await w.idle()
    })

    it('ends at once when the signal aborts, with its reason', async () => {
      await using w = await world()
      const controller = new AbortController()
      const got = w.bucket.get('a', { signal: controller.signal })
      await w.request()
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(got).rejects.toBe(reason)
      await w.idle()
    })

    it('for a connection takes no time off a request, and follows the order of the requests', async () => {
      await using w = await world({ concurrency: 1 })
      const controller = new AbortController()
      const first = w.bucket.get('first', { signal })
      const given = w.bucket.get('given-up', { signal: controller.signal })
      const second = w.bucket.get('second', { signal })
      const [one, answerOne] = await w.request()
      expect(one.url).toContain('/first')
      s3Object('1')(one, answerOne)
      const body = await first
      await w.host.advance(300_000)
      controller.abort(new Error('enough'))
      await expect(given).rejects.toThrow('enough')
      expect(w.store.requests).toHaveLength(1)
      await body?.bytes(1)
      const [two, answerTwo] = await w.request()
      expect(two.url).toContain('/second')
      s3Object('2')(two, answerTwo)
      expect(await (await second)?.bytes(1)).toEqual(new TextEncoder().encode('2'))
      expect(w.store.requests).toHaveLength(2)
    })

    it('sends nothing more while the store wants a pause, and fewer at once afterwards', async () => {
      await using w = await world({ concurrency: 10 })
      const refused = w.bucket.get('a', { signal }).catch((error: unknown) => error)
      s3Failure(503, 'SlowDown', { headers: { 'retry-after': '2' } })(...(await w.request()))
      expect(await refused).toMatchObject({ status: 503, retryAfterMs: 2000 })
      expect(w.bucket.limit?.()).toBe(8)
      const next = w.bucket.get('b', { signal })
      await w.host.advance(1999)
      expect(w.store.requests).toHaveLength(1)
      await w.host.advance(1)
      s3Object('hello')(...(await w.request()))
      expect(await (await next)?.bytes(5)).toHaveLength(5)
    })

    it('leaves no listener on a signal that outlives the requests', async () => {
      const controller = new AbortController()
      const listening = new Set<unknown>()
      Object.assign(controller.signal, {
        addEventListener: (_: string, listener: unknown) => void listening.add(listener),
        removeEventListener: (_: string, listener: unknown) => void listening.delete(listener),
      })
      await using w = await world()
      for (let i = 0; i < 5; i++) {
        const got = w.bucket.get('a', { signal: controller.signal })
        s3Object('hello')(...(await w.request()))
        expect(listening.size).toBeGreaterThan(0)
        await (await got)?.bytes(5)
      }
      expect([listening.size, w.store.open]).toEqual([0, 1])
    })

    it('uses as many connections as it may, and no more', async () => {
      await using w = await world({ concurrency: 3 })
      const bodies = Array.from({ length: 9 }, async (_, i) => await (await w.bucket.get(`${i}`, { signal }))?.bytes(2))
      let most = 0
      for (let i = 0; i < 9; i++) {
        const [request, response] = await w.request()
        most = Math.max(most, w.store.open)
        s3Object('ok')(request, response)
        await once(response, 'finish')
      }
      expect(await Promise.all(bodies)).toHaveLength(9)
      expect(most).toBe(3)
    })
  })
})
