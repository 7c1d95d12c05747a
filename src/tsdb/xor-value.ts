/** A float that each sample stores as the bits in which it differs from the one before. */
import { corrupt } from './binary.ts'
import type { BitReader } from './bits.ts'

const halves = new Uint32Array(2)
const float = new Float64Array(halves.buffer)

/** The float of two halves. A NaN may lose its payload: what must keep it is written by its halves. */
export function float64(high: number, low: number): number {
  halves[0] = low
  halves[1] = high
  return float[0] as number
}

export class XorValue {
  high = 0
  low = 0
  #leading = 0
  #trailing = 0

  /** The value of the next sample: whole for the first. */
  read(reader: BitReader, isFirst: boolean): number {
    if (isFirst) {
      this.high = reader.bits(32)
      this.low = reader.bits(32)
    } else if (reader.bits(1) === 1) this.change(reader, reader.bits(1) === 1)
    return float64(this.high, this.low)
  }

  /** Takes the bits that differ, of a new window or of the one of before. */
  change(reader: BitReader, isNewWindow: boolean): void {
    if (isNewWindow) {
      this.#leading = reader.bits(5)
      this.#trailing = 64 - this.#leading - (reader.bits(6) || 64)
      if (this.#trailing < 0) throw corrupt('chunk: window of a value', 'be <= 64 bits', 64 - this.#trailing)
    }
    const width = 64 - this.#leading - this.#trailing
    const top = width > 32 ? reader.bits(width - 32) : 0
    const rest = reader.bits(Math.min(width, 32))
    const shift = this.#trailing
    if (shift >= 32) this.high ^= rest << (shift - 32)
    else {
      this.low ^= rest << shift
      this.high ^= shift === 0 ? top : (top << shift) | (rest >>> (32 - shift))
    }
  }
}
