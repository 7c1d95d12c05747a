/** `<ulid>/deletion-mark.json`, as https://github.com/thanos-io/thanos `pkg/block/metadata/markers.go` writes it. */

import { BlockgateError, type BlockId, ErrorCode } from 'blockgate'
import * as v from 'valibot'

/**
 * `deletion_time` in ms since the epoch.
 *
 * @throws BlockgateError `corrupt-block` where it is not JSON, not version 1, or the mark of another block
 */
export function parseDeletionMark(bytes: Uint8Array, expect: BlockId): number {
  const result = v.safeParse(schema, parseJson(bytes), { abortEarly: true })
  if (!result.success) {
    const [issue] = result.issues
    throw bad(`${(issue.path ?? []).map(item => item.key).join('.') || 'it'} must ${issue.message}`)
  }
  if (result.output.id !== expect) throw bad(`id must be its folder ${expect}`)
  return result.output.deletion_time * 1000
}

const LATEST = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

const schema = v.object(
  {
    id: v.string('be a string'),
    version: v.literal(1, 'be 1'),
    deletion_time: v.pipe(
      v.number('be a number'),
      v.integer('be an integer'),
      v.minValue(0, 'be >= 0'),
      v.maxValue(LATEST, `be <= ${LATEST}`),
    ),
  },
  issue => (issue.expected === 'Object' ? 'be an object' : 'be given'),
)

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw bad('it must be JSON', cause)
  }
}

function bad(what: string, cause?: unknown): BlockgateError {
  return new BlockgateError(ErrorCode.corruptBlock, `deletion-mark.json: ${what}`, { cause })
}
