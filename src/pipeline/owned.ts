/** The seat of an ownership plugin in a pipeline: asks it at the moment of the add. */
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { type BlockgateError, codeOf, ErrorCode, isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Log } from '../contracts/host.ts'
import type { Claim, Epoch, Lease, OwnershipFunction, OwnershipPlugin } from '../contracts/ownership.ts'
import { type BlockContext, type BlockStage, type Next, type Outcome, type Skip, skip } from '../contracts/stage.ts'
import { Attribute, SpanName, tracer } from '../contracts/telemetry.ts'
import { type Denial, misuse } from './outcome.ts'

export interface OwnedStage extends BlockStage {
  readonly ownership: OwnershipPlugin
}

/** A lease that is always held: for plugins that have nothing to lose. */
export const held: Lease = {
  fence: undefined,
  signal: new AbortController().signal,
  assertHeld() {},
  async [Symbol.asyncDispose]() {},
}

/** Owns every block: one gateway, or all of them the same. The engine's default where no `owned()` stands. */
export function everything(): OwnershipPlugin {
  return {
    name: 'everything',
    exclusive: false,
    epoch: () => 0,
    claim: async () => ({ status: 'granted', epoch: 0, lease: held }),
  }
}

/**
 * Lets only owned blocks through. Stands at most once, after the last set stage. A block that is not loaded is claimed
 * just before the add; a loaded one is asked for locally (`handover.owners`), or claimed where there is no handover.
 * @example owned(block => hash(block.ulid) % 3 === 1)
 */
export function owned(ownership: OwnershipPlugin | OwnershipFunction): OwnedStage {
  const plugin = typeof ownership === 'function' ? fromFunction(ownership) : ownership
  let me = ''
  let log: Log | undefined
  return {
    kind: 'block',
    name: 'owned',
    ownership: plugin,
    needs: plugin?.needs ?? [],
    check() {
      const { claim, epoch } = Object(plugin)
      if (typeof claim === 'function' && typeof epoch === 'function') return plugin.check?.() ?? []
      return [{ path: '', must: 'be given an ownership plugin, or a function', value: plugin }]
    },
    async start(services, signal) {
      me = services.instance.id
      log = services.host.log
      await plugin.start?.(services, signal)
    },
    async stop(signal) {
      await plugin.stop?.(signal)
    },
    async handle(block, next) {
      try {
        if (block.loaded && plugin.handover) {
          const target = plugin.handover.owners(block.meta).some(o => o.target && o.member === me)
          return target ? await next() : denied('not-owner', plugin.epoch(block.meta))
        }
        const claim = checked(await traced(plugin, block))
        if (claim.status === 'denied') return denied(claim.reason, claim.epoch)
        return await withLease(claim, next, log, block)
      } catch (error) {
        if (!isOwnershipUnavailable(error)) throw error
        return skip(ErrorCode.ownershipUnavailable, {
          retain: true,
          recheck: 'ownership-change',
          detail: rawMessageOf(error),
        })
      }
    },
  }
}

/** The plugin in a stage's seat, found without comparing names. */
export function ownershipOf(stage: object): OwnershipPlugin | undefined {
  return 'ownership' in stage ? (stage.ownership as OwnershipPlugin) : undefined
}

/**
 * A half-made answer must not own a block, and not deny it either. The reason of a denial is checked as every skip's is.
 * @throws BlockgateError `stage-misuse`
 */
function checked(claim: Claim): Claim {
  const { status, epoch, lease } = Object(claim)
  if (status !== 'granted' && status !== 'denied') throw wrong('claim() must answer granted or denied', status)
  if (!Number.isFinite(epoch)) throw wrong('the epoch of a claim must be a finite number', epoch)
  if (status === 'granted' && !(lease?.signal && lease.assertHeld && lease[Symbol.asyncDispose])) {
    throw wrong('a lease must have signal, assertHeld() and [Symbol.asyncDispose]()', lease)
  }
  return claim
}

function wrong(what: string, value: unknown): BlockgateError {
  return misuse(
    `${what}: current value is ${typeof value === 'object' && value ? 'an object' : typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
  )
}

async function withLease(
  claim: Extract<Claim, { status: 'granted' }>,
  next: Next,
  log: Log | undefined,
  block: BlockContext,
): Promise<Outcome | Skip> {
  const { lease, epoch } = claim
  try {
    const outcome = await next({ lease })
    if (outcome.kind !== 'failed' || !lost(lease, outcome.error)) return outcome
    return denied(ErrorCode.leaseLost, epoch)
  } finally {
    // The verdict stands whatever the release says: a lease that cannot be given back runs out by itself.
    try {
      await lease[Symbol.asyncDispose]()
    } catch (error) {
      log?.warn('lease release failed', { block: block.id, code: codeOf(error), error: rawMessageOf(error) })
    }
  }
}

function lost(lease: Lease, error: unknown): boolean {
  return lease.signal.aborted || codeOf(error) === ErrorCode.leaseLost
}

/** Retained: whether a loaded block may go is decided by the release, not by the denial. */
function denied(reason: string, epoch: Epoch): Skip {
  return Object.assign(skip(reason, { retain: true, recheck: 'ownership-change' }), { epoch } satisfies Denial)
}

function traced(plugin: OwnershipPlugin, block: BlockContext): Promise<Claim> {
  if (!trace.getActiveSpan()) return plugin.claim(block.meta, block.signal)
  return tracer().startActiveSpan(SpanName.claim, async span => {
    try {
      const claim = checked(await plugin.claim(block.meta, block.signal))
      span.setAttribute(Attribute.claimStatus, claim.status)
      span.setAttribute(Attribute.claimEpoch, claim.epoch)
      if (claim.status === 'granted' && claim.lease.fence !== undefined) {
        span.setAttribute(Attribute.claimFence, claim.lease.fence)
      }
      return claim
    } catch (error) {
      span.setAttribute(Attribute.errorCode, codeOf(error) ?? ErrorCode.internal)
      span.setStatus({ code: SpanStatusCode.ERROR, message: rawMessageOf(error) })
      throw error
    } finally {
      span.end()
    }
  })
}

function fromFunction(mine: OwnershipFunction): OwnershipPlugin {
  return {
    name: mine.name === '' ? 'function' : mine.name,
    exclusive: false,
    epoch: () => 0,
    async claim(block) {
      const answer: unknown = await mine(block)
      // A missing return would drop everything, a word such as 'no' own everything.
      if (typeof answer !== 'boolean') throw wrong(`${this.name}() must answer true or false`, answer)
      if (answer) return { status: 'granted', epoch: 0, lease: held }
      return { status: 'denied', epoch: 0, reason: 'not-owner', owners: [] }
    },
  }
}
