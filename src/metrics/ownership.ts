/** What is read at each scrape of who owns and serves what: from the catalogue and the ownership plugin's hand-over. */
import type { BatchObservableResult, Meter } from '@opentelemetry/api'
import type { BlockMeta } from '../block.ts'
import { isOwnershipUnavailable } from '../errors.ts'
import { ownershipOf } from '../owned.ts'
import type { Handover, MemberState } from '../ownership.ts'
import type { Plan } from '../plan.ts'
import { counted, gauge } from './instruments.ts'
import type { MeasuredBlock, MetricsSubject } from './metrics.ts'
import { METRICS } from './table.ts'

const MEMBER_STATES: readonly MemberState[] = ['active', 'leaving', 'down']
/** Of a block that is, or is to be, in somebody's hands. One that lingers is counted by those who are to have it. */
const WANTED: ReadonlySet<string> = new Set(['pending', 'loading', 'serving', 'failed'])

export class OwnershipGauges {
  readonly #meter: Meter
  readonly #lingeringOldest
  readonly #pinned
  readonly #pinnedOldest
  readonly #underReplicated
  readonly #epoch
  readonly #members
  readonly #expiriesRefused
  readonly #storeErrors
  readonly #storeBroken

  constructor(meter: Meter) {
    this.#meter = meter
    this.#lingeringOldest = gauge(meter, METRICS.lingeringOldest).instrument
    this.#pinned = gauge(meter, METRICS.pinned).instrument
    this.#pinnedOldest = gauge(meter, METRICS.pinnedOldest).instrument
    this.#underReplicated = gauge(meter, METRICS.underReplicated).instrument
    this.#epoch = gauge(meter, METRICS.epoch).instrument
    this.#members = gauge(meter, METRICS.members)
    this.#expiriesRefused = counted(meter, METRICS.expiriesRefused)
    this.#storeErrors = counted(meter, METRICS.storeErrors)
    this.#storeBroken = counted(meter, METRICS.storeBroken)
  }

  observe(subject: MetricsSubject): void {
    const ofBlocks = [this.#lingeringOldest, this.#pinned, this.#pinnedOldest]
    this.#meter.addBatchObservableCallback(result => this.#readAges(subject, result), ofBlocks)
    const { handover } = subject.plan.ownership
    if (!handover) return
    this.#meter.addBatchObservableCallback(
      result => this.#readHandover(subject, handover, result),
      [
        this.#underReplicated,
        this.#epoch,
        this.#members.instrument,
        this.#expiriesRefused,
        this.#storeErrors,
        this.#storeBroken,
      ],
    )
  }

  #readAges({ host, blocks }: MetricsSubject, result: BatchObservableResult): void {
    const now = host.now()
    let lingeringOldest = 0
    let pinned = 0
    let pinnedOldest = 0
    for (const { state, since } of blocks()) {
      if (state === 'lingering') lingeringOldest = Math.max(lingeringOldest, now - since)
      if (state !== 'pinned') continue
      pinned++
      pinnedOldest = Math.max(pinnedOldest, now - since)
    }
    result.observe(this.#lingeringOldest, lingeringOldest / 1000)
    result.observe(this.#pinned, pinned)
    result.observe(this.#pinnedOldest, pinnedOldest / 1000)
  }

  #readHandover(subject: MetricsSubject, handover: Handover, result: BatchObservableResult): void {
    result.observe(this.#epoch, subject.plan.ownership.epoch())
    const underReplicated = underReplicatedOf(subject, handover)
    if (underReplicated !== undefined) result.observe(this.#underReplicated, underReplicated)
    const members = handover.members()
    for (const state of MEMBER_STATES) {
      const count = members.filter(member => member.state === state).length
      result.observe(this.#members.instrument, count, this.#members.labels({ state }))
    }
    const { refusedExpiries, storeErrors, broken } = handover.counts()
    result.observe(this.#expiriesRefused, refusedExpiries)
    result.observe(this.#storeErrors, storeErrors)
    result.observe(this.#storeBroken, broken)
  }
}

/** Undefined where the owners cannot be known now. */
function underReplicatedOf({ plan, instance, blocks }: MetricsSubject, handover: Handover): number | undefined {
  const isWanted = wanted(plan)
  let count = 0
  try {
    for (const block of blocks()) {
      const meta = block.candidate?.meta
      if (meta && isWanted(block) && lacksCopies(handover, meta, instance.id)) count++
    }
  } catch (error) {
    if (!isOwnershipUnavailable(error)) throw error
    return undefined
  }
  return count
}

/** A skip counts where owned() or the sink made it: what a filter keeps out is nobody's to serve. */
function wanted({ segments, sink }: Plan): (block: MeasuredBlock) => boolean {
  const owned = segments.flatMap(({ stages }) => stages).find(({ stage }) => ownershipOf(stage))
  return ({ state, by }) => WANTED.has(state) || (state === 'skipped' && (by === owned?.name || by === sink.name))
}

function lacksCopies(handover: Handover, meta: BlockMeta, me: string): boolean {
  const owners = handover.owners(meta)
  if (owners.find(owner => owner.live)?.member !== me) return false
  const targets = owners.filter(owner => owner.target).length
  return owners.filter(owner => owner.live && owner.serves).length < targets
}
