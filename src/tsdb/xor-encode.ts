/** Encodes floats as XOR chunks, which every reader knows: for samples that were merged, and for encodings that some do not read. */
import type { FloatSamples } from './samples.ts'

/** Samples of a chunk, as Prometheus cuts them. */
export const CHUNK_SAMPLES = 120

/** Writes bits, most significant first. */
class BitWriter {
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

  done(): Uint8Array {
    return this.#bytes.slice(0, (this.#bit + 7) >>> 3)
  }
}

/** The data of a chunk with samples [from, to) of `samples`, whose times ascend; at most 65,535. */
export function encodeXor({ times, halves }: FloatSamples, from: number, to: number): Uint8Array {
  const out = new BitWriter()
  out.bits(to - from, 16)
  let delta = 0
  let leading = -1
  let trailing = 0
  for (let i = from; i < to; i++) {
    const time = times[i] as number
    const low = halves[2 * i] as number
    const high = halves[2 * i + 1] as number
    if (i === from) {
      out.uvarint(time >= 0 ? time * 2 : -time * 2 - 1)
      out.bits(high, 32)
      out.bits(low, 32)
      continue
    }
    const next = time - (times[i - 1] as number)
    if (i === from + 1) out.uvarint(next)
    else writeChange(out, next - delta)
    delta = next
    const xorLow = (low ^ (halves[2 * i - 2] as number)) >>> 0
    const xorHigh = (high ^ (halves[2 * i - 1] as number)) >>> 0
    if (xorLow === 0 && xorHigh === 0) {
      out.bits(0, 1)
      continue
    }
    const zerosAhead = Math.min(31, xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh))
    const zerosBehind = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow)
    if (leading !== -1 && zerosAhead >= leading && zerosBehind >= trailing) out.bits(2, 2)
    else {
      leading = zerosAhead
      trailing = zerosBehind
      out.bits(3, 2)
      out.bits(leading, 5)
      out.bits((64 - leading - trailing) & 63, 6)
    }
    writeWindow(out, xorHigh, xorLow, 64 - leading - trailing, trailing)
  }
  return out.done()
}

function writeChange(out: BitWriter, change: number): void {
  const fits = (bits: number) => change > -(2 ** (bits - 1)) && change <= 2 ** (bits - 1)
  if (change === 0) out.bits(0, 1)
  else if (fits(14)) {
    out.bits(2, 2)
    out.bits(change, 14)
  } else if (fits(17)) {
    out.bits(6, 3)
    out.bits(change, 17)
  } else if (fits(20)) {
    out.bits(14, 4)
    out.bits(change, 20)
  } else {
    out.bits(15, 4)
    out.bits(Math.floor(change / 4_294_967_296), 32)
    out.bits(change >>> 0, 32)
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
