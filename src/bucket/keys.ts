/** Object keys: their order, and which of them are safe to join to a path or a URL. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'

/** S3's limit, in UTF-8 bytes. */
const MAX_KEY_BYTES = 1024
const encoder = new TextEncoder()

/** Orders keys by their UTF-8 bytes, as object stores list them; plain `<` goes by UTF-16 units and differs above U+FFFF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Undefined where any store can hold `key`; otherwise what is wrong, to follow "must": `have 1 to 1024 UTF-8 bytes`. */
export function opaqueKeyProblem(key: string): string | undefined {
  if (typeof key !== 'string') return 'be a string'
  if (key === '' || isLong(key)) return `have 1 to ${MAX_KEY_BYTES} UTF-8 bytes`
  return key.isWellFormed() ? undefined : 'be well-formed Unicode'
}

/**
 * Undefined where `key` can be joined to a folder or a URL without leaving it; otherwise what is wrong, to follow "must".
 * Stricter than a store: no empty segment (so no leading or trailing `/`), no `.` or `..` segment, no NUL, no backslash.
 */
export function keyProblem(key: string): string | undefined {
  const problem = opaqueKeyProblem(key)
  if (problem !== undefined) return problem
  if (key.includes('\0')) return 'have no NUL'
  if (key.includes('\\')) return 'have no backslash'
  for (const segment of key.split('/')) {
    if (segment === '') return "have no empty segment, and no '/' at either end"
    if (segment === '.' || segment === '..') return "have no '.' or '..' segment"
  }
  return undefined
}

/** @throws BlockgateError `invalid-key` where `keyProblem` finds something */
export function assertKey(key: string, problem: (key: string) => string | undefined = keyProblem): void {
  const must = problem(key)
  if (must === undefined) return
  const shown = typeof key === 'string' ? JSON.stringify(key.slice(0, 100)) : String(key)
  throw new BlockgateError(ErrorCode.invalidKey, `key must ${must}: current value is ${shown}`)
}

/** The first index of the sorted `keys` that is not `before`: those that are stand first. */
export function lowerBound(keys: readonly string[], before: (key: string) => boolean): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (before(keys[middle] ?? '')) low = middle + 1
    else high = middle
  }
  return low
}

/** A UTF-16 unit is one to three bytes: neither short keys, which are nearly all, nor huge ones are encoded. */
function isLong(key: string): boolean {
  if (key.length > MAX_KEY_BYTES) return true
  return key.length > MAX_KEY_BYTES / 3 && encoder.encode(key).length > MAX_KEY_BYTES
}

/** Surrogates (code points above U+FFFF, four bytes) come after U+E000 to U+FFFF (three bytes). */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
