/**
 * Tells the ownership plugin which blocks this process serves. Added blocks are advertised soon after they are served, in batches.
 * Dropped blocks are withdrawn before they go, and the drop waits for it: to advertise a block that is gone costs data.
 */
import { inSlices, pause } from '../async/slices.ts'
import type { BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockMap, BlockSet } from '../contracts/block-map.ts'
import { errorFields } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Handover } from '../contracts/ownership.ts'
import type { BlockTrace } from './block-trace.ts'

/** Blocks in one call: after an outage as many may wait as there are, and a heartbeat waits for the calls before it. */
const BATCH = 1_000

export class AdvertisedBlocks {
  readonly #handover: Handover | undefined
  readonly #host: Host
  readonly #isHeld: (id: BlockId) => boolean
  readonly #stop = new AbortController()
  /** With the trace of its add, where there is one. */
  readonly #added = new BlockMap<BlockTrace | undefined>()
  #telling: Promise<void> | undefined

  /** `isHeld`: whether the sink holds the block now. */
  constructor(handover: Handover | undefined, host: Host, isHeld: (id: BlockId) => boolean) {
    this.#handover = handover
    this.#host = host
    this.#isHeld = isHeld
  }

  /** Everything that is served, at start. A store that cannot be reached is no reason not to serve: it is told later. */
  async publish(served: Iterable<BlockId>): Promise<void> {
    if (!this.#handover) return
    const all = new BlockSet()
    await inSlices(this.#host, served, id => all.add(id))
    try {
      await this.#handover.publish(all, this.#stop.signal)
    } catch (error) {
      await this.#later('publish', new Map(all.values().map(id => [id, undefined])), error)
    }
  }

  /** The block is served now. Returns at once. */
  added(meta: BlockMeta, trace: BlockTrace): void {
    if (!this.#handover) return
    trace.shown(meta)
    this.#added.set(meta.ulid, trace)
    // Nobody waits: 100,000 that wait for one batch would all go on in one turn of the event loop.
    this.#begin()
  }

  /** Only after this resolved may the blocks be dropped. */
  async withdraw(ids: readonly BlockId[], signal: AbortSignal): Promise<void> {
    if (!this.#handover || ids.length === 0) return
    await this.#telling
    for (const id of ids) this.#added.delete(id)
    await this.#handover.serve({ added: [], dropped: ids }, signal)
  }

  /** Resolves when everything added so far was told, or could not be and was logged. */
  async told(): Promise<void> {
    this.#begin()
    await this.#telling
  }

  stop(): void {
    this.#stop.abort()
  }

  #begin(): void {
    if (this.#added.size === 0) return
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined
    })
  }

  async #tell(): Promise<void> {
    while (this.#added.size > 0 && !this.#stop.signal.aborted) {
      const added = new Map(this.#added.entries().take(BATCH))
      for (const id of added.keys()) this.#added.delete(id)
      try {
        // What waited here for a store that was away may have been released since. No pause: it must hold when it is told.
        const batch = [...added.keys()].filter(this.#isHeld)
        if (batch.length === 0) return
        const traces = new Map<BlockId, string>()
        for (const [id, trace] of added) if (trace?.traceparent) traces.set(id, trace.traceparent)
        await this.#handover?.serve({ added: batch, dropped: [], traces }, this.#stop.signal)
        for (const trace of added.values()) trace?.told()
        await pause(this.#host)
      } catch (error) {
        await this.#later('serve', added, error)
        return
      }
    }
  }

  async #later(what: string, added: ReadonlyMap<BlockId, BlockTrace | undefined>, error: unknown): Promise<void> {
    this.#host.log.warn('blocks were not advertised, will be tried again', {
      what,
      blocks: added.size,
      ...errorFields(error),
    })
    await inSlices(this.#host, added, ([id, trace]) => this.#added.set(id, trace))
  }
}
