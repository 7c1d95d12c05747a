/** Who has the lock of a data folder, and how others are told. */
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'

export interface Holder {
  readonly pid: number
  readonly host: string
  /** What it does: `blockgate run`. */
  readonly command: string
  /** ISO 8601 */
  readonly since: string
}

/** What a holder's file says; undefined where nobody holds it, or a power cut left something else. */
export function parseHolder<T extends Holder>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'pid' in value ? (value as T) : undefined
  } catch {
    return undefined
  }
}

/** For a person. */
export function whoHas({ command, pid, host, since }: Holder): string {
  return `${command} has it, process ${pid} on ${host}, since ${since}`
}

export function inUse(dir: string, holder: Holder | undefined): BlockgateError {
  const who = holder ? whoHas(holder) : 'another process has it'
  const text = `dir "${dir}" must be of one process alone: ${who}; stop that one, or give this one a dir of its own`
  return new BlockgateError(ErrorCode.dirInUse, text)
}
