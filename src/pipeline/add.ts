/** The innermost step of a pipeline: prepare → verify → commit. */
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, codeOf, ErrorCode, errorFields, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Metrics } from '../contracts/metrics.ts'
import type { Named } from '../contracts/plan.ts'
import type { BlockContext, BlockSink, BlockSource, PreparedBlock } from '../contracts/stage.ts'
import type { AdvertisedBlocks } from './advertised.ts'
import type { BlockTrace } from './block-trace.ts'
import type { Chain } from './compose.ts'
import type { DiskBudget, Room } from './disk-budget.ts'
import { type LoadJournal, POISON_CRASHES } from './journal.ts'
import { added, failed, skippedBy, unchanged } from './outcome.ts'

export interface AddDeps {
  readonly source: Named<BlockSource>
  readonly sink: Named<BlockSink>
  readonly host: Host
  readonly journal: LoadJournal
  readonly advertised: AdvertisedBlocks
  readonly budget: DiskBudget
  readonly metrics: Metrics | undefined
  /** Called when a load begins. */
  readonly onLoading: (id: BlockId) => void
}

/** Adds one block to the sink. Never rejects. A block the sink holds already is `unchanged`, or `added` by this run. */
export function adder(deps: AddDeps): Chain {
  const { source, sink, budget } = deps
  return async (block, { trace }) => {
    try {
      if (sink.stage.loaded().has(block.id)) {
        sink.stage.offered?.(block.meta)
        return block.run.loaded.has(block.id) ? unchanged : added
      }
    } catch (error) {
      return failed(sink.name, error)
    }
    return trace.stage(sink.name, async () => {
      let room: Room | undefined
      try {
        // Before the load: one that does not fit on the disk would cost bucket requests for nothing.
        room = budget.room(block.id)
        await load(deps, block, room, trace)
        return added
      } catch (error) {
        // `retain`: the block is wanted still. Blocks that others take over will free space for it.
        if (codeOf(error) === ErrorCode.diskBudget) return skippedBy(sink.name, ErrorCode.diskBudget, undefined, true)
        const by = Object(error).at === source.name ? source.name : sink.name
        // It was told, and is gone meanwhile.
        const isGone = by === source.name && codeOf(error) === ErrorCode.notFound
        return isGone ? skippedBy(by, 'no-meta-json', rawMessageOf(error)) : failed(by, error)
      } finally {
        room?.end()
      }
    })
  }
}

async function load(deps: AddDeps, block: BlockContext, room: Room, trace: BlockTrace): Promise<void> {
  const { sink, host, journal, advertised, metrics, onLoading } = deps
  const crashes = journal.crashes(block.id)
  if (crashes > 0) trace.say('deaths', crashes)
  if (crashes >= POISON_CRASHES) {
    throw new BlockgateError(ErrorCode.poison, `the process crashed ${crashes} times while it loaded this block`)
  }
  onLoading(block.id)
  let loaded = false
  let prepared: PreparedBlock | undefined
  try {
    trace.mark('journal')
    await journal.begin(block.id)
    verify(block, 'load', trace)
    trace.mark('prepare')
    const confirmed = confirm(deps, block)
    try {
      prepared = await sink.stage.prepare({ ...block, reserve: room.reserve })
    } finally {
      // Also of a load that failed: a block that is not what the source has told may well have no such files.
      if (confirmed) await confirmed
    }
    trace.say('warm', prepared.warm)
    // The load may have taken minutes: what was true before it need not be true now.
    verify(block, 'commit', trace)
    room.reserve(prepared.bytes)
    trace.mark('commit')
    await prepared.commit()
    loaded = true
    room.keep()
  } catch (error) {
    if (block.lease?.signal.aborted || codeOf(error) === ErrorCode.leaseLost) metrics?.addAborted(prepared?.bytes ?? 0)
    throw error
  } finally {
    await tidyUp(prepared, host, block)
    // Not awaited, to save each block a write. If the process crashes before it, the block is loaded alone once.
    void journal.end(block.id, loaded)
  }
  advertised.added(block.meta, trace)
  metrics?.added(sink.stage.loaded().get(block.id)?.bytes ?? 0, block)
}

/** Beside the load, so that it costs no time. */
function confirm({ source: { name, stage } }: AddDeps, block: BlockContext): Promise<void> | undefined {
  const confirmed = stage.confirm?.(block)?.catch(error => {
    if (!block.signal.aborted) throw BlockgateError.from(error, ErrorCode.stageFailed, name)
  })
  // The load goes on to its end.
  confirmed?.catch(() => {})
  return confirmed
}

function verify({ signal, lease }: BlockContext, before: 'load' | 'commit', trace: BlockTrace): void {
  trace.mark('verify')
  signal.throwIfAborted()
  lease?.assertHeld(before)
  trace.say(before === 'load' ? 'leaseAtLoad' : 'leaseAtCommit', lease?.remainingMs)
}

/** Never rejects: after a commit the block is served, and before it the error of the load matters more. */
async function tidyUp(prepared: PreparedBlock | undefined, { log }: Host, { id }: BlockContext): Promise<void> {
  try {
    await prepared?.[Symbol.asyncDispose]()
  } catch (error) {
    log.warn('tidying up after an add failed', { block: id, ...errorFields(error) })
  }
}
