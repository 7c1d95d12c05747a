/** What options of the config have in common: durations, counts and sizes. */
import * as v from 'valibot'
import { durationOption } from '../contracts/check.ts'
import { type Duration, durationMs } from '../contracts/duration.ts'

/** A duration of `ms` or more. */
export function atLeast(ms: number): v.GenericSchema {
  const isEnough = v.check<Duration, string>(d => durationMs(d, 0) >= ms, `be >= ${ms} ms`)
  return v.optional(v.pipe(durationOption, isEnough))
}

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): v.GenericSchema {
  const [low, high] = [
    v.minValue<number, number, string>(min, `be >= ${min}`),
    v.maxValue<number, number, string>(max, `be <= ${max}`),
  ]
  return v.optional(v.pipe(v.number(), v.integer('be a whole number'), low, high))
}

export const bytesOption: v.GenericSchema = v.optional(
  v.custom(value => bytesOf(value) !== undefined, "be a number of bytes > 0, or such as '40GiB'"),
)

/** `1024`, `'512MiB'`, `'40GiB'`, `'40G'`; undefined where it is none of these. */
export function bytesOf(value: unknown): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([KMGT]?)(?:iB)?$/.exec(String(value)) ?? []
  const bytes = Number(digits) * 1024 ** ' KMGT'.indexOf(unit || ' ')
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined
}
