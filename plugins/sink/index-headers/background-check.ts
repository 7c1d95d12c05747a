/** Reads all of each header that was there at the start, while the gateway is at work: at the start it would take minutes. */
import { type BlockId, type Host, type LoadedBlock, rawMessageOf, sleep } from 'blockgate'
import type { BlockStore } from 'blockgate/plugins/sink/block-store'
import { assertHeader, headerIn, indexSize } from './header.ts'

/** When it begins, after the start, ms: until then the gateway has more pressing things to do. */
const DELAY_MS = 30_000
/** It rests that many times as long as it works: the disk and the processor are there for others. */
const REST = 3

export class BackgroundCheck {
  /** What was found so far, until it is dropped. */
  readonly damaged: Set<BlockId> = new Set()
  readonly #store: BlockStore
  #stop = new AbortController()
  #working: Promise<void> | undefined

  constructor(store: BlockStore) {
    this.#store = store
  }

  /** Of all that is loaded now: what is added later was checked when it was built. */
  start(host: Host): void {
    // A part may be started again after a stop.
    this.#stop = new AbortController()
    // Only stop() makes it reject.
    this.#working = this.#all(host, [...this.#store.loaded]).catch(() => {})
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#working
  }

  async #all(host: Host, blocks: readonly (readonly [BlockId, LoadedBlock])[]): Promise<void> {
    await sleep(host, DELAY_MS, this.#stop.signal)
    const { loaded, files } = this.#store
    for (const [id, block] of blocks) {
      if (loaded.get(id) !== block) continue
      const began = host.monotonic()
      const read = headerIn(files, this.#store.folderOf(id))
      try {
        const unlessStopped = (offset: number, length: number) => {
          this.#stop.signal.throwIfAborted()
          return read(offset, length)
        }
        await assertHeader(unlessStopped, block.bytes, indexSize(block.meta.files))
      } catch (error) {
        this.#stop.signal.throwIfAborted()
        // Perhaps it was dropped, or replaced, while it was read.
        if (loaded.get(id) === block) {
          this.damaged.add(id)
          const message = 'an index-header on the disk is damaged: the next run drops it, and builds it again'
          host.log.warn(message, { block: id, why: rawMessageOf(error) })
        }
      }
      const took = host.monotonic() - began
      if (took > 0) await sleep(host, took * REST, this.#stop.signal)
    }
  }
}
