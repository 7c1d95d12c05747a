/** What the API answers, as Valibot schemas. The types, the OpenAPI description and what the command line reads come from them. */
import * as v from 'valibot'
import { BLOCK_STATES } from '../../catalogue/catalogue.ts'

/** With a note for the reader of the OpenAPI description. */
const described = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description))
const list = <const S extends v.GenericSchema>(items: S) => v.pipe(v.array(items), v.readonly())
const text = v.string()
const map = <const S extends v.GenericSchema>(values: S) => v.record(text, values)
const flag = v.boolean()
const word = v.pipe(text, v.nonEmpty())
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const ulid = v.pipe(text, v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/))
const time = described(v.pipe(v.number(), v.integer()), 'Milliseconds since the epoch')
const runReason = v.picklist(['startup', 'interval', 'ownership-change', 'manual'])

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
export const Block = v.object(block)
export type Block = v.InferOutput<typeof Block>

export const Blocks = v.object({
  blocks: list(Block),
  next: described(v.nullable(ulid), 'The `after` of the next page; null on the last one'),
})
export type Blocks = v.InferOutput<typeof Blocks>

export const Event = v.object({ at: time, run: text, kind: word, by: text, reason: text, detail: v.optional(text) })

export const Owner = v.object({
  member: word,
  rank: described(count, '0 is the first'),
  target: described(flag, 'Whether it is to hold the block now'),
  live: flag,
  serves: flag,
})

export const BlockDetails = v.object({
  ...block,
  level: v.nullable(count),
  resolution: v.nullable(count),
  source: v.nullable(text),
  markers: list(text),
  uploaded: v.nullable(time),
  deletionTime: described(v.nullable(time), 'When it was marked for deletion; null without a mark that can be used'),
  notes: described(list(text), 'What is wrong about it, though it is offered'),
  held: described(v.nullable(v.object({ bytes: count })), 'What the sink holds of it'),
  owners: described(v.nullable(list(Owner)), 'By rank; null where ownersUnknown says why'),
  ownersUnknown: v.nullable(word),
  history: described(list(Event), 'The last 20 events, oldest first'),
})
export type BlockDetails = v.InferOutput<typeof BlockDetails>

const stats = v.object({
  assigned: count,
  serving: count,
  pendingHandOff: count,
  lastCopy: count,
  failed: count,
  bytes: count,
})

export const RingMember = v.object({
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
  rules: described(text, 'Config fingerprint: nothing is released until all live members have the same'),
  stats: described(v.nullable(stats), 'What it last said of itself; null before it did'),
})
export type RingMember = v.InferOutput<typeof RingMember>

export const Ring = v.object({
  epoch: described(count, 'Version of the view; only grows'),
  cause: described(text, 'Why the epoch moved last'),
  frozen: described(flag, 'Whether nothing may change hands'),
  members: list(RingMember),
})
export type Ring = v.InferOutput<typeof Ring>

export const Serving = v.object({
  ready: described(flag, 'As /-/ready says it, at the same instant'),
  blocks: described(list(ulid), 'What the sink holds, in the order of the ULIDs'),
})
export type Serving = v.InferOutput<typeof Serving>

export const Progress = v.object({
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

export const Run = v.object({
  status: v.picklist(['done', 'failed', 'stopped']),
  startedAt: time,
  run: v.object({ id: word, reason: runReason, complete: flag, durationMs: count }),
  stages: list(v.object({ name: word, in: count, out: count, skipped: map(count) })),
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
    list(v.object({ block: ulid, by: word, code: word, message: text })),
    'At most 100; blocks.failed is how many there are',
  ),
  notes: described(
    v.object({ count, first: list(v.object({ block: ulid, note: text })) }),
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
export type Run = v.InferOutput<typeof Run>

export const Runs = v.object({
  current: v.nullable(Progress),
  runs: described(list(Run), 'The last 20, newest first'),
})
export type Runs = v.InferOutput<typeof Runs>

export const SyncRequest = v.strictObject({ confirmDrops: v.optional(flag) })
export const SyncAccepted = v.object({ accepted: v.object({ reason: v.literal('manual'), confirmDrops: flag }) })
export const Failure = v.object({ error: v.object({ code: word, message: word }) })
