/** `<ulid>/deletion-mark.json`, as https://github.com/thanos-io/thanos `pkg/block/metadata/markers.go` writes it. */
import * as v from 'valibot'
import type { BlockId } from '../contracts/block.ts'
import { instant } from '../contracts/duration.ts'
import { ErrorCode } from '../contracts/errors.ts'
import { complaint, type GoFile, invalid, object, parseGo, ulid } from './go-json.ts'

const FILE: GoFile = { name: 'deletion-mark.json', code: ErrorCode.corruptBlock }
/** No clock is that wrong. */
const SKEW = 24 * 3_600_000
/** The year 5138: a later time was not written in seconds. */
const LATEST = 100_000_000_000

const schema = object({
  id: ulid,
  version: v.literal(1, 'be 1'),
  deletion_time: v.pipe(
    v.number('be a number'),
    v.integer('be an integer'),
    // In Go, 0 is a time that is not set.
    v.minValue(1, 'be >= 1'),
    v.maxValue(LATEST, 'be in seconds'),
  ),
})

/**
 * `deletion_time` in ms since the epoch. It may be in the future: see `futureMark`.
 *
 * @throws BlockgateError `corrupt-block` where it is not JSON, not version 1, not in seconds, or the mark of another block
 */
export function parseDeletionMark(bytes: Uint8Array, expect: BlockId): number {
  const { id, deletion_time: seconds } = parseGo(FILE, schema, bytes)
  if (id !== expect) throw invalid(FILE, 'id', `be its folder ${expect}`, id)
  return seconds * 1000
}

/** The complaint about a mark whose `time`, in ms, is in the future; undefined for others. */
export function futureMark(time: number, now: number): string | undefined {
  if (time <= now + SKEW) return undefined
  return complaint(FILE.name, 'deletion_time', `not be in the future (${instant(time)})`, time / 1000)
}
