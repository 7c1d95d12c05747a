/**
 * CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, initial value and final xor 0xFFFFFFFF. The check value of
 * "123456789" is 0xE3069283. Every checksum of a TSDB block is one, stored big-endian.
 */

/** A CRC-32C that is fed part by part. */
export class Crc32c {
  #crc = -1

  update(bytes: Uint8Array): this {
    this.#crc = advance(this.#crc, bytes)
    return this
  }

  /** Of all bytes so far, as an unsigned 32-bit integer. More may follow. */
  digest(): number {
    return ~this.#crc >>> 0
  }
}

/** The CRC-32C of `bytes`, as an unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array): number {
  return ~advance(-1, bytes) >>> 0
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

/** Slicing-by-8 (Kounavis and Berry, 2005): eight bytes a step, with no dependency between the eight lookups. */
function advance(start: number, bytes: Uint8Array): number {
  const t = TABLES
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length & ~7
  let crc = start
  let at = 0
  for (; at < whole; at += 8) {
    const a = crc ^ view.getInt32(at, true)
    const b = view.getInt32(at + 4, true)
    crc =
      (t[1792 + (a & 255)] as number) ^
      (t[1536 + ((a >>> 8) & 255)] as number) ^
      (t[1280 + ((a >>> 16) & 255)] as number) ^
      (t[1024 + (a >>> 24)] as number) ^
      (t[768 + (b & 255)] as number) ^
      (t[512 + ((b >>> 8) & 255)] as number) ^
      (t[256 + ((b >>> 16) & 255)] as number) ^
      (t[b >>> 24] as number)
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 255] as number)
  return crc
}
