/**
 * CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, initial value and final xor 0xFFFFFFFF. The check value of
 * "123456789" is 0xE3069283. Every checksum of a TSDB block is one, stored big-endian.
 */
import { viewOf } from './binary.ts'

/** A CRC-32C that is fed part by part. */
export class Crc32c {
  #crc = -1

  update(bytes: Uint8Array): this {
    this.#crc = advance(this.#crc, viewOf(bytes), 0, bytes.length)
    return this
  }

  /** Of all bytes so far, as an unsigned 32-bit integer. More may follow. */
  digest(): number {
    return ~this.#crc >>> 0
  }
}

/** The CRC-32C of `bytes`, as an unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array): number {
  return ~advance(START, viewOf(bytes), 0, bytes.length) >>> 0
}

/** What `advance` begins with. The checksum is what it ends with, inverted: `~state >>> 0`. */
export const START = -1

/**
 * What `advance` would make of `state` over as many zeros. It tells a checksum of bytes whose own is known: with s(x, data) for
 * `advance`, s(x, data) = s(y, data) ^ overZeros(x ^ y, length), for a CRC is linear.
 */
export function overZeros(state: number, bytes: number): number {
  if (bytes < MAX_TABLE) {
    const at = TABLE_WORDS * bytes
    shifts ??= new Int32Array(TABLE_WORDS * MAX_TABLE)
    // A state that is no 0 never becomes 0: the table was not made yet.
    if (shifts[at + 1] === 0) fillShifts(shifts, at, bytes)
    return (
      (shifts[at + (state & 15)] as number) ^
      (shifts[at + 16 + ((state >>> 4) & 15)] as number) ^
      (shifts[at + 32 + ((state >>> 8) & 15)] as number) ^
      (shifts[at + 48 + ((state >>> 12) & 15)] as number) ^
      (shifts[at + 64 + ((state >>> 16) & 15)] as number) ^
      (shifts[at + 80 + ((state >>> 20) & 15)] as number) ^
      (shifts[at + 96 + ((state >>> 24) & 15)] as number) ^
      (shifts[at + 112 + (state >>> 28)] as number)
    )
  }
  return overMany(state, bytes)
}

/** Most chunks have fewer bytes: of those, what each four bits of a state become is in a table of eight times sixteen. */
const MAX_TABLE = 1024
const TABLE_WORDS = 128
let shifts: Int32Array | undefined

function fillShifts(tables: Int32Array, at: number, bytes: number): void {
  for (let four = 0; four < 8; four++) {
    for (let bits = 1; bits < 16; bits++) tables[at + 16 * four + bits] = overMany(bits << (4 * four), bytes)
  }
}

function overMany(state: number, bytes: number): number {
  POWERS ??= makePowers()
  const powers = POWERS
  let left = bytes
  let moved = state
  for (; left >= powers.length; left -= powers.length - 1) moved = multiply(moved, powers[powers.length - 1] as number)
  return multiply(moved, powers[left] as number)
}

const POLYNOMIAL = 0x82f63b78
const TABLES = makeTables()

/** Eight tables of 256: table k is the effect of a byte that has k more bytes behind it. */
function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] as number
    tables[i] = (before >>> 8) ^ (tables[before & 255] as number)
  }
  return tables
}

/** x to the power of 8n, modulo the polynomial: the bit of x^0 is the highest. */
let POWERS: Int32Array | undefined

function makePowers(): Int32Array {
  const powers = new Int32Array(4096)
  powers[0] = 0x80000000
  for (let i = 1; i < powers.length; i++) {
    const before = powers[i - 1] as number
    powers[i] = (before >>> 8) ^ (TABLES[before & 255] as number)
  }
  return powers
}

/** The product of two polynomials, modulo the polynomial. */
function multiply(a: number, b: number): number {
  let left = a
  let shifted = b
  let product = 0
  for (; left !== 0; left <<= 1) {
    // All ones where the highest bit is set: a branch would be guessed wrong every other time.
    product ^= shifted & (left >> 31)
    shifted = (shifted >>> 1) ^ (POLYNOMIAL & -(shifted & 1))
  }
  return product
}

/** The state behind eight bytes: `a` is the state before them XORed with the first four. */
function ofEight(a: number, b: number): number {
  const t = TABLES
  return (
    (t[1792 + (a & 255)] as number) ^
    (t[1536 + ((a >>> 8) & 255)] as number) ^
    (t[1280 + ((a >>> 16) & 255)] as number) ^
    (t[1024 + (a >>> 24)] as number) ^
    (t[768 + (b & 255)] as number) ^
    (t[512 + ((b >>> 8) & 255)] as number) ^
    (t[256 + ((b >>> 16) & 255)] as number) ^
    (t[b >>> 24] as number)
  )
}

/**
 * The state behind the bytes [from, to) of `view`, from the state before them. Slicing-by-8 (Kounavis and Berry, 2005): eight bytes a
 * step, with no dependency between the eight lookups.
 */
export function advance(state: number, view: DataView, from: number, to: number): number {
  const t = TABLES
  const whole = from + ((to - from) & ~7)
  let crc = state
  let at = from
  for (; at < whole; at += 8) {
    crc = ofEight(crc ^ view.getInt32(at, true), view.getInt32(at + 4, true))
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ (t[(crc ^ view.getUint8(at)) & 255] as number)
  return crc
}

/**
 * As `advance` over [from, to) of `source`, which it copies to `at` of `target`: the copy takes no time beside the checksum.
 */
export function copyAdvance(
  state: number,
  source: DataView,
  from: number,
  to: number,
  target: DataView,
  at: number,
): number {
  const t = TABLES
  const whole = from + ((to - from) & ~7)
  let crc = state
  let read = from
  let write = at
  for (; read < whole; read += 8, write += 8) {
    const first = source.getInt32(read, true)
    const second = source.getInt32(read + 4, true)
    target.setInt32(write, first, true)
    target.setInt32(write + 4, second, true)
    crc = ofEight(crc ^ first, second)
  }
  for (; read < to; read++, write++) {
    const byte = source.getUint8(read)
    target.setUint8(write, byte)
    crc = (crc >>> 8) ^ (t[(crc ^ byte) & 255] as number)
  }
  return crc
}
