/** Every block of the view with its state, its reason and its last events, across runs. The API and the metrics read it. */
import type { SpanContext } from '@opentelemetry/api'
import { inSlices, sortInSlices } from '../async/slices.ts'
import type { BlockId, Candidate } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { codeOf, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { MeasuredBlock } from '../contracts/metrics.ts'
import type { BlockResult, PartialBlock } from '../contracts/stage.ts'
import { traceIds } from '../contracts/trace-ids.ts'
import type { TraceMemory } from '../pipeline/traces.ts'

/**
 *   (listed) → pending → loading → serving ⇄ pending-hand-off → (dropped: gone)
 *                 ↘        ↘ failed          last-copy: a pending hand-off that nobody else serves
 *                   skipped, partial
 */
export const BLOCK_STATES = [
  'pending',
  'loading',
  'serving',
  'pending-hand-off',
  'last-copy',
  'skipped',
  'failed',
  'partial',
] as const
export type BlockState = (typeof BLOCK_STATES)[number]

export interface BlockEvent {
  /** ms since the epoch. */
  readonly at: number
  readonly run: string
  readonly kind: string
  readonly by: string
  readonly reason: string
  readonly detail?: string | undefined
  /** How long the last try of a load took, ms. */
  readonly loadMs?: number | undefined
  /** The trace that tells of it, where one is recorded. */
  readonly traceId?: string | undefined
}

export interface CatalogueEntry {
  readonly id: BlockId
  /** Undefined for a partial block that was never whole. */
  readonly candidate: Candidate | undefined
  readonly state: BlockState
  readonly by: string
  readonly reason: string
  /** For people, beside the reason: what a stage or a failure said last. */
  readonly detail: string | undefined
  /** When the state or its reason last changed, ms since the epoch. */
  readonly since: number
  /** The last 20, oldest first. A verdict that repeats the one before is not an event. */
  readonly events: readonly BlockEvent[]
  /** Of the span of its last trace; undefined where there is none. */
  readonly trace: SpanContext | undefined
}

type Entry = { -readonly [K in keyof CatalogueEntry]: CatalogueEntry[K] }

const MAX_EVENTS = 20
const NONE: readonly BlockEvent[] = []
/** States of a retained block that waits until another member serves it, or its parent, by reason. */
const WAITING: ReadonlyMap<string, BlockState> = new Map([
  ['pending-hand-off', 'pending-hand-off'],
  ['superseded', 'pending-hand-off'],
  ['last-copy', 'last-copy'],
])

export class Catalogue implements TraceMemory {
  readonly #host: Host
  readonly #entries = new BlockMap<Entry>()
  readonly #counts = new Map<BlockState, number>()
  /** Traces that an event has. */
  readonly #told = new WeakSet<SpanContext>()
  /** All entries by ULID; undefined once one came out of that order, or went. */
  #sorted: Entry[] | undefined = []
  #sorting: Promise<Entry[]> | undefined
  /** Entries that came or went. */
  #changes = 0

  constructor(host: Host) {
    this.#host = host
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: BlockId): CatalogueEntry | undefined {
    return this.#entries.get(id)
  }

  all(): IterableIterator<CatalogueEntry> {
    return this.#entries.values()
  }

  /** All by ULID. Buckets list them in that order: they are sorted only after one came out of it, or went. */
  async sorted(): Promise<readonly CatalogueEntry[]> {
    if (this.#sorted) return this.#sorted
    this.#sorting ??= this.#sort()
    return await this.#sorting
  }

  /** How many blocks are in each state; a state nobody is in is absent. */
  counts(): Readonly<Partial<Record<BlockState, number>>> {
    return Object.fromEntries([...this.#counts].filter(([, blocks]) => blocks > 0))
  }

  /** The source offered the block. */
  seen(candidate: Candidate): void {
    this.#entry(candidate.meta.ulid).candidate = candidate
  }

  loading(id: BlockId): void {
    const entry = this.#entry(id)
    if (entry.state !== 'loading') this.#move(entry, 'loading', '', '')
  }

  /** The source saw the block but cannot offer it. */
  partial(partial: PartialBlock, run: string, by: string, loaded: boolean): void {
    const entry = this.#entry(partial.id)
    const detail = partial.error === undefined ? partial.detail : rawMessageOf(partial.error)
    this.#record(entry, loaded ? 'serving' : 'partial', { run, kind: 'partial', by, reason: partial.reason, detail })
  }

  /** A block's verdict in a run, or what the end of the run did with a loaded one. */
  settle(id: BlockId, result: BlockResult, run: string, loaded: boolean): void {
    if (result.kind === 'passed') return
    // A retained block that its stages deny once more: the end of the run says what becomes of it. Until then nothing changes.
    if (result.kind === 'skipped' && loaded && this.#entries.get(id)?.events.at(-1)?.kind === 'retained') return
    this.#record(this.#entry(id), stateOf(result, loaded), { run, ...eventOf(result) })
  }

  /** Forgets what is neither in the view nor loaded, as `isThere` says. Only a complete view knows what is gone. */
  async forgetAbsent(isThere: (id: BlockId) => boolean): Promise<void> {
    await inSlices(this.#host, this.#entries, ([id, { state }]) => {
      if (isThere(id)) return
      this.#entries.delete(id)
      this.#sorted = undefined
      this.#changes++
      this.#count(state, -1)
    })
  }

  /** The block's last trace: its next one is linked to it. */
  traced(id: BlockId, span: SpanContext): void {
    this.#entry(id).trace = span
  }

  #entry(id: BlockId): Entry {
    const known = this.#entries.get(id)
    if (known) return known
    const entry: Entry = {
      id,
      candidate: undefined,
      state: 'pending',
      by: '',
      reason: '',
      detail: undefined,
      since: this.#host.now(),
      events: NONE,
      trace: undefined,
    }
    this.#entries.set(id, entry)
    const last = this.#sorted?.at(-1)
    if (last && last.id > id) this.#sorted = undefined
    this.#sorted?.push(entry)
    this.#changes++
    this.#count('pending', 1)
    return entry
  }

  async #sort(): Promise<Entry[]> {
    const changes = this.#changes
    const entries: Entry[] = []
    await inSlices(this.#host, this.#entries.values(), entry => entries.push(entry))
    const sorted = await sortInSlices(this.#host, entries, (a, b) => (a.id < b.id ? -1 : 1))
    this.#sorting = undefined
    if (changes === this.#changes) this.#sorted = sorted
    return sorted
  }

  #record(entry: Entry, state: BlockState, event: Omit<BlockEvent, 'at'>): void {
    const last = entry.events.at(-1)
    const news = last?.kind !== event.kind || last.by !== event.by || last.reason !== event.reason
    // Where a block is retained for the reason that denied it, the detail of the denial stays.
    if (event.kind !== 'retained' || entry.reason !== event.reason) entry.detail = event.detail
    const loadMs = entry.state === 'loading' ? Math.max(0, this.#host.now() - entry.since) : undefined
    this.#move(entry, state, event.by, event.reason)
    const traceId = this.#newTraceOf(entry)
    // A failure that was told at its first try has a trace with its last one.
    if (!news && traceId !== undefined) entry.events = entry.events.with(-1, { ...last, traceId })
    // Most blocks are "unchanged" in most runs. That they still serve is no event.
    if (!news || (event.kind === 'unchanged' && last?.kind === 'added')) return
    const { run, kind, by, reason, detail } = event
    const told = {
      at: this.#host.now(),
      run,
      kind,
      by,
      reason,
      ...(detail !== undefined && { detail }),
      ...(loadMs !== undefined && { loadMs }),
      ...(traceId !== undefined && { traceId }),
    }
    // A new list of just this length: push() and spreading allocate room for 17, and most blocks have one or two events in their life.
    entry.events = entry.events.slice(1 - MAX_EVENTS).concat(told)
  }

  #move(entry: Entry, state: BlockState, by: string, reason: string): void {
    if (entry.state !== state || entry.reason !== reason || entry.by !== by) entry.since = this.#host.now()
    this.#count(entry.state, -1)
    this.#count(state, 1)
    entry.state = state
    entry.by = by
    entry.reason = reason
  }

  /** Of the block's last trace, once: an event that is told in no trace must not have that of another one. */
  #newTraceOf({ trace }: Entry): string | undefined {
    if (!trace || this.#told.has(trace)) return undefined
    this.#told.add(trace)
    return traceIds(trace).trace_id
  }

  #count(state: BlockState, by: number): void {
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + by)
  }
}

function stateOf(result: BlockResult, loaded: boolean): BlockState {
  if (result.kind === 'retained') return WAITING.get(result.reason) ?? 'serving'
  if (loaded) return 'serving'
  if (result.kind === 'failed') return 'failed'
  return result.kind === 'skipped' || result.kind === 'dropped' ? 'skipped' : 'pending'
}

function eventOf(result: BlockResult): Omit<BlockEvent, 'at' | 'run'> {
  const { kind } = result
  if (result.kind === 'failed') {
    return { kind, by: result.by, reason: codeOf(result.error) ?? 'internal', detail: rawMessageOf(result.error) }
  }
  if (!('reason' in result)) return { kind, by: '', reason: '' }
  return { kind, by: result.by, reason: result.reason, detail: 'detail' in result ? result.detail : undefined }
}

/** Never empty. A block that serves says how it came to that, `added` or `unchanged`; one that waits says its state. */
export function reasonOf({ state, reason, events }: Pick<MeasuredBlock, 'state' | 'reason' | 'events'>): string {
  if (reason !== '') return reason
  return (state === 'serving' && events.at(-1)?.kind) || state
}
