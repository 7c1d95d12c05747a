/** Big-endian integers of block files, and how a codec says what is wrong with them. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'

/** A view of exactly `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The 64-bit offset at `at`, whose name in errors is `what`. @throws BlockgateError `corrupt-block` above 2^53 − 1 */
export function readOffset(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at)
  // Above that, doubles are not exact, and no file is that long.
  if (value > Number.MAX_SAFE_INTEGER) throw corrupt(what, `be <= ${Number.MAX_SAFE_INTEGER}`, 'larger')
  return Number(value)
}

/** `what` says where: `index: symbols at 5: length`. */
export function corrupt(what: string, must: string, value: number | string): BlockgateError {
  return new BlockgateError(ErrorCode.corruptBlock, `${what} must ${must}: current value is ${value}`)
}

/** @throws BlockgateError `corrupt-block` where the checksums differ */
export function assertCrc(what: string, stored: number, computed: number): void {
  if (stored !== computed) throw corrupt(`${what}: CRC-32C`, `be ${hex(computed)}`, hex(stored))
}

export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`
}
