/** The blocks that show, and those that are on their way out. */
import {
  type BlockId,
  type BlockReader,
  codeOf,
  type LoadedBlock,
  type Log,
  orAborted,
  rawMessageOf,
  StaleFence,
  Turns,
} from 'blockgate'
import type { HeldBlock } from './held-block.ts'

export class Shelf {
  readonly loaded: Map<BlockId, LoadedBlock> = new Map()
  readonly #path: string
  readonly #temp: string
  readonly #blocks = new Map<BlockId, HeldBlock>()
  /** For one block, a rename that shows it and one that takes it away must not overlap. */
  readonly #turns = new Turns<BlockId>()
  readonly #leaving = new Set<Promise<void>>()
  #log: Log | undefined
  #names = 0

  /** Blocks show below `path`; what comes and goes is in `temp`. */
  constructor(path: string, temp: string) {
    this.#path = path
    this.#temp = temp
  }

  /** What was there at start already. */
  fill(blocks: readonly HeldBlock[], log: Log): void {
    this.#log = log
    for (const block of blocks) this.#put(block)
  }

  open(id: BlockId): BlockReader | undefined {
    return this.#blocks.get(id)?.open()
  }

  /** Never the same twice: an attempt that was given up may still write when the next one starts. */
  tempFolder(id: BlockId): string {
    this.#names++
    return `${this.#temp}/${id}-${this.#names}`
  }

  /**
   * Renames the block to where it shows, in the place of an older copy.
   * @throws StaleFence where the older copy has a higher fence: it stays
   */
  show(block: HeldBlock): Promise<void> {
    const { ulid: id } = block.loaded.meta
    return this.#turns.run(id, async () => {
      const old = this.#blocks.get(id)
      if (old) {
        assertFence(id, block.loaded.fence, old.loaded.fence)
        await old.leave(this.tempFolder(id))
      }
      try {
        await block.show(`${this.#path}/${id}`)
        this.#put(block)
      } catch (error) {
        if (old) this.#forget(id)
        throw error
      } finally {
        // #away() has logged what fails: for the caller the new copy counts.
        if (old) this.#away(id, old).catch(() => {})
      }
    })
  }

  /** Gone from `loaded` at once. Resolves when the files are gone too; where the signal aborts before, they still go. */
  async drop(id: BlockId, signal: AbortSignal): Promise<void> {
    const block = this.#blocks.get(id)
    if (!block) return
    this.#forget(id)
    await orAborted(this.#away(id, block), signal)
  }

  /** Resolves when nothing is on its way out. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#leaving)
  }

  #put(block: HeldBlock): void {
    const { ulid } = block.loaded.meta
    this.#blocks.set(ulid, block)
    this.loaded.set(ulid, block.loaded)
  }

  #forget(id: BlockId): void {
    this.#blocks.delete(id)
    this.loaded.delete(id)
  }

  #away(id: BlockId, block: HeldBlock): Promise<void> {
    const work = async () => {
      try {
        await this.#turns.run(id, () => block.leave(this.tempFolder(id)))
        await block.remove()
      } catch (error) {
        const fields = { block: id, code: codeOf(error), error: rawMessageOf(error) }
        this.#log?.warn('files of a dropped block stay on the disk until the next start', fields)
        throw error
      }
    }
    const gone = work().finally(() => this.#leaving.delete(gone))
    this.#leaving.add(gone)
    return gone
  }
}

function assertFence(id: BlockId, fence: number | undefined, held: number | undefined): void {
  if (fence !== undefined && held !== undefined && fence < held) {
    throw new StaleFence(`fence of block ${id} must be >= ${held}: current value is ${fence}`)
  }
}
