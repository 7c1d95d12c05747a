/** For those who write a cache. */
export { bytesOf, bytesOption } from '../contracts/check.ts'
export { CACHE_FAILED } from './entry-cache.ts'
export { Lru, type LruOptions } from './lru.ts'
export { memoryCache } from './memory.ts'
