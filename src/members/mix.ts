/**
 * The arithmetic under placements and slots: ULIDs as words, and one 32-bit mixer. Another result here moves every block of every
 * cluster: a change is a new version in the `fingerprint` of whoever uses it. No BigInt, which costs ten times as much.
 */
import type { BlockId } from '../contracts/block.ts'

/** Two independent 32-bit halves, signed as Int32 operations leave them. */
export interface Seed {
  readonly a: number
  readonly b: number
}

/** Where the two halves start: the golden ratio and the square root of 2, as fractions of 2^32. */
const START_A = 0x9e3779b9
const START_B = 0x6a09e667

/** A 32-bit number and the place of a member share the 53 bits of a double: number × PLACES + place sorts by both. */
export const PLACES: number = 2 ** 21

const VALUES = new Uint8Array(128)
for (const [value, char] of [...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'].entries()) VALUES[char.charCodeAt(0)] = value

/** The 16 bytes of a ULID as four big-endian words in `into`, which must have four. */
export function ulidWords(id: BlockId, into: Uint32Array): Uint32Array {
  into.fill(0)
  for (let i = 0, end = 125; end >= 0; i++, end -= 5) {
    const value = VALUES[id.charCodeAt(i)] ?? 0
    const word = 3 - (end >>> 5)
    const shift = end & 31
    into[word] = (into[word] ?? 0) | (value << shift)
    // Five bits that begin above bit 27 end in the word before.
    if (shift > 27 && word > 0) into[word - 1] = (into[word - 1] ?? 0) | (value >>> (32 - shift))
  }
  return into
}

/** The finaliser of MurmurHash3: a bijection of 32 bits in which every bit of the input changes half of the output. */
export function fmix32(n: number): number {
  let h = n ^ (n >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Of a member's id. Two halves, because two members of one 32-bit seed would be one member. */
export function seedOfText(text: string): Seed {
  let a = START_A
  let b = START_B
  for (let i = 0; i < text.length; i++) {
    a = fmix32(a ^ text.charCodeAt(i))
    b = fmix32(b ^ text.charCodeAt(i))
  }
  return { a, b }
}

/** Of a block: all four words count, time and randomness, so that ids without randomness spread too. */
export function seedOfWords(words: Uint32Array): Seed {
  let a = START_A
  let b = START_B
  for (const word of words) {
    a = fmix32(a ^ word)
    b = fmix32(b ^ word)
  }
  return { a, b }
}
