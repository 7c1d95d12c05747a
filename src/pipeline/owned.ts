/** The stage of an ownership plugin: it asks the plugin at the moment of the add. */
import { context, trace } from '@opentelemetry/api'
import { codeOf, ErrorCode, errorFields, isOwnershipUnavailable, rawMessageOf } from '../contracts/errors.ts'
import type { Log } from '../contracts/host.ts'
import type { Claim, Epoch, Lease, OwnershipFunction, OwnershipPlugin } from '../contracts/ownership.ts'
import { inSpan } from '../contracts/spans.ts'
import { type BlockContext, type BlockStage, type Next, type Outcome, type Skip, skip } from '../contracts/stage.ts'
import { Attribute, SpanName } from '../contracts/telemetry.ts'
import { type Denial, wrong } from './outcome.ts'

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
  return fromFunction('everything', () => true)
}

/**
 * Lets only owned blocks through. Stands at most once, after the last set stage. A block that is not loaded is claimed
 * just before the add; a loaded one is asked for locally (`handover.owners`), or claimed where there is no handover.
 * @example owned(block => hash(block.ulid) % 3 === 1)
 */
export function owned(ownership: OwnershipPlugin | OwnershipFunction): OwnedStage {
  const plugin = typeof ownership === 'function' ? fromFunction(ownership.name || 'function', ownership) : ownership
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
        const claim = await ask(plugin, block)
        if (claim.status === 'denied') return denied(claim.reason, claim.epoch)
        return await withLease(claim, next, log, block)
      } catch (error) {
        if (!isOwnershipUnavailable(error)) throw error
        const detail = rawMessageOf(error)
        return skip(ErrorCode.ownershipUnavailable, { retain: true, recheck: 'ownership-change', detail })
      }
    },
  }
}

/** The plugin that a stage asks, found without comparing names. */
export function ownershipOf(stage: object): OwnershipPlugin | undefined {
  return 'ownership' in stage ? (stage.ownership as OwnershipPlugin) : undefined
}

/** Asks for the block, under a span where the block has one. */
async function ask(plugin: OwnershipPlugin, { meta, signal }: BlockContext): Promise<Claim> {
  if (!trace.getActiveSpan()) return checked(await plugin.claim(meta, signal))
  return inSpan(SpanName.claim, {}, context.active(), async span => {
    const claim = checked(await plugin.claim(meta, signal))
    span.setAttribute(Attribute.claimStatus, claim.status)
    span.setAttribute(Attribute.claimEpoch, claim.epoch)
    const fence = claim.status === 'granted' ? claim.lease.fence : undefined
    if (fence !== undefined) span.setAttribute(Attribute.claimFence, fence)
    if (claim.owners) span.setAttribute(Attribute.owners, [...claim.owners])
    if (claim.status === 'denied') span.setAttribute(Attribute.reason, claim.reason)
    return claim
  })
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

/** Runs the stages below with the lease, and gives it back. */
async function withLease(
  { lease, epoch }: Extract<Claim, { status: 'granted' }>,
  next: Next,
  log: Log | undefined,
  block: BlockContext,
): Promise<Outcome | Skip> {
  try {
    const outcome = await next({ lease })
    if (outcome.kind !== 'failed') return outcome
    const lost = lease.signal.aborted || codeOf(outcome.error) === ErrorCode.leaseLost
    return lost ? denied(ErrorCode.leaseLost, epoch) : outcome
  } finally {
    // The verdict stands whatever the release says: a lease that cannot be given back runs out by itself.
    try {
      await lease[Symbol.asyncDispose]()
    } catch (error) {
      log?.warn('lease release failed', { block: block.id, ...errorFields(error) })
    }
  }
}

/** Retained: whether a loaded block may go is decided by the release, not by the denial. */
function denied(reason: string, epoch: Epoch): Skip {
  return Object.assign(skip(reason, { retain: true, recheck: 'ownership-change' }), { epoch } satisfies Denial)
}

function fromFunction(name: string, mine: OwnershipFunction): OwnershipPlugin {
  return {
    name,
    exclusive: false,
    epoch: () => 0,
    async claim(block) {
      const answer: unknown = await mine(block)
      // A missing return would drop everything, a word such as 'no' own everything.
      if (typeof answer !== 'boolean') throw wrong(`${name}() must answer true or false`, answer)
      if (answer) return { status: 'granted', epoch: 0, lease: held }
      return { status: 'denied', epoch: 0, reason: 'not-owner', owners: [] }
    },
  }
}
