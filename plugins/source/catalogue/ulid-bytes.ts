/** A ULID as its time and ten random bytes (https://github.com/ulid/spec). */
import { type BlockId, blockId } from 'blockgate'

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const VALUES = new Uint8Array(128)
for (let i = 0; i < 32; i++) VALUES[BASE32.charCodeAt(i)] = i

export const RANDOM_BYTES = 10

/** The random part: characters 10 to 25, five bits each. */
export function randomOf(id: BlockId): Uint8Array {
  const bytes = new Uint8Array(RANDOM_BYTES)
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 10; i < 26; i++) {
    held = (held << 5) | (VALUES[id.charCodeAt(i)] as number)
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >> bits
    held &= (1 << bits) - 1
  }
  return bytes
}

/** `time`: ms, an integer. @throws BlockgateError `invalid-key` where it is no time of a ULID */
export function idOf(time: number, random: Uint8Array): BlockId {
  let text = ''
  for (let i = 0, rest = time; i < 10; i++, rest = Math.floor(rest / 32)) text = BASE32.charAt(rest % 32) + text
  let bits = 0
  let held = 0
  for (let at = 0; at < RANDOM_BYTES; at++) {
    held = (held << 8) | (random[at] as number)
    for (bits += 8; bits >= 5; ) {
      bits -= 5
      text += BASE32.charAt(held >> bits)
      held &= (1 << bits) - 1
    }
  }
  return blockId(time < 2 ** 48 ? text : '')
}
