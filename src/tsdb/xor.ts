/**
 * Chunks of floats: encoding 1, XOR. `be16 count`, then bits: the first time and value whole, then of each sample the change of the
 * time's delta and the value XORed with the one before, of which only the window of bits that differ is stored.
 */
import { corrupt } from './binary.ts'
import { BitReader, int64, signedWord, word } from './bits.ts'
import type { FloatSamples } from './samples.ts'

const WHAT = 'XOR chunk'

/**
 * Puts the samples of a chunk's data behind those of `into`. @returns how many there were
 * @throws BlockgateError `corrupt-block`; `into` has the length it had then
 */
export function decodeXor(data: Uint8Array, into: FloatSamples): number {
  const count = chunkCount(data, 2, WHAT)
  if (count === 0) return 0
  into.reserve(count)
  const { times, halves } = into
  const reader = new BitReader(data, 2)
  const { view } = reader
  const end = data.length * 8
  let time = reader.varint(`${WHAT}: time`)
  let high = reader.bits(32)
  let low = reader.bits(32)
  let delta = 0
  let leading = 0
  let trailing = 0
  let place = into.length
  times[place] = time
  halves[2 * place] = low
  halves[2 * place + 1] = high
  if (count > 1) delta = reader.uvarint(`${WHAT}: delta`)
  let at = reader.at
  // The bits from `at` on as a signed integer: the first of them is its sign.
  let bits = signedWord(view, at)
  for (let i = 1; i < count; i++) {
    if (i > 1) {
      if (bits >= 0) {
        at += 1
        // What is left of them is enough for the 13 bits before a value.
        bits <<= 1
      } else if (bits << 1 >= 0) {
        const change = (bits >>> 16) & 0x3fff
        delta += change > 0x2000 ? change - 0x4000 : change
        at += 16
        bits <<= 16
      } else {
        if (bits << 2 >= 0) {
          const change = (bits >>> 12) & 0x1ffff
          delta += change > 0x10000 ? change - 0x20000 : change
          at += 20
        } else if (bits << 3 >= 0) {
          const change = (bits >>> 8) & 0xfffff
          delta += change > 0x80000 ? change - 0x100000 : change
          at += 24
        } else {
          delta += int64(word(view, at + 4), word(view, at + 36))
          at += 68
        }
        bits = signedWord(view, at)
      }
    }
    time += delta
    if (bits >= 0) at += 1
    else {
      if (bits << 1 >= 0) at += 2
      else {
        leading = (bits >>> 25) & 31
        trailing = 64 - leading - ((bits >>> 19) & 63 || 64)
        if (trailing < 0) throw corrupt(`${WHAT}: bits of a value`, `be <= ${64 - leading}`, 64 - leading - trailing)
        at += 13
      }
      const width = 64 - leading - trailing
      if (width > 32) {
        const top = word(view, at) >>> (64 - width)
        const rest = word(view, at + width - 32)
        low ^= rest << trailing
        high ^= trailing === 0 ? top : (top << trailing) | (rest >>> (32 - trailing))
      } else {
        const part = word(view, at) >>> (32 - width)
        if (trailing >= 32) high ^= part << (trailing - 32)
        else {
          low ^= part << trailing
          if (trailing > 0) high ^= part >>> (32 - trailing)
        }
      }
      at += width
    }
    if (at > end) throw corrupt(`${WHAT}: sample ${i}`, `end within ${data.length} bytes`, 'cut')
    place++
    times[place] = time
    halves[2 * place] = low
    halves[2 * place + 1] = high
    bits = signedWord(view, at)
  }
  if (at > end) throw corrupt(`${WHAT}: its samples`, `end within ${data.length} bytes`, 'cut')
  if (!Number.isSafeInteger(time)) throw corrupt(`${WHAT}: last time`, 'be a safe integer', time)
  into.length += count
  return count
}

/** The number of samples, which stands first in each chunk; `start` bytes come before the first of them. `mask` has its bits. */
export function chunkCount(data: Uint8Array, start: number, what: string, mask = 0xffff): number {
  if (data.length < start) throw corrupt(`${what}: size`, `be >= ${start} bytes`, data.length)
  const count = (((data[0] as number) << 8) | (data[1] as number)) & mask
  // A sample takes two bits at least: no more room is made than the bytes can fill.
  if (count > data.length * 4) throw corrupt(`${what}: count`, `be <= ${data.length * 4}`, count)
  return count
}
