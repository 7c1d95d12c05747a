/** Where blocks that move are traced: who loads one tells its trace, and who lets go of it asks for that. Never needed, so never fatal. */
import { Coalesced } from '../async/coalesced.ts'
import type { BlockId } from '../contracts/block.ts'
import { MAX_IDS, type MemberStore } from './contract.ts'
import type { Membership } from './membership.ts'

export class Moves {
  readonly #store: MemberStore
  readonly #membership: Membership
  readonly #asks = new Coalesced(() => this.#ask())
  #waiting: { readonly id: BlockId; readonly resolve: (trace: string | undefined) => void }[] = []

  constructor(store: MemberStore, membership: Membership) {
    this.#store = store
    this.#membership = membership
  }

  /** Resolves when the store has them, or cannot be told. */
  async tell(traces: ReadonlyMap<BlockId, string>): Promise<void> {
    const { calls } = this.#membership
    const all = [...traces]
    for (let at = 0; calls && at < all.length; at += MAX_IDS) {
      const part = new Map(all.slice(at, at + MAX_IDS))
      // The calls have logged it.
      await calls.make(async () => this.#store.tellTraces?.(part)).catch(() => {})
    }
  }

  /** What was told of the block last; those that ask at once are asked for together. */
  of(id: BlockId): Promise<string | undefined> {
    return new Promise(resolve => {
      this.#waiting.push({ id, resolve })
      void this.#asks.request()
    })
  }

  async #ask(): Promise<void> {
    while (this.#waiting.length > 0) {
      const part = this.#waiting.splice(0, MAX_IDS)
      const ids = part.map(({ id }) => id)
      const told = await this.#membership.calls?.make(async () => this.#store.traces?.(ids)).catch(() => undefined)
      for (const { id, resolve } of part) resolve(told?.get(id))
    }
  }
}
