/** Conformance tests of caches: whoever writes a ByteCache runs them. */
import { EntryCache } from '../cache/entry-cache.ts'
import type { ByteCache, CacheEntry } from '../contracts/cache.ts'
import type { Component, Services } from '../contracts/host.ts'
import { assert, assertEqual, leaveOut, made, type Runner } from './assert.ts'
import { services as defaultServices } from './blocks.ts'
import { type ComponentKitOptions, caseOf, componentCases, within } from './component.ts'

export interface CacheKitOptions extends ComponentKitOptions {
  /**
   * A new cache at every call, not started, with options that are right and nothing in it, and with room for 1 MiB at least. A cache
   * on a disk finds it by `services.files`: give `services` with an empty disk of its own at every call, and a host that is real.
   */
  readonly factory: () => ByteCache
  /** Caches with wrong options: check() must report each. Default: that case is left out, by name. */
  readonly invalid?: readonly (() => Component)[] | undefined
  /** Makes a cache that has no room for 64 MiB. Default: that case is left out, by name. */
  readonly small?: (() => ByteCache) | undefined
  /** Whether another cache of the factory has the values of one that was stopped, with the same services. Default false. */
  readonly persists?: boolean | undefined
  /** Damages all that the cache keeps. Default: that case is left out, by name. */
  readonly damage?: ((cache: ByteCache, services: Services) => Promise<void>) | undefined
}

const { signal } = new AbortController()
const MiB = 1024 ** 2

/**
 * Registers the cases with any runner that has `describe` and `it`.
 *
 * @example testCache({ describe, it }, { name: 'memory', factory: () => memoryCache() })
 */
export function testCache(runner: Runner, options: CacheKitOptions): void {
  const { name, factory, small, persists = false, damage } = options
  const it = caseOf(runner, options, () => made(factory, 'factory'))
  runner.describe(`${name} keeps the contract of a cache`, () => {
    componentCases(runner, {
      ...options,
      async use(cache) {
        await cache.put(entries(3))
        await cache.get(keysOf(entries(3)), signal)
      },
    })

    it('gives back what was put, byte for byte, in the order of the keys, and undefined for what was not', async cache => {
      const given = entries(40)
      await cache.put(given.slice(0, 20))
      await cache.put(given.slice(20))
      const keys = ['not/there:0', ...[...keysOf(given)].reverse(), 'not/there:1']
      const values = await cache.get(keys, signal)
      assertEqual(values, [undefined, ...given.map(({ value }) => value).reverse(), undefined], 'the values')
      assert((await cache.get([], signal)).length === 0, 'nothing for no keys')
      await cache.put([])
    })

    it('gives a value for each of equal keys, and keeps one that is put twice', async cache => {
      const given = entries(2)
      for (const _ of ['once', 'twice']) await cache.put(given)
      const [first, second] = keysOf(given) as [string, string]
      const values = await cache.get([first, second, first], signal)
      assertEqual(values, [given[0]?.value, given[1]?.value, given[0]?.value], 'the values')
    })

    it('takes gets and puts side by side, and mixes nothing up', async cache => {
      const given = entries(200)
      await Promise.all(
        given.map(async (entry, i) => {
          await cache.put([entry])
          const other = given[(i * 7) % given.length] as CacheEntry
          const [mine, theirs] = await cache.get([entry.key, other.key], signal)
          assertEqual(mine, entry.value, `the value of ${entry.key}`)
          assert(theirs === undefined || String(theirs) === String(other.value), `the value of ${other.key}, or none`)
        }),
      )
    })

    it('takes a value of 1 MiB, or leaves it', async cache => {
      const large = entryOf('large:0', MiB)
      await cache.put([large, ...entries(1)])
      const [value, beside] = await cache.get(['large:0', ...keysOf(entries(1))], signal)
      const isWhole = value?.length === large.value.length && value.every((byte, i) => byte === large.value[i])
      assert(value === undefined || isWhole, 'the value, or none')
      assertEqual(beside, entries(1)[0]?.value, 'the value beside it')
    })

    if (!small) leaveOut(runner, 'takes no more than its size', 'no `small` was given')
    else {
      caseOf(runner, options, () => made(small, 'small'))(
        'takes no more than its size, and says what went',
        async cache => {
          for (let i = 0; i < 64; i++) {
            await cache.put(Array.from({ length: 64 }, (_, j) => entryOf(`${i}/index:${j}`, MiB / 64)))
          }
          const keys = Array.from({ length: 64 * 64 }, (_, i) => `${Math.floor(i / 64)}/index:${i % 64}`)
          const kept = (await cache.get(keys, signal)).filter(value => value !== undefined)
          const expected = entryOf('', MiB / 64).value.length
          assert(
            kept.length > 0 && kept.length < keys.length,
            `some of ${keys.length} values: ${kept.length} are there`,
          )
          assert(
            kept.every(value => value.length === expected),
            'whole values',
          )
          const stats = cache.stats?.()
          if (!stats) return
          assert(stats.entries >= kept.length && stats.bytes < 64 * MiB, 'stats() to say what is kept')
          const gone = Object.values(stats.evictions).reduce((sum, count) => sum + count, 0)
          assert(gone > 0, 'stats() to count evictions')
        },
      )
    }

    const restart = 'has its values after a restart'
    if (!persists) leaveOut(runner, restart, '`persists` is not true')
    else {
      runner.it(restart, async () => {
        const services = options.services?.({ id: 'test-1', zone: undefined }) ?? defaultServices()
        const given = entries(50)
        const use = async (fn: (cache: ByteCache) => Promise<void>) => {
          const cache = made(factory, 'factory')
          await cache.start?.(services)
          try {
            await fn(cache)
          } finally {
            await within(services.host, cache.stop?.(signal) ?? Promise.resolve(), 'stop()')
          }
        }
        await use(async cache => void (await cache.put(given)))
        await use(async cache => {
          // It may find them in its own time.
          let values: readonly unknown[] = []
          for (let i = 0; i < 10_000; i++) {
            values = await cache.get(keysOf(given), signal)
            if (values.every(value => value !== undefined)) break
            await services.host.nextTurn()
          }
          assertEqual(
            values,
            given.map(({ value }) => value),
            'the values',
          )
        })
      })
    }

    const damaged = 'gives no query a value that was damaged'
    if (!damage) leaveOut(runner, damaged, 'no `damage` was given')
    else {
      it(damaged, async (cache, services) => {
        const queries = new EntryCache(cache, services.host)
        const given = entries(20)
        const keys = keysOf(given)
        for (const { key, kind, value } of given) queries.put(kind, [{ key, value }])
        for (let i = 0; i < 10_000; i++) {
          if ((await queries.get('series', keys, signal)).every(value => value !== undefined)) break
          await services.host.nextTurn()
        }
        await damage(cache, services)
        const values = await queries.get('series', keys, signal)
        for (const [i, value] of values.entries())
          assert(value === undefined || String(value) === String(given[i]?.value), `the value of ${keys[i]}, or none`)
        assert(
          values.some(value => value === undefined),
          'a damaged value to be missed',
        )
      })
    }
  })
}

/** Values of many sizes, with each byte in them. */
function entries(count: number): readonly CacheEntry[] {
  return Array.from({ length: count }, (_, i) =>
    entryOf(`01ARZ3NDEKTSV4RRFFQ69G5FAV/index:${i}`, 1 + ((i * 97) % 1000)),
  )
}

function entryOf(key: string, size: number): CacheEntry {
  const value = new Uint8Array(size)
  // Not Uint8Array.from(), which takes seconds for the 64 MiB of all.
  for (let i = 0; i < size; i++) value[i] = i * 31 + key.length * 7 + size
  return { key, kind: 'series', value }
}

function keysOf(given: readonly CacheEntry[]): readonly string[] {
  return given.map(({ key }) => key)
}
