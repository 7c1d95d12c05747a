/** What /api/v1/timeline answers, as a Valibot schema. */
import * as v from 'valibot'
import type { BlockId } from '../../contracts/block.ts'
import { count, described, type Schema, text, time, ulid } from './atoms.ts'

type Numbers = readonly number[]

export interface Timeline {
  readonly states: readonly string[]
  readonly lanes: readonly string[]
  readonly reasons: readonly string[]
  readonly columns: {
    readonly ulid: readonly BlockId[]
    readonly minTime: Numbers
    readonly maxTime: Numbers
    readonly lane: Numbers
    readonly level: Numbers
    readonly resolution: Numbers
    readonly state: Numbers
    readonly reason: Numbers
  }
  readonly next: BlockId | null
}
export const Timeline: Schema<Timeline> = v.object({
  states: v.array(text),
  lanes: described(v.array(text), 'Sets of external labels'),
  reasons: v.array(text),
  columns: v.object({
    ulid: v.array(ulid),
    minTime: v.array(time),
    maxTime: v.array(time),
    lane: described(v.array(count), 'Index into lanes; so are state and reason, into theirs'),
    level: v.array(count),
    resolution: described(v.array(count), 'Milliseconds between samples; 0 is raw'),
    state: v.array(count),
    reason: v.array(count),
  }),
  next: described(v.nullable(ulid), 'The `after` of the next page; null on the last one'),
})
