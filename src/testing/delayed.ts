/** A bucket that takes its time. */
import { sleep } from '../async/signals.ts'
import { wrapped } from '../bucket/wrappers/wrapped.ts'
import type { Bucket, Host } from '../contracts/host.ts'

/** `bucket`, each call of which begins `ms` of the host's time later; an abort meanwhile rejects with the signal's reason. */
export function delayed(bucket: Bucket, host: Host, ms: number): Bucket {
  return wrapped(bucket, async ({ signal }, make) => {
    await sleep(host, ms, signal)
    return await make()
  })
}
