/**
 * What this process serves, and what of it the member store was told. Two duties: no claim may be false, so a block that
 * is being dropped is out of the set first; and what is served is told again until it is told.
 */
import { inSlices, pause } from '../async/slices.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockMap } from '../contracts/block-map.ts'
import { OwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { StoreCalls } from './calls.ts'
import { MAX_IDS, type MemberStore, type WriteStatus } from './contract.ts'
import type { Session } from './session.ts'

type Change = Parameters<MemberStore['serve']>[1]

export class Served {
  readonly #store: MemberStore
  #ids = new BlockMap<true>()
  #announced = false
  #dirty = false
  #told = ''

  constructor(store: MemberStore) {
    this.#store = store
  }

  has(id: BlockId): boolean {
    return this.#ids.has(id)
  }

  get size(): number {
    return this.#ids.size
  }

  /** Whether clients ask this process: while they do not, its claims must not count. */
  counts = true

  /** The store that was told everything, by its id; `''`: none, as far as is known. Heartbeats carry it. */
  get told(): string {
    return this.#told
  }

  /** Everything that is served; from here on it is known, and can be told. */
  async announce(host: Host | undefined, served: ReadonlySet<BlockId>): Promise<void> {
    const ids = new BlockMap<true>()
    await inSlices(host, served, id => ids.set(id, true))
    this.#ids = ids
    this.#announced = true
    this.lost()
  }

  /** The store knows nothing of this process's claims any more, or may not: they are told once more. */
  lost(): void {
    this.#told = ''
    this.#dirty = true
  }

  /** It is not known what the store holds of this process's claims. */
  doubt(): void {
    this.#dirty = true
  }

  /** The store may not have all that is served. */
  get dirty(): boolean {
    return this.#dirty
  }

  mustTell(storeId: string): boolean {
    return this.#announced && (this.#dirty || this.#told !== storeId)
  }

  /** The release went through: the block is served no longer. */
  released(id: BlockId): void {
    this.#ids.delete(id)
  }

  /**
   * Tells the difference. Rejects where the store may not have it: what was added is told again later, and what was dropped
   * is served still.
   */
  async change(session: Session, calls: StoreCalls, { added, dropped }: Change, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const gone = dropped.filter(id => this.#ids.delete(id))
    for (const id of added) this.#ids.set(id, true)
    try {
      await session.inTurn(async () => {
        for (const ids of chunks(dropped)) {
          // A newer process has taken all claims of this one away.
          if (session.superseded) break
          const status = await this.#write(session, calls, { added: [], dropped: ids }, signal)
          // No record, no claims: there is nothing to take away.
          if (status === 'missing' || status === 'superseded') break
          if (status !== 'ok') throw notTold(status)
        }
        for (const ids of chunks(added)) {
          const still = ids.filter(id => this.#ids.has(id))
          if (still.length === 0) continue
          const status = await this.#write(session, calls, { added: still, dropped: [] }, signal)
          if (status !== 'ok') throw notTold(status)
        }
      })
    } catch (error) {
      for (const id of gone) this.#ids.set(id, true)
      this.#dirty = true
      throw error
    }
  }

  /**
   * Makes the store's claims what is served, inside a turn whose last write the store under `storeId` has answered: so no
   * older write of this process can land between the reading and the writing.
   */
  async tell(host: Host, session: Session, calls: StoreCalls, storeId: string): Promise<void> {
    const ids = this.#ids
    this.#dirty = false
    try {
      const claimed = await calls.make(() => this.#store.claims(session.id))
      const extra: BlockId[] = []
      await inSlices(host, claimed, id => !this.#ids.has(id) && extra.push(id))
      const missing: BlockId[] = []
      await inSlices(host, this.#ids.keys(), id => !claimed.has(id) && missing.push(id))
      for (const chunk of chunks(extra)) await this.#must(session, calls, { added: [], dropped: chunk })
      for (const chunk of chunks(missing)) {
        // What was dropped since is not claimed any more.
        await this.#must(session, calls, { added: chunk.filter(id => this.#ids.has(id)), dropped: [] })
        // A store in this process answers without a turn of the event loop.
        await pause(host, 8)
      }
      // Announced anew meanwhile: that is told the next time.
      if (ids === this.#ids) this.#told = storeId
    } catch (error) {
      this.#dirty = true
      throw error
    }
  }

  async #must(session: Session, calls: StoreCalls, change: Change): Promise<void> {
    const status = await session.write(stamp => calls.make(() => this.#store.serve(stamp, change)))
    if (status !== 'ok') throw notTold(status)
  }

  #write(session: Session, calls: StoreCalls, change: Change, signal: AbortSignal): Promise<WriteStatus> {
    signal.throwIfAborted()
    return session.write(stamp => calls.make(() => this.#store.serve(stamp, change)))
  }
}

function chunks(ids: readonly BlockId[]): readonly (readonly BlockId[])[] {
  return Array.from({ length: Math.ceil(ids.length / MAX_IDS) }, (_, i) => ids.slice(i * MAX_IDS, (i + 1) * MAX_IDS))
}

function notTold(status: WriteStatus): OwnershipUnavailable {
  return new OwnershipUnavailable(`the member store did not take the claims: ${status}`)
}
