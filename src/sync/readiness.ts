/**
 * Whether this gateway may be asked: from the moment when every block assigned to it has a verdict, and until it stops. A
 * latch: no new block, no corrupt one, no churn and no lost store takes it back.
 */
import type { BlockId, BlockMeta, Candidate } from '../contracts/block.ts'
import { ErrorCode, isOwnershipUnavailable } from '../contracts/errors.ts'
import type { Epoch, Handover, OwnershipPlugin } from '../contracts/ownership.ts'
import type { Engine } from './engine.ts'
import type { RunReport, RunResult } from './run-result.ts'
import type { Offered } from './view.ts'

export interface Readiness {
  readonly ready: boolean
  /** Nothing new is begun any more. */
  readonly stopping: boolean
  /** One sentence, without a final period. */
  readonly reason: string
  /** It is ready, and does not know of some blocks whether they belong here: `reason` says why. */
  readonly partial?: boolean
  /** It is not ready, and knows all blocks of the bucket: a query may be answered whose blocks are all here. */
  readonly known?: boolean
}

/** Why a gateway is ready that knows of no member but itself. */
const ALONE =
  'the member store cannot be reached: what is held is served, and which other blocks belong here is not known'
/** Runs after the first that a moving epoch may ask for before the gateway is ready. */
const MAX_PASSES = 2
/** How often a gateway that is not ready yet checks whether it is, ms. */
const CHECK_MS = 1_000
/** The same, while a check of many blocks goes on, ms: others have their turn in between. */
const CHECK_ON_MS = 5

export class ReadyLatch {
  readonly #engine: Engine
  readonly #offers: () => Offered | undefined
  readonly #coverage = new Coverage()
  /** Every block had a verdict, at some time. */
  #complete = false
  /** The member store could not be reached at the start, for longer than the grace for it, and blocks were held. */
  #alone = false
  #passes = 0
  #told = false
  #stopping = false
  #timer: Disposable | undefined

  /** `offers`: as in Runner. */
  constructor(engine: Engine, offers: () => Offered | undefined) {
    this.#engine = engine
    this.#offers = offers
  }

  /** Checks again and again until it is ready, where ownership is handed over. */
  watch(): void {
    if (this.#stopping || !this.#handover) return
    this.check()
    if (this.#complete || this.#alone) return
    const ms = this.#coverage.unfinished ? CHECK_ON_MS : CHECK_MS
    this.#timer = this.#engine.host.setTimer(ms, () => this.watch())
  }

  /** A run has ended. `current`: ownership has not moved since it began. */
  runEnded(result: RunResult, current: boolean): void {
    // Ownership that moved during the first run gets its runs too; ownership that never rests must not keep us unready.
    if (isComplete(result)) this.#complete ||= current || ++this.#passes > MAX_PASSES
    this.check()
  }

  check(): void {
    const { faults, plan, host, instance } = this.#engine
    const handover = this.#handover
    const offers = this.#offers()
    if (!this.#complete && handover && offers) {
      const covered = () => this.#coverage.check(offers, plan.ownership, plan.sink.stage.loaded(), instance.id)
      this.#complete = faults.guard('handover.owners', covered) ?? false
    }
    // A store that comes back takes nothing back. What holds nothing has nothing to serve meanwhile.
    this.#alone ||= this.#standing === 'alone' && this.#held > 0
    if (!(this.#complete || this.#alone) || this.#told || this.#stopping) return
    this.#told = true
    if (this.#complete) host.log.info('ready', { blocks: this.#held })
    else host.log.warn(ALONE, { blocks: this.#held })
    // Before that nobody may let go of a block because it is loaded here.
    faults.guard('handover.ready', () => handover?.ready(true))
  }

  stop(): void {
    this.#stopping = true
    this.#timer?.[Symbol.dispose]()
    this.#engine.faults.guard('handover.ready', () => this.#handover?.ready(false))
  }

  /** `last`: the last run; undefined before the first. */
  state(last: RunReport | undefined): Readiness {
    this.check()
    const unknown = this.#engine.faults.guard('handover.unknown', () => this.#handover?.unknown?.())
    const because = (why: string | undefined) => (why === undefined ? '' : `: ${why}`)
    const cause = because(unknown ?? last?.error?.rawMessage)
    const stopping = this.#stopping
    const no = (reason: string): Readiness => ({ ready: false, stopping, reason })
    const standing = this.#standing
    if (stopping) return no('the gateway is stopping')
    if (standing === 'superseded') return no('a newer process has the id of this gateway')
    if (standing === 'leaving' && this.#held === 0) return no('drained: others serve every block')
    if (this.#complete) {
      const restsOn = last?.summary.run.restsOn
      return { ready: true, stopping, reason: `every block had a verdict${restsOn ? `, by ${restsOn}` : ''}` }
    }
    if (this.#alone) return { ready: true, stopping, reason: `${ALONE}${because(unknown)}`, partial: true }
    if (standing === 'alone') {
      const what = 'the member store cannot be reached and no block is held: which blocks belong here is not known'
      return no(`${what}${because(unknown)}`)
    }
    const known = this.#offers() && { known: true }
    if (!last) return { ...no(`the first run has not ended${cause}`), ...known }
    if (last.status === 'done') return { ...no(`no run so far gave every block a verdict${cause}`), ...known }
    return { ...no(`no run was done so far: the last one ${last.status}${cause}`), ...known }
  }

  get #handover(): Handover | undefined {
    return this.#engine.plan.ownership.handover
  }

  get #standing() {
    return this.#engine.faults.guard('handover.standing', () => this.#handover?.standing())
  }

  get #held(): number {
    return this.#engine.faults.guard('sink.loaded', () => this.#engine.plan.sink.stage.loaded().size) ?? Number.NaN
  }
}

/** True for a run after which nothing is unknown: it knew all blocks, and nobody left a question about one open. */
function isComplete({ status, summary: { run, stages } }: RunResult): boolean {
  if (status !== 'done' || !(run.complete || run.restsOn !== undefined)) return false
  return !stages.some(({ skipped }) => skipped[ErrorCode.ownershipUnavailable])
}

/** Blocks that are checked without a break: one takes some 10 µs, and 50 µs among a hundred members. */
const CHECKS = 200

/**
 * Whether nobody misses this gateway: each block assigned to it is loaded here, served by a live other, or held back by a
 * stage. So one that joins a healthy cluster is ready at once, for the old owners keep theirs until it serves them.
 */
class Coverage {
  #offered: Offered['offered'] = []
  #epoch: Epoch = 0
  /** The block that is checked next; and how many before it, round the list, were covered since anything changed. */
  #at = 0
  #covered = 0

  /** True while every block it came to was covered, and some are left to check. */
  get unfinished(): boolean {
    return this.#covered > 0 && this.#covered < this.#offered.length
  }

  /**
   * Goes on from the block where the last check ended: one that is missed still answers for all others at once. Some checks
   * go once round a long list.
   */
  check(
    { offered, outcomes }: Offered,
    ownership: OwnershipPlugin,
    loaded: { has(id: BlockId): boolean },
    me: string,
  ): boolean {
    const epoch = ownership.epoch()
    if (offered !== this.#offered) this.#at = 0
    if (offered !== this.#offered || epoch !== this.#epoch) this.#covered = 0
    this.#offered = offered
    this.#epoch = epoch
    for (let left = CHECKS; left > 0 && this.#covered < offered.length; left--) {
      const { meta } = offered[this.#at] as Candidate
      const outcome = outcomes.get(meta.ulid)
      const fine =
        loaded.has(meta.ulid) ||
        (outcome?.kind === 'skipped' && !outcome.recheck) ||
        isServed(meta, ownership.handover, me)
      this.#covered = fine ? this.#covered + 1 : 0
      if (!fine) return false
      this.#at = (this.#at + 1) % offered.length
    }
    return this.#covered === offered.length
  }
}

/** By another, or it is not this gateway's to serve. False where that is not known. */
function isServed(meta: BlockMeta, handover: Handover | undefined, me: string): boolean {
  try {
    const owners = handover?.owners(meta) ?? []
    return !owners.some(o => o.target && o.member === me) || owners.some(o => o.serves && o.live && o.member !== me)
  } catch (error) {
    if (isOwnershipUnavailable(error)) return false
    throw error
  }
}
