/** What is read at each scrape, straight from what the gateway knows: nothing is counted up beside it. */
import type { BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api'
import { inSlices } from '../async/slices.ts'
import { reasonOf } from '../catalogue/block-view.ts'
import { METRICS } from '../contracts/metric-table.ts'
import type { MeasuredRun, MetricsSubject } from '../contracts/metrics.ts'
import { DiskSample } from './disk.ts'
import { gauge } from './instruments.ts'

/** The gauges without labels. */
const PLAIN = [
  'assigned',
  'loaded',
  'serving',
  'inFlight',
  'loadedBytes',
  'viewAge',
  'journalDeaths',
  'unconfirmed',
  'diskUsed',
  'diskFree',
] as const
const SERVING: ReadonlySet<string> = new Set(['serving', 'pending-hand-off', 'last-copy'])

export class Gauges {
  readonly #meter: Meter
  readonly #plain: readonly (readonly [name: (typeof PLAIN)[number], instrument: ObservableGauge])[]
  readonly #blocks
  readonly #component
  /** By state and reason. Once told they stay, with 0 blocks: a line that falls to 0 says more than one that ends. */
  readonly #counts = new Map<string, { readonly labels: { state: string; reason: string }; blocks: number }>()
  #subject: MetricsSubject | undefined
  #disk: DiskSample | undefined
  #assigned: number | undefined
  /** When the last complete view ended, on the monotonic clock. */
  #viewed: number | undefined

  constructor(meter: Meter) {
    this.#meter = meter
    this.#blocks = gauge(meter, METRICS.blocks)
    this.#component = gauge(meter, METRICS.component)
    this.#plain = PLAIN.map(name => [name, gauge(meter, METRICS[name]).instrument])
  }

  observe(subject: MetricsSubject): void {
    this.#subject = subject
    if (subject.files) this.#disk = new DiskSample(subject.files, subject.host)
    this.#meter.addBatchObservableCallback(
      result => this.#read(subject, result),
      [this.#blocks.instrument, this.#component.instrument, ...this.#plain.map(([, instrument]) => instrument)],
    )
  }

  afterRun({ status, summary, listed, assigned }: MeasuredRun): void {
    if (status === 'done') this.#assigned = assigned
    if (listed && summary.run.complete) this.#viewed = this.#subject?.host.monotonic()
    this.#disk?.take(summary.blocks.added + summary.blocks.dropped > 0)
  }

  async #read(subject: MetricsSubject, result: BatchObservableResult): Promise<void> {
    const serving = await this.#readBlocks(subject, result)
    const loaded = subject.guard('sink.loaded', () => subject.loaded())
    let loadedBytes = 0
    await inSlices(subject.host, loaded?.values() ?? [], ({ bytes }) => (loadedBytes += bytes))
    const values: Readonly<Record<(typeof PLAIN)[number], number | undefined>> = {
      assigned: this.#assigned,
      loaded: loaded?.size,
      serving,
      inFlight: subject.inFlight(),
      loadedBytes: loaded && loadedBytes,
      viewAge: this.#viewed === undefined ? undefined : (subject.host.monotonic() - this.#viewed) / 1000,
      journalDeaths: subject.deaths(),
      unconfirmed: subject.unconfirmed(),
      diskUsed: this.#disk?.used,
      diskFree: this.#disk?.free,
    }
    for (const [name, instrument] of this.#plain) {
      const value = values[name]
      // What is not known is absent, not 0.
      if (value !== undefined) result.observe(instrument, value)
    }
    for (const { name, state } of subject.health()) {
      result.observe(
        this.#component.instrument,
        Number(state === 'running'),
        this.#component.labels({ component: name }),
      )
    }
  }

  /** @returns how many serve */
  async #readBlocks(subject: MetricsSubject, result: BatchObservableResult): Promise<number> {
    let serving = 0
    const blocks = new Map<string, Map<string, number>>()
    await inSlices(subject.host, subject.blocks(), block => {
      if (SERVING.has(block.state)) serving++
      const reasons = blocks.get(block.state) ?? new Map<string, number>()
      blocks.set(block.state, reasons)
      const reason = reasonOf(block)
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    })
    for (const count of this.#counts.values()) count.blocks = 0
    for (const [state, reasons] of blocks) for (const [reason, many] of reasons) this.#count({ state, reason }, many)
    for (const count of this.#counts.values()) result.observe(this.#blocks.instrument, count.blocks, count.labels)
    return serving
  }

  #count(told: { readonly state: string; readonly reason: string }, blocks: number): void {
    const labels = this.#blocks.labels(told)
    const key = `${labels.state} ${labels.reason}`
    const count = this.#counts.get(key)
    if (count) count.blocks += blocks
    else this.#counts.set(key, { labels, blocks })
  }
}
