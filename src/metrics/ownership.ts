/** What is read at each scrape of who owns and serves what: from the catalogue and the ownership plugin's hand-over. */
import type { BatchObservableResult, Meter } from '@opentelemetry/api'
import { inSlices } from '../async/slices.ts'
import { METRICS } from '../contracts/metric-table.ts'
import type { MetricsSubject } from '../contracts/metrics.ts'
import type { Handover, MemberState, Standing } from '../contracts/ownership.ts'
import { counted, gauge } from './instruments.ts'
import { UnderReplicated } from './under-replicated.ts'

const MEMBER_STATES: readonly MemberState[] = ['active', 'leaving', 'down']
const STANDINGS: readonly Standing[] = ['joining', 'alone', 'member', 'leaving', 'superseded']

export class OwnershipGauges {
  readonly #meter: Meter
  readonly #pendingHandOffOldest
  readonly #lastCopy
  readonly #lastCopyOldest
  readonly #underReplicated
  readonly #epoch
  readonly #members
  readonly #standing
  readonly #expiriesRefused
  readonly #heartbeatDelay
  readonly #storeErrors
  readonly #storeBroken

  constructor(meter: Meter) {
    this.#meter = meter
    this.#pendingHandOffOldest = gauge(meter, METRICS.pendingHandOffOldest).instrument
    this.#lastCopy = gauge(meter, METRICS.lastCopy).instrument
    this.#lastCopyOldest = gauge(meter, METRICS.lastCopyOldest).instrument
    this.#underReplicated = gauge(meter, METRICS.underReplicated).instrument
    this.#epoch = gauge(meter, METRICS.epoch).instrument
    this.#members = gauge(meter, METRICS.members)
    this.#standing = gauge(meter, METRICS.standing)
    this.#expiriesRefused = counted(meter, METRICS.expiriesRefused)
    this.#heartbeatDelay = gauge(meter, METRICS.heartbeatDelay).instrument
    this.#storeErrors = counted(meter, METRICS.storeErrors)
    this.#storeBroken = counted(meter, METRICS.storeBroken)
  }

  observe(subject: MetricsSubject): void {
    const ofBlocks = [this.#pendingHandOffOldest, this.#lastCopy, this.#lastCopyOldest]
    this.#meter.addBatchObservableCallback(result => this.#readAges(subject, result), ofBlocks)
    const { handover } = subject.plan.ownership
    if (!handover) return
    const counter = new UnderReplicated(subject, handover)
    this.#meter.addBatchObservableCallback(
      async result => {
        const count = await counter.count()
        if (count !== undefined) result.observe(this.#underReplicated, count)
      },
      [this.#underReplicated],
    )
    this.#meter.addBatchObservableCallback(
      result => this.#readHandover(subject, handover, result),
      [
        this.#epoch,
        this.#members.instrument,
        this.#standing.instrument,
        this.#expiriesRefused,
        this.#heartbeatDelay,
        this.#storeErrors,
        this.#storeBroken,
      ],
    )
  }

  async #readAges({ host, blocks }: MetricsSubject, result: BatchObservableResult): Promise<void> {
    const now = host.now()
    let pendingHandOffOldest = 0
    let lastCopy = 0
    let lastCopyOldest = 0
    await inSlices(host, blocks(), ({ state, since }) => {
      if (state === 'pending-hand-off') pendingHandOffOldest = Math.max(pendingHandOffOldest, now - since)
      if (state !== 'last-copy') return
      lastCopy++
      lastCopyOldest = Math.max(lastCopyOldest, now - since)
    })
    result.observe(this.#pendingHandOffOldest, pendingHandOffOldest / 1000)
    result.observe(this.#lastCopy, lastCopy)
    result.observe(this.#lastCopyOldest, lastCopyOldest / 1000)
  }

  #readHandover({ plan, guard }: MetricsSubject, handover: Handover, result: BatchObservableResult): void {
    const epoch = guard('ownership.epoch', () => plan.ownership.epoch())
    if (epoch !== undefined) result.observe(this.#epoch, epoch)
    const members = guard('handover.members', () => (handover.known?.() === false ? undefined : handover.members()))
    for (const state of members ? MEMBER_STATES : []) {
      const count = members?.filter(member => member.state === state).length ?? 0
      result.observe(this.#members.instrument, count, this.#members.labels({ state }))
    }
    const now = guard('handover.standing', () => handover.standing())
    for (const standing of now === undefined ? [] : STANDINGS) {
      result.observe(this.#standing.instrument, Number(standing === now), this.#standing.labels({ standing }))
    }
    const counts = guard('handover.counts', () => handover.counts())
    if (!counts) return
    if (counts.heartbeatDelayMs !== undefined) result.observe(this.#heartbeatDelay, counts.heartbeatDelayMs / 1000)
    result.observe(this.#expiriesRefused, counts.refusedExpiries)
    result.observe(this.#storeErrors, counts.storeErrors)
    result.observe(this.#storeBroken, counts.broken)
  }
}
