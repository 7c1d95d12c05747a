/** From what the gateway knows to what the API says: plain JSON, described in ./openapi. */

import { inSlices, pause, sortInSlices } from '../async/slices.ts'
import { type BlockView, blockView, reasonOf } from '../catalogue/block-view.ts'
import type { BlockEvent, CatalogueEntry } from '../catalogue/catalogue.ts'
import { type BlockId, type BlockMeta, isBlockId } from '../contracts/block.ts'
import { ErrorCode, isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { MemberState, MemberStats, Owner, OwnershipPlugin, RingMember } from '../contracts/ownership.ts'
import type { RunSummary } from '../contracts/summary.ts'
import type { Gateway } from '../gateway.ts'
import type { RunProgress, RunReport } from '../sync/run-result.ts'
import { badRequest, HttpError, shown } from './errors.ts'
import type { BlocksQuery } from './query.ts'

/** Entries that are looked at without a pause. */
const WALK = 4_096

export interface BlocksAnswer {
  readonly blocks: readonly BlockView[]
  /** For `after`; null on the last page. */
  readonly next: string | null
}

export async function blocksAnswer(
  { catalogue, plan }: Gateway,
  host: Host,
  { state, reason, limit, after }: BlocksQuery,
): Promise<BlocksAnswer> {
  const all = await catalogue.sorted()
  const blocks: BlockView[] = []
  for (let at = after === undefined ? 0 : firstBehind(all, after); at < all.length; at++) {
    const entry = all[at] as CatalogueEntry
    if ((state === undefined || entry.state === state) && (reason === undefined || reasonOf(entry) === reason)) {
      if (blocks.length === limit) return { blocks, next: blocks.at(-1)?.ulid ?? null }
      blocks.push(blockView(entry, plan))
    }
    if (at % WALK === 0) await pause(host, 8)
  }
  return { blocks, next: null }
}

/** Where the entries behind `after` begin. */
function firstBehind(all: readonly CatalogueEntry[], after: BlockId): number {
  let [from, to] = [0, all.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((all[middle] as CatalogueEntry).id <= after) from = middle + 1
    else to = middle
  }
  return from
}

/** @throws HttpError 400 or 404 */
export function entryOf(gateway: Gateway, text: string): CatalogueEntry {
  if (!isBlockId(text))
    throw badRequest(`a block must be named by its ULID, in upper case: current value is ${shown(text)}`)
  const entry = gateway.catalogue.get(text)
  if (!entry) throw new HttpError(404, 'not-found', `block ${text} is not in the view`)
  return entry
}

export interface BlockAnswer extends BlockView {
  readonly level: number | null
  readonly resolution: number | null
  readonly source: string | null
  readonly markers: readonly string[]
  /** In ms since the epoch. */
  readonly uploaded: number | null
  /** When it was marked for deletion, in ms since the epoch; null without a mark that can be used. */
  readonly deletionTime: number | null
  /** What is wrong about it, though it is offered. */
  readonly notes: readonly string[]
  /** What the sink holds of it. */
  readonly held: { readonly bytes: number } | null
  /** By rank; null where it cannot be known: then `ownersUnknown` says why. */
  readonly owners: readonly Owner[] | null
  readonly ownersUnknown: string | null
  /** Oldest first. */
  readonly history: readonly BlockEvent[]
}

export function blockAnswer(entry: CatalogueEntry, { plan }: Gateway): BlockAnswer {
  const { candidate, id, events } = entry
  const held = plan.sink.stage.loaded().get(id)
  return {
    ...blockView(entry, plan),
    level: candidate?.meta.compaction.level ?? null,
    resolution: candidate?.meta.resolution ?? null,
    source: candidate?.meta.source ?? null,
    markers: candidate?.markers ?? [],
    uploaded: candidate?.uploaded ?? null,
    deletionTime: candidate?.deletionTime ?? null,
    notes: candidate?.notes ?? [],
    held: held ? { bytes: held.bytes } : null,
    ...ownersOf(candidate?.meta, plan.ownership),
    history: events,
  }
}

function ownersOf(
  meta: BlockMeta | undefined,
  { name, handover }: OwnershipPlugin,
): Pick<BlockAnswer, 'owners' | 'ownersUnknown'> {
  const unknown = (why: string) => ({ owners: null, ownersUnknown: why })
  if (!handover) return unknown(`the ownership plugin ${name} says who owns a block only at the add`)
  if (!meta) return unknown('the block was never seen whole')
  try {
    const owners = handover.owners(meta).map(({ member, rank, target, live, serves }) => {
      return { member, rank, target, live, serves }
    })
    return { owners, ownersUnknown: null }
  } catch (error) {
    if (!isOwnershipUnavailable(error)) throw error
    return unknown(rawMessageOf(error))
  }
}

export interface RingAnswer {
  readonly epoch: number
  readonly cause: string
  readonly frozen: boolean
  readonly members: readonly RingMemberAnswer[]
}

export interface RingMemberAnswer {
  readonly id: string
  readonly zone: string | null
  readonly address: string | null
  readonly state: MemberState
  /** Whether clients ask it: what it claims counts. */
  readonly ready: boolean
  /** In ms. */
  readonly heartbeatAge: number
  readonly placed: boolean
  readonly draining: boolean
  /** What members must agree on before anything is released. */
  readonly rules: string
  /** What it last said of itself; null before it did. */
  readonly stats: MemberStats | null
}

/** @throws HttpError 404 where there are no members, 503 where they cannot be asked now */
export async function ringAnswer({ plan }: Gateway): Promise<RingAnswer> {
  const { name, operator } = plan.ownership
  if (!operator) throw new HttpError(404, 'no-ring', `the ownership plugin ${name} has no members`)
  try {
    const { epoch, cause, frozen, members } = await operator.ring()
    return { epoch, cause, frozen, members: members.map(memberAnswer) }
  } catch (error) {
    if (!isOwnershipUnavailable(error)) throw error
    throw new HttpError(503, ErrorCode.ownershipUnavailable, rawMessageOf(error))
  }
}

function memberAnswer(member: RingMember): RingMemberAnswer {
  const { id, zone, address, state, ready, heartbeatAge, placed, draining, rules, stats } = member
  return {
    id,
    zone: zone ?? null,
    address: address ?? null,
    state,
    ready,
    heartbeatAge,
    placed,
    draining,
    rules,
    stats: stats ? statsAnswer(stats) : null,
  }
}

function statsAnswer({ assigned, serving, pendingHandOff, lastCopy, failed, bytes }: MemberStats): MemberStats {
  return { assigned, serving, pendingHandOff, lastCopy, failed, bytes }
}

/** Blocks that are written at once. */
const PIECE = 1_000

export interface ServingAnswer {
  /** As `/-/ready` says it, at the same instant. */
  readonly ready: boolean
  /** What the sink holds, in the order of the ULIDs. */
  readonly blocks: readonly BlockId[]
}

/** Of the last answer of each gateway: mostly nothing has changed, and to sort takes longest. */
const served = new WeakMap<Gateway, { readonly keys: readonly BlockId[]; readonly sorted: readonly BlockId[] }>()

export async function servingAnswer(gateway: Gateway, host: Host): Promise<ServingAnswer> {
  const { ready } = gateway.readiness
  const keys: BlockId[] = []
  await inSlices(host, gateway.plan.sink.stage.loaded().keys(), id => keys.push(id))
  const last = served.get(gateway)
  if (last?.keys.length === keys.length && last.keys.every((id, at) => id === keys[at])) {
    return { ready, blocks: last.sorted }
  }
  const sorted = await sortInSlices(host, keys, (a, b) => (a < b ? -1 : 1))
  served.set(gateway, { keys, sorted })
  return { ready, blocks: sorted }
}

/** As JSON, piece by piece: that of 500,000 blocks at once would hold up every other answer. */
export function servingBody({ ready, blocks }: ServingAnswer, host: Host): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      // Beside a run a piece a turn would take seconds.
      if (at % (8 * PIECE) === 0) await pause(host, 8)
      const ids = blocks.slice(at, at + PIECE)
      const start = at === 0 ? `{"ready":${ready},"blocks":[` : ids.length > 0 ? ',' : ''
      at += PIECE
      const end = at < blocks.length ? '' : ']}'
      controller.enqueue(encoder.encode(start + JSON.stringify(ids).slice(1, -1) + end))
      if (end !== '') controller.close()
    },
  })
}

export interface RunAnswer extends RunSummary {
  readonly status: RunReport['status']
  readonly startedAt: number
  readonly unconfirmed: number
  readonly error: { readonly code: string; readonly message: string } | null
}

export interface RunsAnswer {
  readonly current: RunProgress | null
  /** Newest first. */
  readonly runs: readonly RunAnswer[]
}

export function runsAnswer({ results, progress }: Gateway): RunsAnswer {
  return { current: progress ?? null, runs: results.map(runAnswer).reverse() }
}

function runAnswer({ status, startedAt, unconfirmed, error, summary }: RunReport): RunAnswer {
  return {
    status,
    startedAt,
    ...summary,
    unconfirmed,
    error: error ? { code: error.code, message: error.rawMessage } : null,
  }
}
