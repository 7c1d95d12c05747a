// Whatever a cache does, a query has its bytes from the bucket instead.
import type { ByteCache, CacheEntry } from 'blockgate'
import { memoryCache } from 'blockgate/cache'
import { fakeHost, settle } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { EntryCache } from '../../src/cache/entry-cache.ts'

const { signal } = new AbortController()
const BYTES = Uint8Array.of(1, 2, 3)

/** A cache outside of this process that does what `get` and `put` do; what it was asked. */
function world(given: Partial<ByteCache> = {}) {
  const host = fakeHost()
  const asked: string[] = []
  const held = new Map<string, Uint8Array>()
  const cache: ByteCache = {
    kind: 'cache',
    name: 'scripted',
    get: async keys => keys.map(key => held.get(key)),
    put: async entries => {
      for (const { key, value } of entries) held.set(key, value)
    },
    ...given,
  }
  const get: ByteCache['get'] = (keys, signal) => {
    asked.push(keys.join())
    return cache.get(keys, signal)
  }
  const entries = new EntryCache({ ...cache, get }, host)
  const found = (...keys: string[]) => entries.get('series', keys, signal)
  const warnings = () => host.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  return { host, asked, held, entries, found, warnings }
}

describe('a cache of queries', () => {
  it('gives what was put, and counts by kind', async () => {
    const { entries, found } = world()
    entries.put('series', [{ key: 'a', value: BYTES }])
    expect(await found('a', 'b')).toEqual([BYTES, undefined])
    await entries.get('chunk', ['b'], signal)
    expect(entries.counts).toEqual({
      postings: { hits: 0, misses: 0, hitBytes: 0 },
      series: { hits: 1, misses: 1, hitBytes: 3 },
      chunk: { hits: 0, misses: 1, hitBytes: 0 },
    })
  })

  it('keeps a copy: what was read is a view into much more, and may be changed', async () => {
    const host = fakeHost()
    const entries = new EntryCache(memoryCache(10_000), host)
    const large = new Uint8Array(1000).fill(7)
    entries.put('chunk', [{ key: 'a', value: large.subarray(0, 3) }])
    large.fill(0)
    const [kept] = await entries.get('chunk', ['a'], signal)
    expect([kept, kept?.buffer.byteLength]).toEqual([Uint8Array.of(7, 7, 7), 3])
  })

  it("takes a value that was damaged, or that is another key's, for a miss", async () => {
    const { entries, held, found } = world()
    entries.put('series', [
      { key: 'a', value: BYTES },
      { key: 'b', value: BYTES },
    ])
    held.set('b', held.get('a') as Uint8Array)
    const damaged = (held.get('a') as Uint8Array).slice()
    damaged[damaged.length - 1] = 9
    held.set('a', damaged)
    held.set('c', new Uint8Array(0))
    expect(await found('a', 'b', 'c')).toEqual([undefined, undefined, undefined])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('boom')
      },
    ],
    ['rejects', () => Promise.reject(new Error('boom'))],
    ['gives too few', () => []],
    ['gives no list', () => 'values' as never],
    ['gives texts', (keys: readonly string[]) => keys as never],
  ])('is a miss where it %s', async (_, get) => {
    const { found } = world({ get })
    expect(await found('a', 'b')).toEqual([undefined, undefined])
  })

  it('waits a quarter of a second for an answer', async () => {
    const { host, found } = world({ get: () => new Promise(() => {}) })
    let answer: unknown
    void found('a').then(values => {
      answer = values
    })
    await host.advance(250)
    expect(answer).toBeUndefined()
    await host.advance(1)
    expect(answer).toEqual([undefined])
    expect(host.pendingTimers).toBe(0)
  })

  it('is left alone for five seconds after three failures, then asked once, and the log says so once', async () => {
    let works = false
    const get: ByteCache['get'] = async keys => {
      if (!works) throw new Error('away')
      return keys.map(() => undefined)
    }
    const { host, asked, entries, found, warnings } = world({ get })
    for (let i = 0; i < 3; i++) await found(`${i}`)
    expect([await found('paused'), asked]).toEqual([[undefined], ['0', '1', '2']])
    expect(warnings()).toEqual(['the cache fails: queries read from the bucket, and it is tried again every 5 s'])
    expect(entries.failures).toBe(3)
    await host.advance(5_000)
    await found('tries')
    await found('paused again')
    expect(asked).toEqual(['0', '1', '2', 'tries'])
    works = true
    await host.advance(5_000)
    await Promise.all([found('works'), found('works, too')])
    expect(asked.slice(4)).toEqual(['works'])
    await found('as before')
    expect(asked.slice(5)).toEqual(['as before'])
    expect(warnings()).toHaveLength(1)
    expect(host.lines.at(-1)).toMatchObject({ level: 'info', message: 'the cache answers again' })
  })

  it('counts only failures behind one another', async () => {
    let calls = 0
    const get: ByteCache['get'] = keys => {
      if (calls++ % 3 < 2) throw new Error('away')
      return keys.map(() => undefined)
    }
    const { asked, found, warnings } = world({ get })
    for (let i = 0; i < 9; i++) await found('a')
    expect([asked.length, warnings()]).toEqual([9, []])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('full')
      },
    ],
    ['rejects', () => Promise.reject(new Error('full'))],
  ])('may fail to keep a value: one that %s', async (_, put) => {
    const { entries, warnings } = world({ put })
    for (let i = 0; i < 3; i++) entries.put('chunk', [{ key: 'a', value: BYTES }])
    await settle()
    expect([entries.failures, warnings().length]).toEqual([3, 1])
  })

  it('lets values go while much is on its way into it', async () => {
    const puts: CacheEntry[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const put: ByteCache['put'] = entries => {
      puts.push(...entries)
      return promise
    }
    const { entries } = world({ put, inProcess: true })
    const value = new Uint8Array(12 * 1024 ** 2)
    for (const key of 'abcde') entries.put('chunk', [{ key, value }])
    expect(puts.map(({ key }) => key).join('')).toBe('abc')
    resolve()
    await settle()
    entries.put('chunk', [{ key: 'f', value }])
    expect(puts.map(({ key }) => key).join('')).toBe('abcf')
  })

  it('ends with its query', async () => {
    const { entries, warnings } = world({ get: () => new Promise(() => {}) })
    const query = new AbortController()
    const answer = entries.get('series', ['a'], query.signal)
    query.abort(new Error('the client is gone'))
    await expect(answer).rejects.toThrow('the client is gone')
    expect([entries.failures, warnings()]).toEqual([0, []])
  })

  it('is not asked while it starts, for good where it cannot, nor after its stop', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { asked, entries, found } = world({ start: () => promise })
    const starting = entries.start({ files: undefined, instance: { id: 'a', zone: undefined } }, signal)
    await found('early')
    resolve()
    await starting
    await found('in time')
    await entries.stop(signal)
    await found('late')
    expect(asked).toEqual(['in time'])
    const broken = world({ start: () => Promise.reject(new Error('no disk')) })
    await broken.entries.start({ files: undefined, instance: { id: 'a', zone: undefined } }, signal)
    await broken.found('never')
    expect([broken.asked, broken.warnings()]).toEqual([
      [],
      ['the cache cannot start: queries read everything from the bucket'],
    ])
  })
})
