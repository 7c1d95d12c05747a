/** What every member store checks of its arguments before it does anything: they become keys, and numbers of scripts. */
import { blockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import {
  type HoldRequest,
  type JoinRequest,
  MAX_IDS,
  MAX_PLACEMENT,
  MEMBER_ID,
  type PlacementRequest,
  type ReleaseRequest,
  type Stamp,
} from './contract.ts'

/** Half of what a number holds exactly: whatever a process says it has seen, epochs can grow on for good. */
const MAX_SEEN = 2 ** 52

/** Slots and ranks become field names of the store. */
const MAX_SLOT = 65_535
const MAX_RANK = 15

/** The largest that has a next one below 2^53. */
const MAX_FENCE = Number.MAX_SAFE_INTEGER - 1

/** @throws BlockgateError `invalid-member` where `id` is not a MEMBER_ID; `what` names it in the message */
export function assertMemberId(id: string, what = 'a member id'): void {
  if (typeof id === 'string' && MEMBER_ID.test(id)) return
  const shown = JSON.stringify(typeof id === 'string' ? id.slice(0, 64) : id)
  throw new BlockgateError(ErrorCode.invalidMember, `${what} must match ${MEMBER_ID.source}: current value is ${shown}`)
}

/** @throws BlockgateError `invalid-member`; `stage-misuse` where a number is not what it must be */
export function assertStamp(stamp: Pick<Stamp, 'id' | 'incarnation' | 'sequence'>): void {
  assertMemberId(stamp.id)
  assertWhole(stamp.incarnation, 'incarnation')
  assertWhole(stamp.sequence, 'sequence')
}

/** @throws BlockgateError `stage-misuse` where `seen` is not an integer from 0 to 2^52 */
export function assertSeen(seen: Epoch): void {
  assertWhole(seen, 'seen', MAX_SEEN)
}

/** @throws BlockgateError as assertStamp(), for the zone too */
export function assertJoin(request: JoinRequest): void {
  assertStamp(request)
  if (request.zone !== undefined) assertMemberId(request.zone, 'a zone')
  assertWhole(request.replaces, 'replaces')
  assertSeen(request.seen)
}

/** @throws BlockgateError `invalid-key` where one is not a ULID; `stage-misuse` where they are more than MAX_IDS together */
export function assertBlockIds(...lists: readonly (readonly string[])[]): void {
  const ids = lists.flat()
  assertCount(ids.length)
  for (const id of ids) blockId(id)
}

/**
 * @throws BlockgateError `invalid-key`, `invalid-member`, or `stage-misuse` where the items are more than MAX_IDS, or a precondition has
 *   a number that is not what it must be, or one rank twice
 */
export function assertRelease({ items }: ReleaseRequest): void {
  assertCount(items.length)
  for (const { id, superseding, targets, precondition } of items) {
    blockId(id)
    blockId(superseding)
    for (const target of targets) assertMemberId(target, 'a target')
    if (!precondition) continue
    const { slot, holders } = precondition
    assertWhole(slot, 'slot', MAX_SLOT)
    for (const { rank, fence } of holders) assertHold({ ranks: [{ slot, rank }], fence })
    assertOnce(holders.map(({ rank }) => rank))
  }
}

/**
 * @throws BlockgateError `stage-misuse` where a slot, a rank or the fence is not what it must be, one rank of a slot is named twice, or
 *   they are more than MAX_IDS
 */
export function assertHold({ ranks, fence }: Omit<HoldRequest, 'give'>): void {
  assertCount(ranks.length)
  for (const { slot, rank } of ranks) {
    assertWhole(slot, 'slot', MAX_SLOT)
    assertWhole(rank, 'rank', MAX_RANK)
  }
  assertOnce(ranks.map(({ slot, rank }) => slot * (MAX_RANK + 1) + rank))
  assertWhole(fence, 'fence', MAX_FENCE)
}

/** @throws BlockgateError `stage-misuse` where the epoch is none, or the text is not ASCII or too long */
export function assertPlacement({ decidedIn, text }: PlacementRequest): void {
  assertWhole(decidedIn, 'decidedIn')
  if (text.length > MAX_PLACEMENT) throw misuse(`a placement must be at most ${MAX_PLACEMENT} characters`, text.length)
  if (!/^[\n -~]*$/.test(text)) throw misuse('a placement must be ASCII', text.slice(0, 32))
}

function assertOnce(ranks: readonly number[]): void {
  if (new Set(ranks).size < ranks.length) throw misuse('each rank of a slot must be named once', ranks.join())
}

function assertCount(count: number): void {
  if (count > MAX_IDS) throw misuse(`one call must carry at most ${MAX_IDS} ids`, count)
}

function assertWhole(value: number, what: string, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return
  throw misuse(`${what} must be an integer from 0 to ${most}`, value)
}

function misuse(must: string, value: unknown): BlockgateError {
  return new BlockgateError(ErrorCode.stageMisuse, `${must}: current value is ${value}`)
}
