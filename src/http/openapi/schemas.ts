/** The answers as JSON schemas (draft 2020-12, as OpenAPI 3.1 uses it). The tests hold every route's answer to them. */
import { STATES } from '../query.ts'

export type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const flag: Schema = { type: 'boolean' }
const ulid: Schema = { type: 'string', pattern: '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' }
const time: Schema = { type: 'integer', description: 'Milliseconds since the epoch' }
const runReason: Schema = { type: 'string', enum: ['startup', 'interval', 'ownership-change', 'manual'] }
const state: Schema = { type: 'string', enum: STATES }
/** Never empty. */
const word: Schema = { type: 'string', minLength: 1 }

function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

function list(items: Schema): Schema {
  return { type: 'array', items }
}

function map(values: Schema): Schema {
  return { type: 'object', additionalProperties: values }
}

/** Every property is there, and no other, except those named in `optional`. */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter(name => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

export type SchemaName =
  | 'Error'
  | 'Block'
  | 'Blocks'
  | 'Event'
  | 'BlockDetails'
  | 'Owner'
  | 'Ring'
  | 'RingMember'
  | 'Serving'
  | 'Progress'
  | 'Run'
  | 'Runs'
  | 'SyncRequest'
  | 'SyncAccepted'

export function ref(name: SchemaName): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

const block: Readonly<Record<string, Schema>> = {
  ulid,
  minTime: orNull(time),
  maxTime: orNull(time),
  labels: orNull(map(text)),
  state,
  by: { ...word, description: 'The stage that said so' },
  reason: { ...word, description: 'Why it is in this state: the word of the metrics, the traces and the summaries' },
  detail: { ...orNull(text), description: 'For people, beside the reason' },
  since: { ...time, description: 'When state or reason last changed, in milliseconds since the epoch' },
}

export const SCHEMAS: Readonly<Record<SchemaName, Schema>> = {
  Error: object({ error: object({ code: word, message: word }) }),
  Block: object(block),
  Blocks: object({
    blocks: list(ref('Block')),
    next: { ...orNull(ulid), description: 'The `after` of the next page; null on the last one' },
  }),
  Event: object({ at: time, run: text, kind: word, by: text, reason: text, detail: text }, ['detail']),
  BlockDetails: object({
    ...block,
    level: orNull(count),
    resolution: orNull(count),
    source: orNull(text),
    markers: list(text),
    uploaded: orNull(time),
    deletionTime: {
      ...orNull(time),
      description: 'When it was marked for deletion; null without a mark that can be used',
    },
    notes: { ...list(text), description: 'What is wrong about it, though it is offered' },
    held: { ...orNull(object({ bytes: count })), description: 'What the sink holds of it' },
    owners: { ...orNull(list(ref('Owner'))), description: 'By rank; null where ownersUnknown says why' },
    ownersUnknown: orNull(word),
    history: { ...list(ref('Event')), description: 'The last 20 events, oldest first' },
  }),
  Owner: object({
    member: word,
    rank: { ...count, description: '0 is the first' },
    target: { ...flag, description: 'Whether it is to hold the block now' },
    live: flag,
    serves: flag,
  }),
  Ring: object({
    epoch: { ...count, description: 'Version of the view; only grows' },
    cause: { ...text, description: 'Why the epoch moved last' },
    frozen: { ...flag, description: 'Whether nothing may change hands' },
    members: list(ref('RingMember')),
  }),
  RingMember: object({
    id: word,
    zone: orNull(text),
    address: orNull(text),
    state: { type: 'string', enum: ['active', 'leaving', 'down'] },
    ready: { ...flag, description: 'Whether clients ask it: what it claims counts' },
    heartbeatAge: {
      type: 'number',
      minimum: 0,
      description: 'Milliseconds since its last heartbeat that was seen; 2^53 - 1 before the first',
    },
    placed: { ...flag, description: 'Whether it counts for who owns what, unless it drains' },
    draining: flag,
    rules: { ...text, description: 'What members must agree on before anything is released' },
    stats: {
      ...orNull(
        object({
          assigned: count,
          serving: count,
          pendingHandOff: count,
          lastCopy: count,
          failed: count,
          bytes: count,
        }),
      ),
      description: 'What it last said of itself; null before it did',
    },
  }),
  Serving: object({
    ready: { ...flag, description: 'As /-/ready says it' },
    blocks: { ...list(ulid), description: 'What the sink holds, in the order of the ULIDs' },
  }),
  Progress: object({
    id: word,
    startedAt: time,
    reason: runReason,
    seen: count,
    listing: flag,
    done: count,
    inFlight: count,
    failed: count,
    bytes: count,
  }),
  Run: object({
    status: { type: 'string', enum: ['done', 'failed', 'stopped'] },
    startedAt: time,
    run: object({ id: word, reason: runReason, complete: flag, durationMs: count }),
    stages: list(object({ name: word, in: count, out: count, skipped: map(count) })),
    blocks: object({
      seen: count,
      added: count,
      unchanged: count,
      skipped: count,
      failed: count,
      dropped: count,
      retained: count,
    }),
    failures: {
      ...list(object({ block: ulid, by: word, code: word, message: text })),
      description: 'At most 100; blocks.failed is how many there are',
    },
    notes: {
      ...object({ count, first: list(object({ block: ulid, note: text })) }),
      description: 'Blocks that are offered though something about them is wrong, and the first 20',
    },
    marked: {
      ...object({ count, oldest: orNull(time), newest: orNull(time) }),
      description: 'Blocks with a deletion mark that can be used, and when the first and the last was made',
    },
    unconfirmed: { ...count, description: 'Loaded blocks that would be dropped, and wait for confirmDrops' },
    error: {
      ...orNull(object({ code: word, message: text })),
      description:
        'Why a run failed, or what is wrong with one that was done: its view was incomplete, or nothing is served',
    },
  }),
  Runs: object({
    current: orNull(ref('Progress')),
    runs: { ...list(ref('Run')), description: 'The last 20, newest first' },
  }),
  SyncRequest: object({ confirmDrops: { ...flag, default: false } }, ['confirmDrops']),
  SyncAccepted: object({ accepted: object({ reason: { const: 'manual' }, confirmDrops: flag }) }),
}
