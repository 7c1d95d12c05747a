import { BlockgateError, BucketError, codeOf } from 'blockgate'
import { retried } from 'blockgate/bucket'
import { type FlakyRule, fakeHost, flaky, memoryBucket, services, testBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const text = (s: string) => new TextEncoder().encode(s)
const busy = () => new BucketError('the store is busy', { status: 503 })

testBucket(
  { describe, it },
  { name: 'retried memory', factory: () => ({ bucket: retried(memoryBucket(), fakeHost()) }) },
)

function make(plan: readonly FlakyRule[], held = memoryBucket()) {
  const host = fakeHost()
  const inner = flaky(held, plan)
  /** What `call` gives, or throws, once all pauses are over. */
  const ended = async (call: Promise<unknown>) => {
    const settled = call.catch((error: unknown) => error)
    await host.advance(600_000)
    return await settled
  }
  return { host, inner, bucket: retried(inner, host), ended }
}

const withCode = (code: string) => Object.assign(new Error(code), { code })

describe('retried()', () => {
  it.each(['list', 'get', 'put', 'delete'] as const)('makes a failed %s again', async op => {
    const { inner, bucket, ended } = make([{ op, nth: [1, 2], fault: { error: busy() } }])
    const call = {
      list: () => bucket.list('a', { signal }),
      get: () => bucket.get('a', { signal }),
      put: () => bucket.put('a', text('x'), { signal }),
      delete: () => bucket.delete('a', { signal }),
    }[op]
    expect(await ended(call())).not.toBeInstanceOf(Error)
    expect(inner.calls).toEqual([`${op} a`, `${op} a`, `${op} a`])
  })

  it('gives up after four tries, with the last error', async () => {
    const errors = [busy(), busy(), busy(), busy()]
    const { inner, bucket, ended } = make(errors.map((error, i) => ({ op: 'get', nth: i + 1, fault: { error } })))
    expect(await ended(bucket.get('a', { signal }))).toBe(errors[3])
    expect(inner.calls).toHaveLength(4)
  })

  it.each([
    [0, 50, 100],
    [0.999, 100, 200],
  ])(
    'waits longer before each try, half of it by chance: with the chance %d first %d ms, then %d',
    async (chance, first, second) => {
      const host = { ...fakeHost(), random: () => chance }
      const inner = flaky(memoryBucket(), [{ op: 'get', fault: { error: busy() } }])
      const call = retried(inner, host).get('a', { signal })
      call.catch(() => {})
      for (const wait of [first, second, 2 * second]) {
        const { length } = inner.calls
        await host.advance(wait - 1)
        expect(inner.calls).toHaveLength(length || 1)
        await host.advance(1)
      }
      expect(inner.calls).toHaveLength(4)
      await expect(call).rejects.toThrow('busy')
    },
  )

  it.each<[string, number, unknown]>([
    ['a 403', 1, new BucketError('forbidden', { status: 403 })],
    ['a 501', 1, new BucketError('not implemented', { status: 501 })],
    ['an invalid key', 1, new BlockgateError('invalid-key', 'bad')],
    ['a bucket error that says it is not retryable', 1, new BucketError('no', { status: 503, retryable: false })],
    ['any other thrown value', 1, new TypeError('bug')],
    ['a pause of more than a minute', 1, new BucketError('slow down', { status: 429, retryAfterMs: 60_001 })],
    ['a 429', 2, new BucketError('slow down', { status: 429 })],
    ['a 500', 2, new BucketError('internal', { status: 500 })],
    ['a bucket error that says it is retryable', 2, new BucketError('odd', { status: 400, retryable: true })],
    ['a reset as the cause', 2, new BucketError('broken', { cause: withCode('ECONNRESET') })],
    [
      'one deeper in a foreign error',
      2,
      new Error('x', { cause: new Error('y', { cause: withCode('UND_ERR_SOCKET') }) }),
    ],
  ])('after %s makes %d calls in all', async (_, calls, error) => {
    const { host, inner, bucket, ended } = make([{ op: 'get', nth: 1, fault: { error } }])
    expect(await ended(bucket.get('a', { signal }))).toBe(calls === 1 ? error : undefined)
    expect([inner.calls.length, host.pendingTimers]).toEqual([calls, 0])
  })

  it('waits as long as the store asked for', async () => {
    const error = new BucketError('slow down', { status: 429, retryAfterMs: 7000 })
    const { host, inner, bucket } = make([{ op: 'get', nth: 1, fault: { error } }])
    const call = bucket.get('a', { signal })
    await host.advance(6999)
    expect(inner.calls).toHaveLength(1)
    await host.advance(1)
    await call
    expect(inner.calls).toHaveLength(2)
  })

  it('rejects at once with the reason when the signal aborts during the pause, and tries no more', async () => {
    const { host, inner, bucket, ended } = make([{ op: 'get', fault: { error: busy() } }])
    const controller = new AbortController()
    const call = bucket.get('a', { signal: controller.signal })
    const rejected = expect(call).rejects.toThrow('enough')
    await host.advance(1)
    expect(host.pendingTimers).toBe(1)
    controller.abort(new Error('enough'))
    await rejected
    await ended(call)
    expect([inner.calls.length, host.pendingTimers]).toEqual([1, 0])
  })

  it('gives the reason of the signal for a call that an abort made fail', async () => {
    const controller = new AbortController()
    const { host, inner } = make([])
    const get = async () => {
      controller.abort(new Error('enough'))
      throw new TypeError('the client broke off')
    }
    await expect(retried({ ...inner, get }, host).get('a', { signal: controller.signal })).rejects.toThrow('enough')
    expect(host.pendingTimers).toBe(0)
  })

  it('does not resume a body that breaks midway', async () => {
    const { inner, bucket } = make([{ op: 'get', fault: { bodyAfter: 1, error: busy() } }])
    await bucket.put('a', text('xyz'), { signal })
    await expect((await bucket.get('a', { signal }))?.bytes(3)).rejects.toThrow('busy')
    expect(inner.calls).toEqual(['put a', 'get a'])
  })

  it('passes on the component part of the bucket inside', async () => {
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
    expect([bucket.name, bucket.check?.(), log]).toEqual(['mine', inner.check(), ['start', 'stop']])
  })
})

describe('a conditional put behind retried()', () => {
  const slow = new BucketError('slow', { status: 429 })

  it.each<[string, FlakyRule[], string]>([
    [
      'is stored by a later try when the first one did nothing',
      [{ op: 'put', fault: { error: busy() }, nth: 1 }],
      'stored',
    ],
    ['is a conflict when the first answer says so', [], 'conflict'],
    [
      'is a conflict when every earlier try was refused with 429',
      [{ op: 'put', nth: [1, 2], fault: { error: slow } }],
      'conflict',
    ],
  ])('%s', async (_, plan, result) => {
    const held = memoryBucket()
    if (result === 'conflict') await held.put('lock', text('other'), { signal })
    const { bucket, ended } = make(plan, held)
    expect(await ended(bucket.put('lock', text('me'), { if: 'absent', signal }))).toBe(result)
  })

  it('rejects with bucket-failed when its own lost answer may be the cause of the conflict', async () => {
    const plan = [
      { op: 'put', nth: 1, fault: { errorAfter: busy() } },
      { op: 'put', nth: 2, fault: { error: slow } },
    ] as const
    const { inner, bucket, ended } = make(plan)
    const result = await ended(bucket.put('lock', text('me'), { if: 'absent', signal }))
    expect(codeOf(result)).toBe('bucket-failed')
    expect(result).toMatchObject({ retryable: false, message: expect.stringContaining('"lock" must be read again') })
    expect(await (await inner.get('lock', { signal }))?.bytes(2)).toEqual(text('me'))
  })
})
