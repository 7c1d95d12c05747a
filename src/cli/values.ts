/** Values that were typed, as what they mean. */
import { parseDuration } from '../contracts/duration.ts'
import { MEMBER_ID } from '../members/contract.ts'
import { usageError } from './exit.ts'

/** @throws CliError with exit code 2 */
export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw usageError(`${name} must be a whole number >= 1: current value is ${JSON.stringify(text)}`)
}

/**
 * A duration as configs write it, in ms.
 * @throws CliError with exit code 2
 */
export function time(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  throw usageError(`${name} must be a time such as '90s' or '10m': current value is ${JSON.stringify(text)}`)
}

/** @throws CliError with exit code 2 */
export function memberId(text: string): string {
  if (MEMBER_ID.test(text)) return text
  throw usageError(
    `a member must be named by its id, 1 to 128 of A-Z a-z 0-9 . _ : -: current value is ${JSON.stringify(text)}`,
  )
}
