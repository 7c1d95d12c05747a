/** Small objects, read whole. */
import { type Bucket, backoffMs, type Host, isTransient, type ObjectInfo, sleep } from 'blockgate'

/** The bucket's own tries end with the head of the answer: a body that breaks after it is asked for again here. */
const TRIES = 3
const BACKOFF = { base: 100, max: 5000 }

export interface Small {
  /** Of the version that was read. */
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
}

/**
 * Undefined where there is no such object.
 * @throws what the bucket threw, `body-too-large` for more than `limit` bytes, or the signal's reason
 */
export async function readSmall(
  { bucket, host, signal }: { readonly bucket: Bucket; readonly host: Host; readonly signal: AbortSignal },
  key: string,
  limit: number,
): Promise<Small | undefined> {
  for (let attempt = 1; ; attempt++) {
    await using body = await bucket.get(key, { signal })
    if (!body) return undefined
    try {
      return { info: body.info, bytes: await body.bytes(limit) }
    } catch (error) {
      if (signal.aborted || attempt === TRIES || !isTransient(error)) throw error
    }
    await sleep(host, backoffMs(host, BACKOFF, attempt), signal)
  }
}
