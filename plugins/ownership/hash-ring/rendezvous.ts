/** Rendezvous hashing (highest random weight, Thaler and Ravishankar 1998): every member draws a number for every block. */
import type { BlockId } from 'blockgate'
import { fmix32, PLACES, type Seed, seedOfText, seedOfWords, ulidWords } from 'blockgate/members'
import { byId, type PlacedMember, type Placement, type Ranking } from './placement.ts'

/**
 * The default placement. A member that joins takes an even share from everybody and nothing else moves; one that goes hands
 * its blocks to their next ranks. Nothing is stored. The score of a member for a block, an unsigned 32-bit number, is
 *
 *     fmix32(member.b ^ block.b ^ fmix32(member.a ^ block.a))
 *
 * with `fmix32` the finaliser of MurmurHash3, and `a` and `b` two hashes of the characters of the member's id, or of the
 * four big-endian words of the ULID: from 0x9e3779b9 for `a`, 0x6a09e667 for `b`, each value x makes h into fmix32(h ^ x). The
 * highest score is first; of equal scores the smaller id.
 *
 * @example hashRing({ store, placement: rendezvous() })
 */
export function rendezvous(): Placement {
  return { name: 'rendezvous', fingerprint: 'rendezvous/1', prepare: prepareRendezvous }
}

function prepareRendezvous(members: readonly PlacedMember[]): Ranking {
  const ranks = rendezvousRanks(members)
  const words = new Uint32Array(4)
  return { rank: (block: BlockId) => ranks(seedOfWords(ulidWords(block, words))) }
}

/** The ranks by rendezvous of whatever has the seed: for placements that start from these. */
export function rendezvousRanks(members: readonly PlacedMember[]): (seed: Seed) => Iterable<string> {
  const ids = byId(members).map(member => member.id)
  const seeds = ids.map(seedOfText)
  return ({ a, b }) => ({
    *[Symbol.iterator]() {
      const keys = new Float64Array(seeds.length)
      for (const [i, seed] of seeds.entries()) {
        const score = fmix32(seed.b ^ b ^ fmix32(seed.a ^ a)) >>> 0
        keys[i] = score * PLACES + (PLACES - 1 - i)
      }
      for (const key of descending(keys)) yield ids[PLACES - 1 - (key % PLACES)] ?? ''
    },
  })
}

/** The keys, largest first, by a heap in their place: the first few of a thousand cost little more than reading them. */
function* descending(keys: Float64Array): Generator<number> {
  for (let i = (keys.length >> 1) - 1; i >= 0; i--) sift(keys, i, keys.length)
  for (let size = keys.length; size > 0; size--) {
    const largest = keys[0] ?? 0
    keys[0] = keys[size - 1] ?? 0
    sift(keys, 0, size - 1)
    yield largest
  }
}

/** Lets the key at `at` sink until no child of it among the first `size` is larger. */
function sift(keys: Float64Array, at: number, size: number): void {
  const key = keys[at] ?? 0
  let i = at
  for (let child = 2 * i + 1; child < size; child = 2 * i + 1) {
    if (child + 1 < size && (keys[child + 1] ?? 0) > (keys[child] ?? 0)) child++
    if ((keys[child] ?? 0) <= key) break
    keys[i] = keys[child] ?? 0
    i = child
  }
  keys[i] = key
}
