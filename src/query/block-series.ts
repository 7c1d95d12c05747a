/** A series of one block, and its chunks: what a block gives to a query. */
import type { StoredChunk } from '../tsdb/chunk.ts'
import type { Deleted } from './deleted.ts'
import type { Label } from './labels.ts'

export interface BlockChunk {
  /** First and last time, both inclusive, ms. */
  readonly from: number
  readonly to: number
  readonly chunk: StoredChunk
  /** What was deleted of it, and is in its bytes. */
  readonly deleted?: Deleted | undefined
}

/** A series of one block, whose chunks are not read yet. */
export interface BlockSeries {
  readonly ref: number
  /** With those of the block, by name. */
  readonly labels: readonly Label[]
  /** Of each chunk first time, last time, reference; those that overlap the query, and are not deleted. */
  readonly chunks: readonly number[]
  /** What was deleted of the series. */
  readonly deleted: Deleted | undefined
}

/** A series of all blocks. */
export interface Series {
  /** With the external labels of its blocks, sorted by name. */
  readonly labels: readonly Label[]
  /** By their first time; each once, whole: samples before `from` and after `to` may be in them. */
  readonly chunks: readonly BlockChunk[]
}
