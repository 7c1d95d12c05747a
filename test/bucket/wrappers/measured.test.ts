import { BucketError } from 'blockgate'
import { retried } from 'blockgate/bucket'
import { fakeHost, flaky, memoryBucket } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { type BucketMeter, measured } from '../../../src/bucket/wrappers/measured.ts'

const { signal } = new AbortController()
const busy = new BucketError('busy', { status: 503 })

function meter() {
  const log: string[] = []
  const made: BucketMeter = {
    request: (op, code, ms) => void log.push(`${op} ${code} ${ms}`),
    read: bytes => void log.push(`read ${bytes}`),
    written: bytes => void log.push(`written ${bytes}`),
  }
  return { log, meter: made }
}

async function filled() {
  const bucket = memoryBucket()
  await bucket.put('a', new Uint8Array(10), { signal })
  return bucket
}

describe('measured', () => {
  it('tells each request with its operation and code', async () => {
    const { log, meter: m } = meter()
    const bucket = measured(await filled(), fakeHost(), m)
    await bucket.list('', { signal })
    expect(await bucket.get('missing', { signal })).toBeUndefined()
    await bucket.put('b', new Uint8Array(3), { signal })
    await bucket.put('b', new Uint8Array(3), { if: 'absent', signal })
    await bucket.delete('b', { signal })
    expect(log).toEqual([
      'list ok 0',
      'get not-found 0',
      'written 3',
      'put ok 0',
      'written 3',
      'put conflict 0',
      'delete ok 0',
    ])
  })

  it('ends a get when its body was read, with the bytes and the time of the whole', async () => {
    const { log, meter: m } = meter()
    const host = fakeHost()
    const body = await measured(await filled(), host, m).get('a', { signal })
    await host.advance(40)
    expect(log).toEqual([])
    expect((await body?.bytes(100))?.length).toBe(10)
    expect(log).toEqual(['read 10', 'get ok 40'])
    await body?.[Symbol.asyncDispose]()
    expect(log).toHaveLength(2)
  })

  it('ends a get that nobody read, when it is let go', async () => {
    const { log, meter: m } = meter()
    const body = await measured(await filled(), fakeHost(), m).get('a', { signal })
    await body?.[Symbol.asyncDispose]()
    expect(log).toEqual(['read 0', 'get ok 0'])
  })

  it('charges a body that broke to its get', async () => {
    const { log, meter: m } = meter()
    const broken = flaky(await filled(), [{ op: 'get', fault: { bodyAfter: 4, error: new Error('reset') } }])
    const body = await measured(broken, fakeHost(), m).get('a', { signal })
    await expect(body?.bytes(100)).rejects.toThrow('reset')
    expect(log).toEqual(['read 4', 'get bucket-failed 0'])
  })

  it('tells the status of a failure, our code where there is none, and an abort as what it is', async () => {
    const { log, meter: m } = meter()
    const faults = [busy, new BucketError('no'), new Error('strange')].map((error, i) => ({
      op: 'list' as const,
      nth: i + 1,
      fault: { error },
    }))
    const bucket = measured(flaky(await filled(), faults), fakeHost(), m)
    for (const _ of faults) await expect(bucket.list('', { signal })).rejects.toThrow()
    const gone = AbortSignal.abort(new Error('enough'))
    await expect(bucket.get('a', { signal: gone }).then(body => body?.bytes(10))).rejects.toThrow('enough')
    expect(log.slice(0, 3)).toEqual(['list http-503 0', 'list bucket-failed 0', 'list bucket-failed 0'])
    expect(log.at(-1)).toBe('get aborted 0')
  })

  it('inside retried() counts every try', async () => {
    const { log, meter: m } = meter()
    const host = fakeHost()
    const bad = flaky(await filled(), [{ op: 'delete', nth: [1, 2], fault: { error: busy } }])
    const done = retried(measured(bad, host, m), host).delete('a', { signal })
    await host.advance(10_000)
    await done
    expect(log.map(line => line.replace(/ \d+$/, ''))).toEqual(['delete http-503', 'delete http-503', 'delete ok'])
  })
})
