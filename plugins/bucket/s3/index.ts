/** Objects in S3, or in any store that speaks its protocol. Node and Deno. */
import { BlockgateError, type Bucket, ErrorCode } from 'blockgate'
import { assertKey, prefixed } from 'blockgate/bucket'
import { openSession } from './client.ts'
import { getObject } from './get.ts'
import { listPage } from './list.ts'
import { concurrencyOf, identityOf, problemsOf, type S3Options } from './options.ts'
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
      requests = new Requests(await openSession(options, host), host, options)
    },
    list: async (prefix, list) => await listPage(ready(), prefix, list),
    get: async (key, { range, ...options }) => await getObject(ready(key), key, range, options),
    put: async (key, body, { if: condition, ...options }) => await putObject(ready(key), key, body, condition, options),
    delete: async (key, options) => await deleteObject(ready(key), key, options),
    limit: () => requests?.limit ?? concurrencyOf(options ?? {}).start,
    async stop() {
      requests?.close()
      requests = undefined
    },
  }
}
