/** Flips, cuts and inflates bytes. */
import type { Damage } from '../support/index-file.ts'
import type { Chance } from './chance.ts'

type Change = (bytes: Uint8Array, chance: Chance) => Uint8Array

const ODD_BYTES = [0, 1, 2, 127, 128, 255]
/** Lengths, counts and offsets that no file has. */
const ODD_WORDS = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000000, 0x00ffffff]
const VARINT_BYTES = [2, 5, 8, 10]

/** Half of the places are near an end, where lengths, counts and tables of contents stand. */
function place(bytes: Uint8Array, { below }: Chance): number {
  const near = Math.min(64, bytes.length)
  return [below(near), bytes.length - 1 - below(near), below(bytes.length), below(bytes.length)][below(4)] ?? 0
}

function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes)
  change(copy)
  return copy
}

/** `more` in the place of the bytes from `from` to `to`. */
function spliced(bytes: Uint8Array, from: number, to: number, more: Uint8Array): Uint8Array {
  const joined = new Uint8Array(bytes.length - (to - from) + more.length)
  joined.set(bytes.subarray(0, from))
  joined.set(more, from)
  joined.set(bytes.subarray(to), from + more.length)
  return joined
}

/** The bytes, `times` times behind one another. */
export function repeated(part: Uint8Array, times: number): Uint8Array {
  const many = new Uint8Array(part.length * times)
  for (let at = 0; at < many.length; at += part.length) many.set(part, at)
  return many
}

/** All other bytes stay where they are. */
const IN_PLACE: readonly Change[] = [
  // A bit is flipped.
  (bytes, chance) =>
    changed(bytes, copy => {
      const at = place(bytes, chance)
      copy[at] = (copy[at] as number) ^ (1 << chance.below(8))
    }),
  (bytes, chance) =>
    changed(bytes, copy => {
      copy[place(bytes, chance)] = chance.below(2) === 0 ? chance.pick(ODD_BYTES) : chance.below(256)
    }),
  // A number of four bytes is another one.
  (bytes, chance) =>
    changed(bytes, copy => {
      if (copy.length < 4) return
      new DataView(copy.buffer).setUint32(Math.min(place(bytes, chance), copy.length - 4), chance.pick(ODD_WORDS))
    }),
  // The end is missing.
  (bytes, chance) => bytes.slice(0, chance.below(2) === 0 ? place(bytes, chance) : Math.max(0, bytes.length - 9)),
  // A part is zero, as after a disk lost power.
  (bytes, chance) => changed(bytes, copy => void copy.fill(0, place(bytes, chance), place(bytes, chance))),
]

/** Bytes come to stand where others stood: also whole entries, with their checksums. */
const MOVES: readonly Change[] = [
  // A varint of many bytes stands where a small one stood.
  (bytes, chance) => {
    const at = place(bytes, chance)
    const varint = new Uint8Array(chance.pick(VARINT_BYTES)).fill(255)
    varint[varint.length - 1] = chance.pick([0, 1, 15, 127])
    return spliced(bytes, at, at + chance.below(2), varint)
  },
  // A part is missing.
  (bytes, chance) => {
    const from = place(bytes, chance)
    return spliced(bytes, from, Math.min(bytes.length, from + 1 + chance.below(16)), new Uint8Array(0))
  },
  // A part is there more than once.
  (bytes, chance) => {
    const from = place(bytes, chance)
    const part = bytes.subarray(from, from + 1 + chance.below(64))
    return spliced(bytes, from, from, repeated(part, 1 + chance.below(chance.below(50) === 0 ? 20_000 : 8)))
  },
  // A part is copied over another one.
  (bytes, chance) =>
    changed(bytes, copy => {
      const from = place(bytes, chance)
      copy.copyWithin(place(bytes, chance), from, from + 1 + chance.below(32))
    }),
]

export interface Damaged {
  readonly bytes: Uint8Array
  /** Bytes may stand where others stood. */
  readonly isMoved: boolean
}

/** The bytes with one to four changes. They are left as they are. */
export function damage(bytes: Uint8Array, chance: Chance): Damaged {
  let result = bytes
  let isMoved = false
  for (let left = 1 + chance.below(4); left > 0 && result.length > 0; left--) {
    const isMove = chance.below(2) === 0
    result = chance.pick(isMove ? MOVES : IN_PLACE)(result, chance)
    if (isMove) isMoved = true
  }
  return { bytes: result, isMoved }
}

export function damaged(bytes: Uint8Array, chance: Chance): Uint8Array {
  return damage(bytes, chance).bytes
}

const PARTS = ['symbols', 'series', 'postings', 'postings-table', 'toc', 'chunk'] as const

/** Damages some bodies of one kind of part, whose lengths and checksums are made afterwards: what reads them must look deeper. */
export function deepDamage(chance: Chance): Damage {
  const damagedPart = chance.pick(PARTS)
  let isFirst = chance.below(2) === 0
  return (part, body) => {
    if (part !== damagedPart) return body
    if (!isFirst && chance.below(3) > 0) return body
    isFirst = false
    return damaged(body, chance)
  }
}
