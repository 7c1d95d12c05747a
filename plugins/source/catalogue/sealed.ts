/**
 * The catalogue as an object: 40 bytes in front, and the columns, compressed as raw deflate (RFC 1951). All numbers are little-endian.
 *
 *   0  'BGCT'    4  version, 1 byte, and 3 of zero    8  when the listing began, ms, float64
 *   16 blocks    20 bytes of the columns    24 bytes of them compressed    28 CRC-32C of those    32 zero    36 CRC-32C of bytes 0 to 35
 */
import { BlockgateError, ErrorCode } from 'blockgate'
import { crc32c } from 'blockgate/tsdb'
import { corrupt } from './column.ts'
import { through } from './through.ts'

export const HEAD_BYTES = 40
/** Another one is for another form: whoever does not know it lists the bucket, and leaves the object as it is. */
export const VERSION = 1
/** No block takes less. */
const LEAST = 20
const MAGIC = new TextEncoder().encode('BGCT')

export interface Head {
  readonly version: number
  /** When the listing began that it is of, ms since the epoch, by the clock of who listed. */
  readonly listed: number
  readonly blocks: number
  /** Of the columns. */
  readonly bytes: number
  readonly packed: number
  readonly checksum: number
}

export async function seal(
  columns: Uint8Array,
  { listed, blocks }: Pick<Head, 'listed' | 'blocks'>,
): Promise<Uint8Array> {
  const body = await through(columns, new CompressionStream('deflate-raw'), Number.POSITIVE_INFINITY)
  const object = new Uint8Array(HEAD_BYTES + body.length)
  const view = new DataView(object.buffer)
  object.set(MAGIC)
  view.setUint8(4, VERSION)
  view.setFloat64(8, listed, true)
  for (const [at, value] of [blocks, columns.length, body.length, crc32c(body)].entries())
    view.setUint32(16 + 4 * at, value, true)
  view.setUint32(36, crc32c(object.subarray(0, 36)), true)
  object.set(body, HEAD_BYTES)
  return object
}

/** What the first bytes of the object say. @throws BlockgateError `catalogue-corrupt` */
export function headOf(object: Uint8Array): Head {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength)
  if (object.length < HEAD_BYTES) throw corrupt(`must have ${HEAD_BYTES} bytes and more: it has ${object.length}`)
  if (MAGIC.some((byte, at) => object[at] !== byte)) throw corrupt('must begin with BGCT: it is something else')
  if (view.getUint32(36, true) !== crc32c(object.subarray(0, 36)))
    throw corrupt('its first bytes have another checksum')
  const [blocks, bytes, packed, checksum] = [16, 20, 24, 28].map(at => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ]
  return { version: view.getUint8(4), listed: view.getFloat64(8, true), blocks, bytes, packed, checksum }
}

/**
 * The columns. Nothing is unpacked before lengths and checksum were found right, and never more than `limit` bytes.
 * @throws BlockgateError `catalogue-corrupt`; `unsupported` for another version
 */
export async function unseal(object: Uint8Array, limit: number): Promise<Head & { readonly columns: Uint8Array }> {
  const head = headOf(object)
  if (head.version !== VERSION) {
    throw new BlockgateError(ErrorCode.unsupported, `it has version ${head.version}: this build reads ${VERSION}`)
  }
  const body = object.subarray(HEAD_BYTES)
  if (head.packed !== body.length)
    throw corrupt(`must have ${head.packed} bytes behind its first: it has ${body.length}`)
  if (head.bytes > limit) throw corrupt(`must unpack to at most ${limit} bytes: it says ${head.bytes} (option limit)`)
  if (head.blocks * LEAST > head.bytes) throw corrupt(`${head.blocks} blocks do not fit in ${head.bytes} bytes`)
  if (!Number.isSafeInteger(head.listed)) throw corrupt('it says no time of its listing')
  if (crc32c(body) !== head.checksum) throw corrupt('its columns have another checksum')
  const columns = await through(body, new DecompressionStream('deflate-raw'), head.bytes).catch(error => {
    throw corrupt('it cannot be unpacked', error)
  })
  if (columns.length !== head.bytes) throw corrupt(`must unpack to ${head.bytes} bytes: it is ${columns.length}`)
  return { ...head, columns }
}
