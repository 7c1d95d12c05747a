/** What /api/v1/events tells, as Valibot schemas. */
import * as v from 'valibot'
import { BLOCK_STATES, type BlockState } from '../../catalogue/catalogue.ts'
import type { BlockId } from '../../contracts/block.ts'
import type { RunProgress } from '../../sync/run-result.ts'
import { NextListing, Progress } from './answers.ts'
import { count, described, flag, map, type Schema, text, time, ulid, word } from './atoms.ts'

/** Blocks that a stage let go no further, for one reason. */
export interface Stopped {
  readonly state: BlockState
  readonly reason: string
  readonly blocks: number
}

export interface StageStatus {
  readonly name: string
  readonly in: number
  readonly out: number
  readonly stopped: readonly Stopped[]
}
export const StageStatus: Schema<StageStatus> = v.object({
  name: word,
  in: described(count, 'Blocks with a verdict that came to the stage'),
  out: described(count, 'Of these, those that went on'),
  stopped: v.array(v.object({ state: v.picklist(BLOCK_STATES), reason: word, blocks: count })),
})

export interface LoadingBlock {
  readonly ulid: BlockId
  readonly since: number
}

export interface Status {
  readonly ready: boolean
  readonly reason: string
  readonly stopping: boolean
  readonly asked: string | null
  readonly current: RunProgress | null
  readonly next: NextListing | null
  readonly blocks: number
  readonly states: Readonly<Record<string, number>>
  readonly waiting: number
  readonly loading: number
  readonly stages: readonly StageStatus[]
  readonly held: { readonly blocks: number; readonly bytes: number }
  readonly lastNews: number | null
  readonly oldest: readonly LoadingBlock[]
}
export const Status: Schema<Status> = v.object({
  ready: flag,
  reason: described(text, 'Why it is ready, or not'),
  stopping: flag,
  asked: described(v.nullable(text), 'What a person is asked: whether blocks may be dropped'),
  current: described(v.nullable(Progress), 'The run that goes on'),
  next: v.nullable(NextListing),
  blocks: described(count, 'In the view; = waiting + loading + all that was stopped + held.blocks'),
  states: map(count),
  waiting: described(count, 'Blocks without a verdict'),
  loading: count,
  stages: described(v.array(StageStatus), 'In list order'),
  held: described(v.object({ blocks: count, bytes: count }), 'What the sink holds'),
  lastNews: described(v.nullable(time), 'When the state or the reason of any block last changed'),
  oldest: described(v.array(v.object({ ulid, since: time })), 'The loads that go on longest'),
})
