/** What one part of a query asks for. */
import type { LabelMatcher } from './matchers.ts'

export interface Selection {
  readonly matchers: readonly LabelMatcher[]
  /** First and last time, both inclusive, ms. */
  readonly from: number
  readonly to: number
  /** The coarsest resolution that will do, ms between samples. Default 0: raw blocks alone. */
  readonly maxResolution?: number | undefined
}
