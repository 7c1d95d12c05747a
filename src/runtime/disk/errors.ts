/** What the file system throws, as errors of ours. */
import { BlockgateError, codeOf, ErrorCode, rawMessageOf } from '../../contracts/errors.ts'

/** A full disk, a used-up quota. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR'])

/**
 * Settles as `work`, a call of `node:fs`, does; an error that is ours already stays as it is. `what` names the call: `write "blocks/x"`.
 *
 * @throws BlockgateError `disk-full`, `not-found`, or `disk-failed` with the file system's error as its cause
 */
export async function onDisk<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (codeOf(cause) !== undefined) throw cause
    const code = fsCode(cause)
    const ours = FULL.has(code) ? ErrorCode.diskFull : ABSENT.has(code) ? ErrorCode.notFound : ErrorCode.diskFailed
    // `ENOSPC: no space left on device, write`: what was done is told already.
    const text = rawMessageOf(cause)
    throw new BlockgateError(ours, `cannot ${what}: ${text.startsWith(code) ? text.split(', ')[0] : code}`, { cause })
  }
}

/** Undefined where `work` says that there is no such file or folder; otherwise as `work`. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (ABSENT.has(fsCode(error))) return undefined
    throw error
  }
}

/** `ENOENT` and the like; the text of what is no error of the file system. */
export function fsCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
}
