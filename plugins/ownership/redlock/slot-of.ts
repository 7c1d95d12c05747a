/** Which slot a block is in, and who comes first for a slot. */
import { type BlockId, blockId } from 'blockgate'
import { fmix32, seedOfWords, ulidWords } from 'blockgate/members'
import { type Ranking, rendezvous } from 'blockgate/plugins/ownership/hash-ring'

const words = new Uint32Array(4)

/** A number from 0 to `slots` − 1: both halves of the hash of the ULID, mixed once more. */
export function slotOf(id: BlockId, slots: number): number {
  const { a, b } = seedOfWords(ulidWords(id, words))
  return (fmix32(a ^ b) >>> 0) % slots
}

/** The members in the order in which they come for each slot, by rendezvous hashing; worked out once a slot. */
export class SlotOrder {
  readonly #ranking: Ranking
  readonly #known: (readonly string[] | undefined)[] = []

  constructor(members: readonly string[]) {
    this.#ranking = rendezvous().prepare(members.map(id => ({ id, zone: undefined })))
  }

  of(slot: number): readonly string[] {
    const known = this.#known[slot] ?? [...this.#ranking.rank(keyOf(slot))]
    this.#known[slot] = known
    return known
  }
}

/** Placement hashes ULIDs: the number of a slot, written as one. */
function keyOf(slot: number): BlockId {
  return blockId(String(slot).padStart(26, '0'))
}
