/** The spans of runs and of blocks: names and attribute keys. Attributes hold ids, counts and reasons: never options or labels. */
import { ErrorCode } from './errors.ts'

export const BlockSpanName = {
  run: 'sync.run',
  /** Of a block whose verdict is not there yet. */
  block: 'block',
  died: 'block died',
  wait: 'wait',
  handOff: 'pending hand-off',
  told: 'told',
} as const

const WITH_REASON: ReadonlySet<string> = new Set(['skipped', 'failed', 'retained'])

/** Reasons that always stand in names. */
const OWN: ReadonlySet<string> = new Set([
  ...Object.values(ErrorCode),
  ...['absent-once', 'draining', 'duplicate', 'incomplete', 'label-excluded', 'last-copy', 'lower-case-folder'],
  ...['marked-for-deletion', 'no-meta-json', 'not-owner', 'parquet-converted', 'pending-hand-off', 'superseded'],
  ...['time-excluded', 'too-fresh', 'unreadable', 'view-incomplete'],
])

/** Of the reasons of stages that a user has written, so many stand in names, too: there may be any number of them. */
const MOST = 20
const others = new Set<string>()

/**
 * What became of a block. The names are few, so that a menu of them is a filter: a reason stands in it where it is one of ours, or one of
 * the first 20 others of this process.
 */
export function verdictName(kind: string, reason: string): string {
  if (!WITH_REASON.has(kind)) return `block ${kind}`
  if (!OWN.has(reason) && others.size < MOST) others.add(reason)
  return `block ${kind} ${OWN.has(reason) || others.has(reason) ? reason : 'other'}`
}

/** The allow-list: a key that is not here is never put on one of these spans. */
export const BlockAttribute = {
  runId: 'blockgate.run.id',
  runReason: 'blockgate.run.reason',
  runComplete: 'blockgate.run.complete',
  runListed: 'blockgate.run.listed',
  blocksSeen: 'blockgate.blocks.seen',
  blocksAdded: 'blockgate.blocks.added',
  blocksSkipped: 'blockgate.blocks.skipped',
  blocksFailed: 'blockgate.blocks.failed',
  blocksDropped: 'blockgate.blocks.dropped',
  instance: 'blockgate.instance.id',
  id: 'block.id',
  level: 'block.compaction.level',
  outcome: 'block.outcome',
  by: 'block.outcome.by',
  reason: 'block.outcome.reason',
  /** For people, beside the reason: `until 2026-01-31T10:30:00Z`. */
  detail: 'block.outcome.detail',
  attempt: 'block.attempt',
  /** How often the process died while the block was loaded. */
  deaths: 'block.deaths',
  /** True where it was loaded ahead, and added without a request. */
  warm: 'block.warm',
  duplicateOf: 'block.duplicate_of',
  /** True where the block moves from one member to another. */
  move: 'block.move',
  movedFrom: 'block.move.from',
  movedTo: 'block.move.to',
  denied: 'ownership.status',
  epoch: 'ownership.epoch',
  owners: 'ownership.owners',
  /** Owners that do not serve the block yet. */
  waitsFor: 'block.waits_for',
  waitFor: 'wait.for',
  waitSlot: 'wait.slot_ms',
  leaseAtLoad: 'ownership.lease.load_ms',
  leaseAtCommit: 'ownership.lease.commit_ms',
} as const
