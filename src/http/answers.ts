/** Makes the answers of the API, which ./schema/answers.ts describes. */
import * as v from 'valibot'
import { pause } from '../async/slices.ts'
import { type BlockEvent, type CatalogueEntry, reasonOf } from '../catalogue/catalogue.ts'
import type { ResolvedConfig } from '../config/config.ts'
import { traceUrl } from '../config/traces.ts'
import { type BlockId, type BlockMeta, blockIdTime } from '../contracts/block.ts'
import { ErrorCode, isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { OwnershipPlugin } from '../contracts/ownership.ts'
import type { Plan } from '../contracts/plan.ts'
import { labelsText } from '../contracts/text.ts'
import type { Gateway } from '../gateway.ts'
import type { RunReport } from '../sync/run-result.ts'
import { HttpError } from './errors.ts'
import { noticesOf } from './notices.ts'
import type { Notified } from './notified.ts'
import { type BlocksQuery, blockId } from './requests.ts'
import {
  type Block,
  type BlockDetails,
  type Blocks,
  type Event,
  type NextListing,
  type Notice,
  Ring,
  type Run,
  type Runs,
} from './schema/answers.ts'

/** Entries that are looked at without a pause. */
const WALK = 4_096

export async function blocksAnswer(gateway: Gateway, host: Host, query: BlocksQuery): Promise<Blocks> {
  const blocks: Block[] = []
  const next = await matching(gateway, host, query, entry => blocks.push(summaryOf(entry, gateway.plan)))
  return { blocks, next }
}

/** Calls `fn` for each block of one page, by ULID; gives the `after` of the next page. */
export async function matching(
  { catalogue }: Gateway,
  host: Host,
  { state, reason, label, from, to, limit, after }: BlocksQuery,
  fn: (entry: CatalogueEntry) => void,
): Promise<BlockId | null> {
  const all = await catalogue.sorted()
  const fits = (entry: CatalogueEntry) => {
    if (state !== undefined && entry.state !== state) return false
    if (reason !== undefined && reasonOf(entry) !== reason) return false
    const meta = entry.candidate?.meta
    if (label !== undefined && !(meta && labelsText(meta.labels).includes(label))) return false
    return (from === undefined || (meta?.maxTime ?? -1) > from) && (to === undefined || (meta?.minTime ?? to) < to)
  }
  let [count, last] = [0, undefined as CatalogueEntry | undefined]
  for (let at = after === undefined ? 0 : firstBehind(all, after); at < all.length; at++) {
    const entry = all[at] as CatalogueEntry
    if (fits(entry)) {
      if (count++ === limit) return last?.id ?? null
      last = entry
      fn(entry)
    }
    if (at % WALK === 0) await pause(host, 8)
  }
  return null
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

function summaryOf({ id: ulid, candidate, ...entry }: CatalogueEntry, plan: Plan): Block {
  const { minTime = null, maxTime = null, labels = null } = candidate?.meta ?? {}
  const { state, since } = entry
  const by = entry.by || (state === 'pending' ? plan.source.name : plan.sink.name)
  return { ulid, minTime, maxTime, labels, state, by, reason: reasonOf(entry), detail: entry.detail ?? null, since }
}

/** @throws HttpError 400 or 404 */
export function blockAnswer(
  { catalogue, plan, prewarm }: Gateway,
  text: string,
  { traces }: Pick<ResolvedConfig, 'traces'>,
): BlockDetails {
  const id = blockId(text)
  const entry = catalogue.get(id)
  if (!entry) throw new HttpError(404, 'not-found', `block ${id} is not in the view`)
  const { candidate, events } = entry
  const meta = candidate?.meta
  const held = plan.sink.stage.loaded().get(id)
  const warm = meta && plan.sink.stage.warm?.held.get(id)
  return {
    ...summaryOf(entry, plan),
    level: meta?.compaction.level ?? null,
    resolution: meta?.resolution ?? null,
    source: meta?.source ?? null,
    markers: candidate?.markers ?? [],
    uploaded: candidate?.uploaded ?? null,
    deletionTime: candidate?.deletionTime ?? null,
    notes: candidate?.notes ?? [],
    held: held ? { bytes: held.bytes } : null,
    warm:
      warm === undefined
        ? null
        : { bytes: warm, why: prewarm?.why(meta as BlockMeta) ?? 'an earlier process loaded it ahead' },
    ...ownersOf(meta, plan.ownership),
    history: events.map(event => linked(event, traces?.url)),
  }
}

/** With the page of its trace, where `url` says where they are. */
function linked(event: BlockEvent, url: string | undefined): Event {
  const { traceId } = event
  return url === undefined || traceId === undefined ? event : { ...event, traceUrl: traceUrl(url, traceId) }
}

function ownersOf(
  meta: BlockMeta | undefined,
  { name, handover }: OwnershipPlugin,
): Pick<BlockDetails, 'owners' | 'ownersUnknown'> {
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

/** @throws HttpError 404 where there are no members, 503 where their store cannot be reached */
export async function ringAnswer({ plan }: Gateway): Promise<Ring> {
  const { name, operator } = plan.ownership
  if (!operator) throw new HttpError(404, 'no-ring', `the ownership plugin ${name} has no members`)
  try {
    const { epoch, cause, frozen, members } = await operator.ring()
    const known = members.map(({ zone = null, address = null, stats = null, ...member }) => {
      return { ...member, zone, address, stats }
    })
    const slots = operator.slots?.()
    // Leaves out fields that the API does not have.
    return v.parse(Ring, { epoch, cause, frozen, members: known, ...(slots && { slots }) })
  } catch (error) {
    if (!isOwnershipUnavailable(error)) throw error
    throw new HttpError(503, ErrorCode.ownershipUnavailable, rawMessageOf(error))
  }
}

/** What is known already needs no listing. */
export function notifyAnswer(gateway: Gateway, { blocks, ignored }: Notified): Notice {
  const unknown = [...blocks].filter(entry => !isKnown(gateway, entry)).length
  return { accepted: { blocks: unknown, known: blocks.size - unknown, ignored }, due: null }
}

/** A source that looks at new blocks alone sees at least those of this age, ms. */
const NEW = 3_600_000

/** Whether something came to a block that is not new: only a listing of everything is sure to see it. */
export function isOfOld(gateway: Gateway, { blocks }: Notified, now: number): boolean {
  return [...blocks].some(entry => !isKnown(gateway, entry) && blockIdTime(entry[0]) < now - NEW)
}

function isKnown({ catalogue }: Gateway, [id, file]: readonly [BlockId, string]): boolean {
  const candidate = catalogue.get(id)?.candidate
  return candidate !== undefined && (file === 'meta.json' || candidate.markers.some(marker => marker === file))
}

export function runsAnswer(gateway: Gateway, host: Host): Runs {
  const { results, progress } = gateway
  return { current: progress ?? null, next: nextOf(gateway, host), runs: results.map(runAnswer).reverse() }
}

/** The listing that comes by itself, or that somebody has asked for before it. */
export function nextOf(gateway: Gateway, host: Host): NextListing | null {
  const { due, ms, why } = gateway.pace
  if (due === undefined || gateway.readiness.stopping) return null
  const asked = noticesOf(gateway, host).due
  const interval = { ms, why }
  const next = asked && asked.at < due ? asked : { at: due, why }
  return { at: Math.round(next.at), why: next.why, interval }
}

export function runAnswer({ status, startedAt, unconfirmed, error, summary }: RunReport): Run {
  const failure = error ? { code: error.code, message: error.rawMessage } : null
  return { status, startedAt, ...summary, unconfirmed, error: failure }
}
