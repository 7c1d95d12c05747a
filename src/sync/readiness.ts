/**
 * Whether this gateway may be asked: from the moment when every block assigned to it has a verdict, and until it stops. A
 * latch: no new block, no corrupt one, no churn and no lost store takes it back.
 */
import type { BlockId, BlockMeta, Candidate } from '../contracts/block.ts'
import { ErrorCode, isOwnershipUnavailable } from '../contracts/errors.ts'
import type { Epoch, Handover, OwnershipPlugin, Standing } from '../contracts/ownership.ts'
import type { RunResult } from './run-result.ts'
import type { Offered } from './view.ts'

export interface Readiness {
  readonly ready: boolean
  /** Nothing new is begun any more. */
  readonly stopping: boolean
  /** One sentence, without a final period. */
  readonly reason: string
  /** It is ready, and does not know of some blocks whether they belong here: `reason` says why. */
  readonly partial?: boolean
}

/** Why a gateway is ready that knows of no member but itself. */
export const ALONE =
  'the member store cannot be reached: what is held is served, and which other blocks belong here is not known'

/** What readiness() is told. */
export interface ReadinessFacts {
  /** Every block had a verdict, at some time. */
  readonly settled: boolean
  /** The member store could not be reached at the start, for longer than the grace for it, and blocks were held. */
  readonly alone: boolean
  readonly stopping: boolean
  /** How the last run ended; undefined before the first. */
  readonly last: Pick<RunResult, 'status' | 'error'> | undefined
  /** As in Handover. */
  readonly unknown: string | undefined
  /** Undefined where the plugin has no handover. */
  readonly standing: Standing | undefined
  /** How many blocks are loaded. */
  readonly held: number
}

export function readiness(facts: ReadinessFacts): Readiness {
  const { settled, alone, stopping, last, standing, held, unknown } = facts
  const because = (why: string | undefined) => (why === undefined ? '' : `: ${why}`)
  const cause = because(unknown ?? last?.error?.rawMessage)
  const no = (reason: string): Readiness => ({ ready: false, stopping, reason })
  if (stopping) return no('the gateway is stopping')
  if (standing === 'superseded') return no('a newer process has the id of this gateway')
  if (standing === 'leaving' && held === 0) return no('drained: others serve every block')
  if (settled) return { ready: true, stopping, reason: 'every block had a verdict' }
  if (alone) {
    return { ready: true, stopping, reason: `${ALONE}${because(unknown)}`, partial: true }
  }
  if (standing === 'alone') {
    return no(
      `the member store cannot be reached and no block is held: which blocks belong here is not known${because(unknown)}`,
    )
  }
  if (!last) return no(`the first run has not ended${cause}`)
  if (last.status === 'done') return no(`no run so far gave every block a verdict${cause}`)
  return no(`no run was done so far: the last one ${last.status}${cause}`)
}

/** True for a run after which nothing is unknown: it saw the whole bucket, and nobody left a question about a block open. */
export function settles({ status, summary }: RunResult): boolean {
  if (status !== 'done' || !summary.run.complete) return false
  return !summary.stages.some(({ skipped }) => skipped[ErrorCode.ownershipUnavailable])
}

/** Blocks that are looked at without a break: one takes some 10 µs, and 50 µs among a hundred members. */
const LOOKS = 200

/**
 * Whether nobody misses this gateway: each block assigned to it is loaded here, served by a live other, or held back by a
 * stage. So one that joins a healthy cluster is ready at once, for the old owners linger.
 */
export class Coverage {
  #offered: Offered['offered'] = []
  #epoch: Epoch = 0
  /** The block that is looked at next; and how many before it, round the list, were covered since anything changed. */
  #at = 0
  #covered = 0

  /** True while every block it came to was covered, and some are left to look at. */
  get unfinished(): boolean {
    return this.#covered > 0 && this.#covered < this.#offered.length
  }

  /**
   * Goes on from the block where the last look ended: one that is missed still answers for all others at once. Some looks
   * go once round a long list.
   */
  look(
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
    for (let left = LOOKS; left > 0 && this.#covered < offered.length; left--) {
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
