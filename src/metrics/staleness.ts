/** How long new blocks wait from their upload until they are served: what users feel of the interval. */
import { blockIdTime, type Candidate } from '../contracts/block.ts'
import type { METRICS } from '../contracts/metric-table.ts'
import type { MeasuredRun, MetricsSubject } from '../contracts/metrics.ts'
import type { Add } from './instruments.ts'

/** The stage of an ownership plugin: a block that it has denied once was served by another gateway. */
const OWNED = 'owned'

export class Staleness {
  readonly #record: Add<typeof METRICS.staleness>
  #subject: MetricsSubject | undefined
  /** When the first run began that saw the whole bucket, ms since the epoch: what was there before it is no new block. */
  #since = Number.POSITIVE_INFINITY

  constructor(record: Add<typeof METRICS.staleness>) {
    this.#record = record
  }

  observe(subject: MetricsSubject): void {
    this.#subject = subject
  }

  afterRun({ listed, summary: { run } }: MeasuredRun): void {
    if (!listed || !run.complete || Number.isFinite(this.#since)) return
    this.#since = (this.#subject?.host.now() ?? Number.POSITIVE_INFINITY) - run.durationMs
  }

  /** Where the meta does not say when the upload ended, the ULID says when the block was made. */
  added({ meta, uploaded = blockIdTime(meta.ulid) }: Candidate): void {
    const subject = this.#subject
    if (!subject || uploaded < this.#since) return
    const events = subject.block(meta.ulid)?.events ?? []
    if (events.some(({ kind, by }) => kind === 'skipped' && by === OWNED)) return
    // The clock of who uploads may be ahead.
    this.#record(Math.max(0, subject.host.now() - uploaded) / 1000, {})
  }
}
