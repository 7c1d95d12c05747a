/** Prometheus' `hashmod` without BigInt: it runs once per block and rule. */
import { md5 } from '@noble/hashes/legacy.js'

const encoder = new TextEncoder()

/**
 * The low 8 bytes of the MD5 of `text`, read big-endian, modulo `modulus` (an integer, 1 to 2^53): what Prometheus
 * (`model/relabel`) and so Thanos' sharding compute.
 */
export function hashmod(text: string, modulus: number): number {
  const digest = md5(encoder.encode(text))
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
  return modulo64(view.getUint32(8), view.getUint32(12), modulus)
}

/**
 * (high × 2^32 + low) modulo `modulus`, exactly. `high` and `low` are unsigned 32-bit. Bit by bit: twice a number below
 * 2^53 is exact as a double, and so is its remainder; the product of two parts would not be.
 */
export function modulo64(high: number, low: number, modulus: number): number {
  let rest = 0
  for (const word of [high, low]) {
    for (let bit = 31; bit >= 0; bit--) {
      rest = (rest * 2) % modulus
      if ((word >>> bit) & 1) rest = rest + 1 === modulus ? 0 : rest + 1
    }
  }
  return rest
}
