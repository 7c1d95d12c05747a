/** Varints of protobuf, and short copies: what is written for each chunk and each sample. */

/** Bytes of a varint. */
export function uintSize(value: number): number {
  if (value < 128) return 1
  if (value < 16_384) return 2
  if (value < 2_097_152) return 3
  if (value < 268_435_456) return 4
  // Times in milliseconds take six.
  return 4 + uintSize(Math.floor(value / 268_435_456))
}

/** Bytes of an int64 as a varint. */
export function intSize(value: number): number {
  return value < 0 ? 10 : uintSize(value)
}

/** Writes a varint into `bytes`, which have room for it. @returns where it ends */
export function putUint(bytes: Uint8Array, start: number, value: number): number {
  let at = start
  let part = value
  if (value >= 268_435_456) {
    // In parts, each of which is shifted as an integer.
    const rest = Math.floor(value / 268_435_456)
    part = value - rest * 268_435_456
    bytes[at] = part | 128
    bytes[at + 1] = (part >>> 7) | 128
    bytes[at + 2] = (part >>> 14) | 128
    bytes[at + 3] = (part >>> 21) | 128
    at += 4
    part = rest
  }
  for (; part >= 128; part >>>= 7) bytes[at++] = part | 128
  bytes[at++] = part
  return at
}

/** Writes an int64, as `putUint`: the two's complement of negative ones, in ten bytes. */
export function putInt(bytes: Uint8Array, start: number, value: number): number {
  if (value >= 0) return putUint(bytes, start, value)
  let at = start
  let low = value >>> 0
  let high = Math.floor(value / 4_294_967_296) >>> 0
  for (let i = 0; i < 9; i++) {
    bytes[at++] = (low & 127) | 128
    low = ((low >>> 7) | (high << 25)) >>> 0
    high >>>= 7
  }
  bytes[at++] = 1
  return at
}

/** Copies [from, to) of `source` to `at`, for what is short: a call of `set` takes longer. @returns where it ends */
export function copyBytes(source: DataView, from: number, to: number, target: DataView, at: number): number {
  const end = at + to - from
  let [read, write] = [from, at]
  // In the byte order of most processors, which swaps nothing.
  for (; write + 16 <= end; write += 16, read += 16) {
    target.setInt32(write, source.getInt32(read, true), true)
    target.setInt32(write + 4, source.getInt32(read + 4, true), true)
    target.setInt32(write + 8, source.getInt32(read + 8, true), true)
    target.setInt32(write + 12, source.getInt32(read + 12, true), true)
  }
  for (; write < end; write++, read++) target.setUint8(write, source.getUint8(read))
  return end
}
