/**
 * Values as they leave this process: be32 CRC-32C of all that follows | u8 length of the key | the key | the value. A cache that is
 * shared may be damaged, or give one key's value for another's; that would be a wrong answer, and no error.
 */
import { crc32c } from '../tsdb/crc32c.ts'

const CRC_BYTES = 4
const encoder = new TextEncoder()

/** @param key 1 to 200 characters of ASCII */
export function seal(key: string, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(CRC_BYTES + 1 + key.length + value.length)
  sealed[CRC_BYTES] = key.length
  encoder.encodeInto(key, sealed.subarray(CRC_BYTES + 1))
  sealed.set(value, CRC_BYTES + 1 + key.length)
  new DataView(sealed.buffer).setUint32(0, crc32c(sealed.subarray(CRC_BYTES)))
  return sealed
}

/** The value: a view into `sealed`. Undefined where it is damaged, or another key's. */
export function unseal(key: string, sealed: Uint8Array): Uint8Array | undefined {
  const start = CRC_BYTES + 1 + key.length
  if (sealed.length < start || sealed[CRC_BYTES] !== key.length) return undefined
  for (let i = 0; i < key.length; i++) if (sealed[CRC_BYTES + 1 + i] !== key.charCodeAt(i)) return undefined
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.length)
  return view.getUint32(0) === crc32c(sealed.subarray(CRC_BYTES)) ? sealed.subarray(start) : undefined
}
