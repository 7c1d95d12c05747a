/** A bucket that takes its time. */
import { sleep } from '../async/signals.ts'
import { componentOf } from '../bucket/wrappers/component.ts'
import type { Bucket, Host } from '../contracts/host.ts'

/** `bucket`, each call of which begins `ms` of the host's time later; an abort meanwhile rejects with the signal's reason. */
export function delayed(bucket: Bucket, host: Host, ms: number): Bucket {
  const later = async <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> => {
    await sleep(host, ms, signal)
    return await call()
  }
  return {
    ...componentOf(bucket),
    list: (prefix, options) => later(options.signal, () => bucket.list(prefix, options)),
    get: (key, options) => later(options.signal, () => bucket.get(key, options)),
    put: (key, body, options) => later(options.signal, () => bucket.put(key, body, options)),
    delete: (key, options) => later(options.signal, () => bucket.delete(key, options)),
  }
}
