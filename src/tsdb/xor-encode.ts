/** Encodes floats as XOR chunks, which every reader knows: for samples that were merged, and for encodings that some do not read. */
import { BitWriter, XorWriter } from './bit-writer.ts'
import type { FloatSamples } from './samples.ts'

/** Samples of a chunk, as Prometheus cuts them. */
export const CHUNK_SAMPLES = 120

/** The data of a chunk with samples [from, to) of `samples`, whose times ascend; at most 65,535. */
export function encodeXor({ times, halves }: FloatSamples, from: number, to: number): Uint8Array {
  const out = new BitWriter()
  out.bits(to - from, 16)
  const value = new XorWriter()
  let delta = 0
  for (let i = from; i < to; i++) {
    const time = times[i] as number
    const low = halves[2 * i] as number
    const high = halves[2 * i + 1] as number
    if (i === from) {
      out.uvarint(time >= 0 ? time * 2 : -time * 2 - 1)
      value.first(out, high, low)
      continue
    }
    const next = time - (times[i - 1] as number)
    if (i === from + 1) out.uvarint(next)
    else writeChange(out, next - delta)
    delta = next
    value.next(out, high, low)
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
