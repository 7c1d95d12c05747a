/** What the API answers, as Valibot schemas. The OpenAPI description comes from them, and the command line reads with them. */
import * as v from 'valibot'
import { BLOCK_STATES, type BlockEvent, type BlockState } from '../../catalogue/catalogue.ts'
import type { BlockId } from '../../contracts/block.ts'
import type { IntervalReason } from '../../contracts/interval.ts'
import type * as ownership from '../../contracts/ownership.ts'
import type { RunSummary } from '../../contracts/summary.ts'
import type { RunProgress, RunReport } from '../../sync/run-result.ts'
import { count, described, flag, map, type Schema, text, time, ulid, word } from './atoms.ts'

const runReason = v.picklist(['startup', 'interval', 'notification', 'ownership-change', 'manual'])

const block = {
  ulid,
  minTime: v.nullable(time),
  maxTime: v.nullable(time),
  labels: v.nullable(map(text)),
  state: v.picklist(BLOCK_STATES),
  by: described(word, 'The stage that said so'),
  reason: described(word, 'Why it is in this state: the word of the metrics, the traces and the summaries'),
  detail: described(v.nullable(text), 'For people, beside the reason'),
  since: described(time, 'When state or reason last changed, in milliseconds since the epoch'),
}
export interface Block {
  readonly ulid: BlockId
  /** In ms since the epoch, as all times; null for a block that was never seen whole. */
  readonly minTime: number | null
  readonly maxTime: number | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly state: BlockState
  readonly by: string
  readonly reason: string
  readonly detail: string | null
  readonly since: number
}
export const Block: Schema<Block> = v.object(block)

export interface Blocks {
  readonly blocks: readonly Block[]
  readonly next: BlockId | null
}
export const Blocks: Schema<Blocks> = v.object({
  blocks: v.array(Block),
  next: described(v.nullable(ulid), 'The `after` of the next page; null on the last one'),
})

export interface Event extends BlockEvent {
  readonly traceUrl?: string | undefined
}
export const Event: Schema<Event> = v.object({
  at: time,
  run: text,
  kind: word,
  by: text,
  reason: text,
  detail: v.optional(text),
  loadMs: described(v.optional(count), 'How long the last try of a load took'),
  traceId: described(
    v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
    'The trace that tells of it, where one is recorded',
  ),
  traceUrl: described(v.optional(text), 'Its page, where the config says `traces.url`'),
})

export const Owner: Schema<ownership.Owner> = v.object({
  member: word,
  rank: described(count, '0 is the first'),
  target: described(flag, 'Whether it is to hold the block now'),
  live: flag,
  serves: flag,
})

export interface BlockDetails extends Block {
  readonly level: number | null
  readonly resolution: number | null
  readonly source: string | null
  readonly markers: readonly string[]
  readonly uploaded: number | null
  readonly deletionTime: number | null
  readonly notes: readonly string[]
  readonly held: { readonly bytes: number } | null
  readonly warm: { readonly bytes: number; readonly why: string } | null
  readonly owners: readonly ownership.Owner[] | null
  readonly ownersUnknown: string | null
  readonly history: readonly Event[]
}
export const BlockDetails: Schema<BlockDetails> = v.object({
  ...block,
  level: v.nullable(count),
  resolution: v.nullable(count),
  source: v.nullable(text),
  markers: v.array(text),
  uploaded: v.nullable(time),
  deletionTime: described(v.nullable(time), 'When it was marked for deletion; null without a mark that can be used'),
  notes: described(v.array(text), 'What is wrong about it, though it is offered'),
  held: described(v.nullable(v.object({ bytes: count })), 'What the sink holds of it'),
  warm: described(
    v.nullable(v.object({ bytes: count, why: text })),
    'What is loaded ahead of it (prewarm): it is not served',
  ),
  owners: described(v.nullable(v.array(Owner)), 'By rank; null where ownersUnknown says why'),
  ownersUnknown: v.nullable(word),
  history: described(v.array(Event), 'The last 20 events, oldest first'),
})

const stats = v.object({
  assigned: count,
  serving: count,
  pendingHandOff: count,
  lastCopy: count,
  failed: count,
  bytes: count,
})

export interface RingMember extends Omit<ownership.RingMember, 'incarnation' | 'zone' | 'address' | 'stats'> {
  readonly zone: string | null
  readonly address: string | null
  readonly stats: ownership.MemberStats | null
}
export const RingMember: Schema<RingMember> = v.object({
  id: word,
  zone: v.nullable(text),
  address: v.nullable(text),
  state: v.picklist(['active', 'leaving', 'down']),
  ready: described(flag, 'Whether clients ask it: then what it serves counts'),
  heartbeatAge: described(
    v.pipe(v.number(), v.minValue(0)),
    'Milliseconds since its last heartbeat that was seen; 2^53 - 1 before the first',
  ),
  placed: described(flag, 'Whether it counts for who owns what, unless it drains'),
  draining: flag,
  fingerprint: described(text, 'Config fingerprint: nothing is released until all live members have the same'),
  stats: described(v.nullable(stats), 'What it last said of itself; null before it did'),
})

export interface Ring extends Pick<ownership.Ring, 'epoch' | 'cause' | 'frozen'> {
  readonly members: readonly RingMember[]
  readonly slots?: ownership.HeldSlots | undefined
}
export const Ring: Schema<Ring> = v.object({
  epoch: described(count, 'Version of the view; only grows'),
  cause: described(text, 'Why the epoch moved last'),
  frozen: described(flag, 'Whether nothing may change hands'),
  members: v.array(RingMember),
  slots: described(
    v.optional(v.object({ count, holders: v.array(v.object({ slot: count, rank: count, holder: text })) })),
    'Where members hold slots of blocks, as they were read last; a slot that was given up has the holder ""',
  ),
})

export interface Serving {
  readonly ready: boolean
  readonly blocks: readonly BlockId[]
}
export const Serving: Schema<Serving> = v.object({
  ready: described(flag, 'As /-/ready says it, at the same instant'),
  blocks: described(v.array(ulid), 'What the sink holds, in the order of the ULIDs'),
})

export const Progress: Schema<RunProgress> = v.object({
  id: word,
  startedAt: time,
  reason: runReason,
  seen: count,
  listing: flag,
  done: count,
  inFlight: count,
  failed: count,
  bytes: count,
})

export interface Run extends RunSummary, Pick<RunReport, 'status' | 'startedAt' | 'unconfirmed'> {
  readonly error: { readonly code: string; readonly message: string } | null
}
export const Run: Schema<Run> = v.object({
  status: v.picklist(['done', 'failed', 'stopped']),
  startedAt: time,
  run: v.object({
    id: word,
    reason: runReason,
    complete: flag,
    restsOn: v.optional(word),
    listed: described(
      v.picklist(['all', 'new', 'none']),
      'What it asked the bucket for: everything, new blocks alone, or nothing',
    ),
    durationMs: count,
  }),
  stages: v.array(v.object({ name: word, in: count, out: count, skipped: map(count) })),
  blocks: v.object({
    seen: count,
    added: count,
    unchanged: count,
    skipped: count,
    failed: count,
    dropped: count,
    retained: count,
  }),
  failures: described(
    v.array(v.object({ block: ulid, by: word, code: word, message: text })),
    'At most 100; blocks.failed is how many there are',
  ),
  notes: described(
    v.object({ count, first: v.array(v.object({ block: ulid, note: text })) }),
    'Blocks that are offered though something about them is wrong, and the first 20',
  ),
  marked: described(
    v.object({ count, oldest: v.nullable(time), newest: v.nullable(time) }),
    'Blocks with a deletion mark that can be used, and when the first and the last was made',
  ),
  unconfirmed: described(count, 'Loaded blocks that would be dropped, and wait for confirmDrops'),
  error: described(
    v.nullable(v.object({ code: word, message: text })),
    'Why a run failed, or what is wrong with one that was done: its view was incomplete, or nothing is served',
  ),
})

export interface NextListing {
  readonly at: number
  readonly why: IntervalReason
  readonly interval: { readonly ms: number; readonly why: IntervalReason }
}
const REASONS = ['fixed', 'staleness', 'rate', 'budget', 'from', 'to', 'failed', 'notification', 'query'] as const
const why = described(v.picklist(REASONS), 'The words of docs/sync.md')
export const NextListing: Schema<NextListing> = v.object({
  at: time,
  why,
  interval: described(v.object({ ms: v.pipe(v.number(), v.minValue(0)), why }), 'What it is now'),
})

export interface Runs {
  readonly current: RunProgress | null
  readonly next: NextListing | null
  readonly runs: readonly Run[]
}
export const Runs: Schema<Runs> = v.object({
  current: v.nullable(Progress),
  next: described(v.nullable(NextListing), 'The next listing of the bucket; null where none comes by itself'),
  runs: described(v.array(Run), 'The last 20, newest first'),
})

export const syncEntries: v.ObjectEntries = { confirmDrops: v.optional(flag) }
export const SyncRequest: v.GenericSchema = v.strictObject(syncEntries)
export const SyncAccepted: v.GenericSchema = v.object({
  accepted: v.object({ reason: v.literal('manual'), confirmDrops: flag }),
})
export interface Notice {
  readonly accepted: { readonly blocks: number; readonly known: number; readonly ignored: number }
  readonly due: number | null
}
export const Notice: Schema<Notice> = v.object({
  accepted: v.object({
    blocks: described(count, 'Blocks that bring the next listing forward'),
    known: described(count, 'Blocks of which nothing is new'),
    ignored: described(count, 'Entries that name no file of a block that counts'),
  }),
  due: described(v.nullable(time), 'When the bucket is listed for them; null where it is not, or at once'),
})
/** Notifications of S3, EventBridge and R2 have other properties: see docs/sync.md. */
export const Notification: v.GenericSchema = v.object({ blocks: v.array(ulid) })
export const Failure: v.GenericSchema = v.object({ error: v.object({ code: word, message: word }) })
