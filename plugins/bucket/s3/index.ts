/** Objects in S3, or in any store that speaks its protocol. Node and Deno. */
import { BlockgateError, type Bucket, durationMs, ErrorCode } from 'blockgate'
import { assertKey, prefixed } from 'blockgate/bucket'
import { openSession, type S3Session } from './client.ts'
import { getObject } from './get.ts'
import { identityOf } from './identity.ts'
import { listPage } from './list.ts'
import { problemsOf, type S3Options } from './options.ts'
import { Requests } from './requests.ts'
import { deleteObject, putObject } from './write.ts'

export type { S3Credentials, S3Options, S3Sender } from './options.ts'

/**
 * A bucket of S3. Keys are held to the strict rules of `keyProblem`. A request is sent once, for `retried()` tries again.
 * Errors are `bucket-failed` with the HTTP status and the request's id, `invalid-key`, and `unsupported` for a condition
 * that the store does not know.
 *
 * @example const bucket = s3({ bucket: 'metrics', endpoint: 'http://127.0.0.1:9000' })
 */
export function s3(options: S3Options): Bucket {
  return prefixed(wholeBucket(options), options?.prefix)
}

function wholeBucket(options: S3Options): Bucket {
  let session: S3Session | undefined
  let requests: Requests | undefined
  const ready = (key?: string): Requests => {
    if (key !== undefined) assertKey(key)
    if (!requests) throw new BlockgateError(ErrorCode.stageMisuse, 's3() must be started before it is used')
    return requests
  }
  return {
    name: 's3',
    identity: identityOf(options),
    options,
    check: () => problemsOf(options),
    async start({ host }) {
      const { bucket = '', endpoint, concurrency = 128 } = options
      session = await openSession(options, concurrency)
      const timeoutMs = durationMs(options.requestTimeout, '30s')
      const place = { bucket, endpoint, accessKeyId: options.credentials?.accessKeyId }
      requests = new Requests(session, host, { ...place, concurrency, timeoutMs })
    },
    list: async (prefix, list) => await listPage(ready(), prefix, { ...list, version: options.listVersion ?? 2 }),
    get: async (key, { range, signal }) => await getObject(ready(key), key, range, signal),
    put: async (key, body, { if: condition, signal }) =>
      await putObject(ready(key), key, body, { ...options, condition, signal }),
    delete: async (key, { signal }) => await deleteObject(ready(key), key, signal),
    async stop() {
      session?.close()
      session = undefined
      requests = undefined
    },
  }
}
