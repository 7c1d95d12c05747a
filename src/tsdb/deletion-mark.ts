/** `<ulid>/deletion-mark.json`, as https://github.com/thanos-io/thanos `pkg/block/metadata/markers.go` writes it. */
import * as v from 'valibot'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import { instant } from '../contracts/instant.ts'
import { complaint, object, ulid } from './go-json.ts'
import { parseJson } from './untrusted-json.ts'

/**
 * `deletion_time` in ms since the epoch. Whether it has been is another question: see `futureMark`.
 *
 * @throws BlockgateError `corrupt-block` where it is not JSON, not version 1, not in seconds, or the mark of another block
 */
export function parseDeletionMark(bytes: Uint8Array, expect: BlockId): number {
  const result = v.safeParse(schema, json(bytes), { abortEarly: true, abortPipeEarly: true })
  if (!result.success) {
    const [{ path = [], message, input }] = result.issues
    throw bad(complaint(FILE, path.map(item => item.key).join('.'), message, input))
  }
  const { id, deletion_time: seconds } = result.output
  if (id !== expect) throw bad(complaint(FILE, 'id', `be its folder ${expect}`, id))
  if (seconds > LATEST) throw bad(complaint(FILE, 'deletion_time', 'be in seconds', seconds))
  return seconds * 1000
}

/** What is wrong about a mark that was made at `time`, in ms: a compactor that marks a block does it now. */
export function futureMark(time: number, now: number): string | undefined {
  if (time <= now + SKEW) return undefined
  return complaint(FILE, 'deletion_time', `not be in the future (${instant(time)})`, time / 1000)
}

const FILE = 'deletion-mark.json'
/** No clock is so wrong. */
const SKEW = 24 * 3_600_000
/** The year 5138: what is later was not written in seconds. */
const LATEST = 100_000_000_000

// A time of 0 is Go's word for one that is not set.
const schema = object({
  id: ulid,
  version: v.literal(1, 'be 1'),
  deletion_time: v.pipe(v.number('be a number'), v.integer('be an integer'), v.minValue(1, 'be >= 1')),
})

function json(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes)
  } catch (cause) {
    throw bad(`${FILE}: must be JSON: ${rawMessageOf(cause)}`, cause)
  }
}

function bad(message: string, cause?: unknown): BlockgateError {
  return new BlockgateError(ErrorCode.corruptBlock, message, { cause })
}
