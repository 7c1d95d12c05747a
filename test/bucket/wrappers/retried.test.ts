import { BlockgateError, BucketError, codeOf } from 'blockgate'
import { retried } from 'blockgate/bucket'
import { type Fault, type FlakyRule, fakeHost, flaky, memoryBucket, services, testBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const text = (s: string) => new TextEncoder().encode(s)
const busy = () => new BucketError('the store is busy', { status: 503 })

testBucket(
  { describe, it },
  { name: 'retried memory', factory: () => ({ bucket: retried(memoryBucket(), fakeHost()) }) },
)

function make(plan: readonly FlakyRule[]) {
  const host = fakeHost()
  const inner = flaky(memoryBucket(), plan)
  return { host, inner, bucket: retried(inner, host) }
}

/** The error of a call, once the host's time has passed; undefined where it succeeded. */
async function errorOf(host: ReturnType<typeof fakeHost>, call: Promise<unknown>): Promise<unknown> {
  const settled = call.then(
    () => undefined,
    (error: unknown) => error,
  )
  await host.advance(600_000)
  return await settled
}

describe('retried()', () => {
  for (const op of ['list', 'get', 'put', 'delete'] as const) {
    it(`makes a failed ${op} again`, async () => {
      const { host, inner, bucket } = make([{ op, nth: [1, 2], fault: { error: busy() } }])
      const call = {
        list: () => bucket.list('a', { signal }),
        get: () => bucket.get('a', { signal }),
        put: () => bucket.put('a', text('x'), { signal }),
        delete: () => bucket.delete('a', { signal }),
      }[op]
      expect(await errorOf(host, call())).toBeUndefined()
      expect(inner.calls).toEqual([`${op} a`, `${op} a`, `${op} a`])
    })
  }

  it('gives up after four tries, with the last error', async () => {
    const errors = [busy(), busy(), busy(), busy()]
    const { host, inner, bucket } = make(errors.map((error, i) => ({ op: 'get', nth: i + 1, fault: { error } })))
    expect(await errorOf(host, bucket.get('a', { signal }))).toBe(errors[3])
    expect(inner.calls.length).toBe(4)
  })

  it('waits longer before each try, half of it by chance, on the timers of the host', async () => {
    const { host, inner, bucket } = make([{ op: 'get', fault: { error: busy() } }])
    const began: number[] = []
    let seen = 0
    const done = bucket.get('a', { signal }).catch(() => {})
    for (let ms = 0; ms <= 1000; ms++) {
      await host.advance(ms === 0 ? 0 : 1)
      for (; seen < inner.calls.length; seen++) began.push(ms)
    }
    await done
    const waits = began.slice(1).map((at, i) => at - (began[i] ?? 0))
    expect(waits.length).toBe(3)
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(50 * 2 ** i)
      expect(wait).toBeLessThanOrEqual(100 * 2 ** i + 1)
    }
  })

  const permanent: readonly (readonly [string, unknown])[] = [
    ['a 403', new BucketError('forbidden', { status: 403 })],
    ['a 501', new BucketError('not implemented', { status: 501 })],
    ['an invalid key', new BlockgateError('invalid-key', 'bad')],
    ['a bucket error that says it is not retryable', new BucketError('no', { status: 503, retryable: false })],
    ['any other thrown value', new TypeError('bug')],
  ]
  for (const [name, error] of permanent) {
    it(`hands on ${name} at once`, async () => {
      const { host, inner, bucket } = make([{ op: 'get', fault: { error } }])
      await expect(bucket.get('a', { signal })).rejects.toBe(error)
      expect([inner.calls.length, host.pendingTimers]).toEqual([1, 0])
    })
  }

  const transient: readonly (readonly [string, unknown])[] = [
    ['a 429', new BucketError('slow down', { status: 429 })],
    ['a 500', new BucketError('internal', { status: 500 })],
    ['a reset as the cause', new BucketError('broken', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) })],
    [
      "a foreign error whose cause's cause is a reset",
      new Error('fetch failed', { cause: new Error('x', { cause: { code: 'UND_ERR_SOCKET' } }) }),
    ],
    ['a bucket error that says it is retryable', new BucketError('odd', { status: 400, retryable: true })],
  ]
  for (const [name, error] of transient) {
    it(`tries again after ${name}`, async () => {
      const { host, inner, bucket } = make([{ op: 'get', nth: 1, fault: { error } }])
      expect(await errorOf(host, bucket.get('a', { signal }))).toBeUndefined()
      expect(inner.calls.length).toBe(2)
    })
  }

  it('waits as long as the store asked for', async () => {
    const error = new BucketError('slow down', { status: 429, retryAfterMs: 7000 })
    const { host, inner, bucket } = make([{ op: 'get', nth: 1, fault: { error } }])
    const call = bucket.get('a', { signal })
    await host.advance(6999)
    expect(inner.calls.length).toBe(1)
    await host.advance(1)
    await call
    expect(inner.calls.length).toBe(2)
  })

  it('hands on the error of a store that asks for more than a minute', async () => {
    const error = new BucketError('slow down', { status: 429, retryAfterMs: 60_001 })
    const { inner, bucket } = make([{ op: 'get', fault: { error } }])
    await expect(bucket.get('a', { signal })).rejects.toBe(error)
    expect(inner.calls.length).toBe(1)
  })

  it('rejects at once with the reason when the signal aborts during the pause, and tries no more', async () => {
    const { host, inner, bucket } = make([{ op: 'get', fault: { error: busy() } }])
    const controller = new AbortController()
    const call = bucket.get('a', { signal: controller.signal })
    const rejected = expect(call).rejects.toThrow('enough')
    await host.advance(1)
    expect(host.pendingTimers).toBe(1)
    controller.abort(new Error('enough'))
    await rejected
    await host.advance(600_000)
    expect([inner.calls.length, host.pendingTimers]).toEqual([1, 0])
  })

  it('gives the reason of the signal for a call that an abort made fail', async () => {
    const controller = new AbortController()
    const host = fakeHost()
    const inner = flaky(memoryBucket(), [])
    const aborting = {
      ...inner,
      async get() {
        controller.abort(new Error('enough'))
        throw new TypeError('the client broke off')
      },
    }
    await expect(retried(aborting, host).get('a', { signal: controller.signal })).rejects.toThrow('enough')
    expect(host.pendingTimers).toBe(0)
  })

  it('does not resume a body that breaks midway', async () => {
    const { inner, bucket } = make([{ op: 'get', fault: { bodyAfter: 1, error: busy() } }])
    await bucket.put('a', text('xyz'), { signal })
    await expect((await bucket.get('a', { signal }))?.bytes(3)).rejects.toThrow('busy')
    expect(inner.calls).toEqual(['put a', 'get a'])
  })
})

describe('a conditional put behind retried()', () => {
  async function putAbsent(fault: Fault) {
    const { host, inner, bucket } = make([{ op: 'put', nth: 1, fault }])
    const answer = bucket.put('lock', text('me'), { if: 'absent', signal })
    const settled = answer.then(
      value => value,
      (error: unknown) => error,
    )
    await host.advance(600_000)
    return { inner, result: await settled }
  }

  it('is stored by a later try when the first one did nothing', async () => {
    expect((await putAbsent({ error: busy() })).result).toBe('stored')
  })

  it('rejects with bucket-failed when its own lost answer may be the cause of the conflict', async () => {
    const { inner, result } = await putAbsent({ errorAfter: busy() })
    expect(codeOf(result)).toBe('bucket-failed')
    expect(String(result)).toContain('object "lock" must be read again')
    expect((result as BucketError).retryable).toBe(false)
    expect(await (await inner.get('lock', { signal }))?.bytes(2)).toEqual(text('me'))
  })

  it('is a conflict when every earlier try was refused with 429', async () => {
    const host = fakeHost()
    const inner = flaky(memoryBucket(), [
      { op: 'put', nth: 2, fault: { error: new BucketError('slow', { status: 429 }) } },
    ])
    await inner.put('lock', text('other'), { signal })
    const answer = retried(inner, host).put('lock', text('me'), { if: 'absent', signal })
    await host.advance(600_000)
    expect(await answer).toBe('conflict')
  })

  it('is a conflict without any retry when the first answer says so', async () => {
    const { inner, bucket } = make([])
    await inner.put('lock', text('other'), { signal })
    expect(await bucket.put('lock', text('me'), { if: 'absent', signal })).toBe('conflict')
  })
})

describe('the component part of retried()', () => {
  it('is the part of the bucket inside', async () => {
    const log: string[] = []
    const inner = {
      ...memoryBucket(),
      name: 'mine',
      check: () => [{ path: 'x', must: 'be', value: 1 }],
      start: async () => void log.push('start'),
      stop: async () => void log.push('stop'),
    }
    const bucket = retried(inner, fakeHost())
    await bucket.start?.(services())
    await bucket.stop?.(signal)
    expect([bucket.name, bucket.check?.(), log]).toEqual([
      'mine',
      [{ path: 'x', must: 'be', value: 1 }],
      ['start', 'stop'],
    ])
  })
})
