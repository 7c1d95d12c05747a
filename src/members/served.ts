/**
 * What this process serves, and what of it the member store has. Two duties: no advertised block may be one that is gone, so a block that is being
 * dropped is out of the set first; and what is served is published again until the store has it.
 */
import { inSlices, pause } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { OwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import { type AdvertisedChange, MAX_IDS, type WriteStatus } from './contract.ts'

/** Writes for one process; the last two inside a turn. */
interface Writer {
  readonly superseded: boolean
  inTurn(job: () => Promise<void>): Promise<void>
  writeAdvertised(change: AdvertisedChange): Promise<WriteStatus>
  readAdvertised(): Promise<ReadonlySet<BlockId>>
}

export class Served {
  #ids = new BlockMap<true>()
  #announced = false
  /** The store may not have all that is served. */
  dirty = false
  /** The id of the store that has all advertised blocks, as far as is known; else `''`. Heartbeats carry it. */
  told = ''
  /** Whether clients ask this process: while they do not, its advertised blocks must not count. */
  counts = true

  has(id: BlockId): boolean {
    return this.#ids.has(id)
  }

  mustTell(storeId: string): boolean {
    return this.#announced && (this.dirty || this.told !== storeId)
  }

  /** Sets all that is served, at the start; from here on it can be published. */
  async announce(host: Host | undefined, served: ReadonlySet<BlockId>): Promise<void> {
    const ids = new BlockMap<true>()
    await inSlices(host, served, id => ids.set(id, true))
    this.#ids = ids
    this.#announced = true
    this.lost()
  }

  /** The store has none of the advertised blocks of this process any more, or may have none. */
  lost(): void {
    this.told = ''
    this.dirty = true
  }

  /** The block was released: it is served no longer. */
  released(id: BlockId): void {
    this.#ids.delete(id)
  }

  /**
   * Writes the difference. Rejects where the store may not have it: what was added is published again later, and what was dropped is
   * served still.
   */
  async change(writer: Writer, { added, dropped }: AdvertisedChange, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const gone = dropped.filter(id => this.#ids.delete(id))
    for (const id of added) this.#ids.set(id, true)
    try {
      await writer.inTurn(async () => {
        for (const ids of chunks(dropped)) {
          // A newer process has taken all advertised blocks of this one away.
          if (writer.superseded) break
          signal.throwIfAborted()
          const status = await writer.writeAdvertised({ added: [], dropped: ids })
          // Where there is no entry of this process there is nothing to take away.
          if (status === 'missing' || status === 'superseded') break
          mustBeOk(status)
        }
        for (const ids of chunks(added)) {
          signal.throwIfAborted()
          mustBeOk(await writer.writeAdvertised({ added: this.#still(ids), dropped: [] }))
        }
      })
    } catch (error) {
      for (const id of gone) this.#ids.set(id, true)
      this.dirty = true
      throw error
    }
  }

  /**
   * Makes what is served the advertised blocks of the store, inside a turn whose last write the store under `storeId` has answered: so no older write
   * of this process can land between the read and the write.
   */
  async tell(host: Host, writer: Writer, storeId: string): Promise<void> {
    const ids = this.#ids
    this.dirty = false
    try {
      const claimed = await writer.readAdvertised()
      const extra: BlockId[] = []
      await inSlices(host, claimed, id => !this.#ids.has(id) && extra.push(id))
      const missing: BlockId[] = []
      await inSlices(host, this.#ids.keys(), id => !claimed.has(id) && missing.push(id))
      for (const chunk of chunks(extra)) mustBeOk(await writer.writeAdvertised({ added: [], dropped: chunk }))
      for (const chunk of chunks(missing)) {
        mustBeOk(await writer.writeAdvertised({ added: this.#still(chunk), dropped: [] }))
        // A store in this process answers without a turn of the event loop.
        await pause(host, 8)
      }
      // Where another set was announced meanwhile, that is published the next time.
      if (ids === this.#ids) this.told = storeId
    } catch (error) {
      this.dirty = true
      throw error
    }
  }

  /** Less what was dropped since. */
  #still(ids: readonly BlockId[]): readonly BlockId[] {
    return ids.filter(id => this.#ids.has(id))
  }
}

function chunks(ids: readonly BlockId[]): readonly (readonly BlockId[])[] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, i) => ids.slice(i * MAX_IDS, (i + 1) * MAX_IDS))
}

function mustBeOk(status: WriteStatus): void {
  if (status !== 'ok') throw new OwnershipUnavailable(`the member store did not take the advertised blocks: ${status}`)
}
