/** Reads all of each header that was there at the start, while the gateway is at work: at the start it would take minutes. */
import { type BlockId, type Host, type LoadedBlock, type LocalFiles, rawMessageOf, sleep } from 'blockgate'
import type { Shelf } from 'blockgate/plugins/sink/shelf'
import type { ReadAt } from 'blockgate/tsdb'
import { indexSize } from './build.ts'
import { assertHeader, headerIn } from './existing.ts'

/** It rests that many times as long as it works: the disk and the processor are there for others. */
const REST = 3

export interface BackgroundCheckOptions {
  readonly files: LocalFiles
  readonly host: Host
  readonly shelf: Shelf
}

export class BackgroundCheck {
  /** What was found so far, until it is dropped. */
  readonly damaged: Set<BlockId> = new Set()
  readonly #options: BackgroundCheckOptions
  readonly #stop = new AbortController()
  #working: Promise<void> | undefined

  constructor(options: BackgroundCheckOptions) {
    this.#options = options
  }

  /** Of all that is loaded now: what is added later was checked when it was built. */
  start(): void {
    const { shelf } = this.#options
    // Only its own abort ends it early: what a header throws is that header's.
    this.#working ??= this.#all([...shelf.loaded]).catch(() => {})
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#working
  }

  async #all(blocks: readonly (readonly [BlockId, LoadedBlock])[]): Promise<void> {
    const { host, shelf } = this.#options
    for (const [id, block] of blocks) {
      if (shelf.loaded.get(id) !== block) continue
      const began = host.monotonic()
      await this.#one(id, block)
      const took = host.monotonic() - began
      if (took > 0) await sleep(host, took * REST, this.#stop.signal)
    }
  }

  async #one(id: BlockId, block: LoadedBlock): Promise<void> {
    const { host, files, shelf } = this.#options
    const read = headerIn(files, shelf.folderOf(id))
    const unlessStopped: ReadAt = (offset, length) => {
      this.#stop.signal.throwIfAborted()
      return read(offset, length)
    }
    try {
      await assertHeader(unlessStopped, block.bytes, indexSize(block.meta.files))
    } catch (error) {
      this.#stop.signal.throwIfAborted()
      // It was dropped, or replaced, while it was read.
      if (shelf.loaded.get(id) !== block) return
      this.damaged.add(id)
      host.log.warn('an index-header on the disk is damaged: the next run drops it, and builds it again', {
        block: id,
        why: rawMessageOf(error),
      })
    }
  }
}
