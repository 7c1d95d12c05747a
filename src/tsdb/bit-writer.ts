/** Writes the bits of a chunk: what bits.ts and xor-value.ts read. */

/** Bits, most significant first. */
export class BitWriter {
  #bytes = new Uint8Array(256)
  #bit = 0

  /** The low `count` (1 to 32) bits of `value`. */
  bits(value: number, count: number): void {
    if (this.#bit + 32 > this.#bytes.length * 8) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    for (let left = count; left > 0; ) {
      const room = 8 - (this.#bit & 7)
      const take = Math.min(room, left)
      const part = (value >>> (left - take)) & ((1 << take) - 1)
      this.#bytes[this.#bit >>> 3] = (this.#bytes[this.#bit >>> 3] as number) | (part << (room - take))
      this.#bit += take
      left -= take
    }
  }

  uvarint(value: number): void {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.bits((rest % 128) + 128, 8)
    this.bits(rest, 8)
  }

  /** An integer of at most 2^53: one to seven bits say how many there are of it. */
  varbitUint(value: number): void {
    this.#varbit(value, bits => value < 2 ** bits)
  }

  /** As `varbitUint`, of either sign. */
  varbitInt(value: number): void {
    this.#varbit(value, bits => value > -(2 ** (bits - 1)) && value <= 2 ** (bits - 1))
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, (this.#bit + 7) >>> 3)
  }

  #varbit(value: number, fits: (bits: number) => boolean): void {
    if (value === 0) {
      this.bits(0, 1)
      return
    }
    // The last kind has room for every integer that a double holds.
    const kind = Math.min(VARBITS.findIndex(fits), VARBITS.length - 1)
    const bits = VARBITS[kind] as number
    // So many ones, and a zero.
    this.bits(2 ** (kind + 2) - 2, kind + 2)
    if (bits > 32) this.bits(Math.floor(value / 4_294_967_296), bits - 32)
    this.bits(value, Math.min(bits, 32))
  }
}

const VARBITS = [3, 6, 9, 12, 18, 25, 56] as const

/** A value of 64 bits that is XORed with the one before it. */
export class XorWriter {
  #low = 0
  #high = 0
  #leading = -1
  #trailing = 0

  /** The first value, as it is. */
  first(out: BitWriter, high: number, low: number): void {
    this.#high = high
    this.#low = low
    out.bits(high, 32)
    out.bits(low, 32)
  }

  next(out: BitWriter, high: number, low: number): void {
    const xorHigh = (high ^ this.#high) >>> 0
    const xorLow = (low ^ this.#low) >>> 0
    this.#high = high
    this.#low = low
    if (xorLow === 0 && xorHigh === 0) {
      out.bits(0, 1)
      return
    }
    const zerosAhead = Math.min(31, xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh))
    const zerosBehind = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow)
    if (this.#leading !== -1 && zerosAhead >= this.#leading && zerosBehind >= this.#trailing) out.bits(2, 2)
    else {
      this.#leading = zerosAhead
      this.#trailing = zerosBehind
      out.bits(3, 2)
      out.bits(zerosAhead, 5)
      out.bits((64 - zerosAhead - zerosBehind) & 63, 6)
    }
    writeWindow(out, xorHigh, xorLow, 64 - this.#leading - this.#trailing, this.#trailing)
  }
}

/** The `width` bits above the lowest `trailing` ones. */
function writeWindow(out: BitWriter, high: number, low: number, width: number, trailing: number): void {
  if (trailing >= 32) {
    out.bits(high >>> (trailing - 32), width)
    return
  }
  const shiftedLow = trailing === 0 ? low : ((low >>> trailing) | (high << (32 - trailing))) >>> 0
  if (width > 32) {
    out.bits(high >>> trailing, width - 32)
    out.bits(shiftedLow, 32)
  } else out.bits(shiftedLow, width)
}

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value)
}
