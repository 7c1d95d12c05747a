/** A cache in this process' memory. */
import type { ByteCache } from '../contracts/cache.ts'
import { Lru } from './lru.ts'

/** What V8 takes for a slot of a map, the item, the typed array and its buffer, measured with a million values of 100 bytes. */
const OVERHEAD = 256

/** @param maxBytes of all values with their keys and what each takes beside: at least 1 */
export function memoryCache(maxBytes: number): ByteCache {
  const lru = new Lru<Uint8Array>({ maxBytes })
  return {
    kind: 'cache',
    name: 'memory',
    inProcess: true,
    get: keys => keys.map(key => lru.get(key)),
    put(entries) {
      for (const { key, kind, value } of entries) lru.set(key, value, value.length + key.length + OVERHEAD, kind)
    },
    stats: () => lru.stats,
    async stop() {
      lru.clear()
    },
  }
}
