/** The gauges of blocks, runs, the disk and the components. They are read at each scrape from what the gateway knows. */
import type { Meter } from '@opentelemetry/api'
import { inSlices } from '../async/slices.ts'
import { reasonOf } from '../catalogue/catalogue.ts'
import { ErrorCode } from '../contracts/errors.ts'
import { METRICS } from '../contracts/metric-table.ts'
import type { MeasuredRun, MetricsSubject } from '../contracts/metrics.ts'
import type { Dependency } from '../contracts/ownership.ts'
import { VERSION } from '../version.ts'
import { DiskSample } from './disk.ts'
import { bounded, observed, type Tell } from './instruments.ts'

/** What a bucket says that is there. */
const ANSWERS: ReadonlySet<string> = new Set(['ok', 'not-found', 'conflict'])

const NAMES = [
  'blocks',
  'serving',
  'pendingHandOffOldest',
  'lastCopy',
  'lastCopyOldest',
  'assigned',
  'loaded',
  'loadedBytes',
  'inFlight',
  'viewAge',
  'interval',
  'journalCrashes',
  'unconfirmed',
  'diskUsed',
  'diskFree',
  'component',
  'ready',
  'dependencyUp',
  'buildInfo',
] as const

export class Gauges {
  readonly #readWith
  readonly #labels = bounded(METRICS.blocks)
  /** By state and reason. A pair that was told once is told as 0 when no block is left: the line of a graph then falls to 0. */
  readonly #counts = new Map<string, { readonly labels: { state: string; reason: string }; blocks: number }>()
  #subject: MetricsSubject | undefined
  #disk: DiskSample | undefined
  #assigned: number | undefined
  #bucketUp: boolean | undefined
  /** When the last complete view ended, on the monotonic clock. */
  #viewed: number | undefined

  constructor(meter: Meter) {
    this.#readWith = observed(meter, NAMES)
  }

  observe(subject: MetricsSubject): void {
    this.#subject = subject
    if (subject.files) this.#disk = new DiskSample(subject.files, subject.host)
    this.#readWith(tell => this.#read(subject, tell))
  }

  afterRun({ status, summary, listed, assigned }: MeasuredRun): void {
    if (status === 'done') this.#assigned = assigned
    if (listed && summary.run.complete) this.#viewed = this.#subject?.host.monotonic()
    this.#disk?.take(summary.blocks.added + summary.blocks.dropped > 0)
  }

  /** A request to the bucket ended; `code` as in `blockgate_bucket_requests_total`. */
  requested(code: string): void {
    if (code !== ErrorCode.aborted) this.#bucketUp = ANSWERS.has(code)
  }

  async #read(subject: MetricsSubject, tell: Tell<(typeof NAMES)[number]>): Promise<void> {
    const { host } = subject
    await this.#readBlocks(subject, tell)
    const loaded = subject.guard('sink.loaded', () => subject.loaded())
    let loadedBytes = 0
    await inSlices(host, loaded?.values() ?? [], ({ bytes }) => (loadedBytes += bytes))
    tell('assigned', this.#assigned)
    tell('loaded', loaded?.size)
    tell('loadedBytes', loaded && loadedBytes)
    tell('inFlight', subject.inFlight())
    tell('viewAge', this.#viewed === undefined ? undefined : (host.monotonic() - this.#viewed) / 1000)
    const { due, ms, why } = subject.pace
    tell('interval', due === undefined ? undefined : ms / 1000, { why })
    tell('journalCrashes', subject.deaths())
    tell('unconfirmed', subject.unconfirmed())
    tell('diskUsed', this.#disk?.used)
    tell('diskFree', this.#disk?.free)
    for (const { name, state } of subject.health()) tell('component', Number(state === 'running'), { component: name })
    tell('ready', Number(subject.ready()))
    tell('buildInfo', 1, { version: VERSION })
    const { ownership } = subject.plan
    const asked = subject.guard('ownership.dependencies', () => ownership.dependencies?.()) ?? []
    const bucket: readonly Dependency[] = this.#bucketUp === undefined ? [] : [{ name: 'bucket', up: this.#bucketUp }]
    for (const { name: dependency, server = '', up } of [...bucket, ...asked]) {
      tell('dependencyUp', Number(up), { dependency, server })
    }
  }

  async #readBlocks({ host, blocks }: MetricsSubject, tell: Tell<(typeof NAMES)[number]>): Promise<void> {
    const now = host.now()
    const seen = new Map<string, Map<string, number>>()
    const oldest = { 'pending-hand-off': 0, 'last-copy': 0 }
    await inSlices(host, blocks(), block => {
      const { state, since } = block
      if (state === 'pending-hand-off' || state === 'last-copy') oldest[state] = Math.max(oldest[state], now - since)
      const reasons = seen.get(state) ?? new Map<string, number>()
      seen.set(state, reasons)
      const reason = reasonOf(block)
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    })
    const inState = (state: string) => [...(seen.get(state)?.values() ?? [])].reduce((sum, count) => sum + count, 0)
    tell('serving', inState('serving') + inState('pending-hand-off') + inState('last-copy'))
    tell('pendingHandOffOldest', oldest['pending-hand-off'] / 1000)
    tell('lastCopy', inState('last-copy'))
    tell('lastCopyOldest', oldest['last-copy'] / 1000)
    for (const count of this.#counts.values()) count.blocks = 0
    for (const [state, reasons] of seen) for (const [reason, many] of reasons) this.#count({ state, reason }, many)
    for (const { labels, blocks } of this.#counts.values()) tell('blocks', blocks, labels)
  }

  #count(told: { readonly state: string; readonly reason: string }, blocks: number): void {
    const labels = this.#labels(told)
    const key = `${labels.state} ${labels.reason}`
    const count = this.#counts.get(key)
    if (count) count.blocks += blocks
    else this.#counts.set(key, { labels, blocks })
  }
}
