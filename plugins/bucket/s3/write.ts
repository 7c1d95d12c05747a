/** Puts, with and without a condition, and deletes. */
import { BlockgateError, ErrorCode, type RequestOptions } from 'blockgate'
import { S3Error } from './errors.ts'
import type { S3Options } from './options.ts'
import type { Requests } from './requests.ts'

export type Condition = 'absent' | { readonly etag: string } | undefined

export async function putObject(
  requests: Requests,
  key: string,
  body: Uint8Array,
  condition: Condition,
  request: RequestOptions,
): Promise<'stored' | 'conflict'> {
  const { options } = requests
  const input = { Bucket: options.bucket, Key: key, Body: body, ...headers(condition, options) }
  try {
    const call = { method: 'PutObject', key, what: `cannot write object "${key}"`, ...request }
    await requests.send(call, sdk => new sdk.PutObjectCommand(input))
    return 'stored'
  } catch (error) {
    if (condition === undefined || !(error instanceof S3Error)) throw error
    if (isConflict(error, condition, options)) return 'conflict'
    if (error.status !== 501) throw error
    throw new BlockgateError(ErrorCode.unsupported, `the store has no conditional puts: ${error.rawMessage}`)
  }
}

export async function deleteObject(requests: Requests, key: string, request: RequestOptions): Promise<void> {
  const input = { Bucket: requests.options.bucket, Key: key }
  try {
    const call = { method: 'DeleteObject', key, what: `cannot delete object "${key}"`, ...request }
    await requests.send(call, sdk => new sdk.DeleteObjectCommand(input))
  } catch (error) {
    if (!(error instanceof S3Error && error.s3Code === 'NoSuchKey')) throw error
  }
}

function headers(condition: Condition, { unquotedIfMatch }: S3Options): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {}
  if (condition === 'absent') return { IfNoneMatch: '*' }
  return { IfMatch: unquotedIfMatch ? condition.etag : `"${condition.etag}"` }
}

/** 409 is a writer beside us that was first; an etag of an object that is missing is a 404 (S3, "Conditional writes"). */
function isConflict({ status, s3Code }: S3Error, condition: Condition, { racedPutCode }: S3Options): boolean {
  if (status === 412 || s3Code === 'ConditionalRequestConflict') return true
  if (s3Code !== undefined && s3Code === racedPutCode) return true
  return typeof condition === 'object' && s3Code === 'NoSuchKey'
}
