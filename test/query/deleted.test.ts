// What a block's file `tombstones` names is left out of answers.
import { codeOf } from 'blockgate'
import { expect, it } from 'vitest'
import type { LabelMatcher } from '../../src/query/matchers.ts'
import { Querier } from '../../src/query/querier.ts'
import { SeriesSamples } from '../../src/query/samples.ts'
import { blockFiles } from '../support/block-files.ts'
import { type Stone, tombstonesFile } from '../support/tombstones-file.ts'
import { sinkOfFiles, xorOf } from './sink-of.ts'

const { signal } = new AbortController()
const ALL: readonly LabelMatcher[] = [{ type: '=', name: '__name__', value: 'up' }]
const TIMES = [10, 20, 30]

/** A block of one series with samples at 10, 20 and 30. */
function blockWithout(...stones: readonly Stone[]) {
  const data = xorOf(TIMES.map(time => [time, time]))
  const files = blockFiles({
    series: [{ labels: [['__name__', 'up']], chunks: [{ from: 10, to: 30, encoding: 1, data }] }],
  })
  if (stones.length > 0) files.set('tombstones', tombstonesFile(files.get('index') as Uint8Array, [stones]))
  return { meta: { minTime: 0, maxTime: 100 }, files }
}

type Block = ReturnType<typeof blockWithout>

/** The times of the samples of each series. */
async function timesOf(...blocks: readonly Block[]): Promise<readonly (readonly number[])[]> {
  const found: number[][] = []
  const filled = new SeriesSamples()
  const querier = new Querier({ sink: sinkOfFiles(blocks).sink })
  for await (const batch of querier.select({ matchers: ALL, from: 0, to: 99 }, signal)) {
    for (const { chunks } of batch) {
      filled.fill(chunks, 0, 99)
      found.push([...filled.floats.times.subarray(0, filled.floats.length)])
    }
  }
  return found
}

it('both ends of what was deleted are deleted', async () => {
  expect(await timesOf(blockWithout({ from: 20, to: 30 }))).toEqual([[10]])
  expect(await timesOf(blockWithout({ from: 10, to: 20 }))).toEqual([[30]])
  expect(await timesOf(blockWithout({ from: 11, to: 19 }, { from: 21, to: 29 }))).toEqual([TIMES])
})

it('a series whose chunks are deleted, by one tombstone or by some that touch, is not there', async () => {
  expect(await timesOf(blockWithout({ from: 0, to: 99 }))).toEqual([])
  expect(await timesOf(blockWithout({ from: 16, to: 40 }, { from: 0, to: 15 }))).toEqual([])
  // As in Prometheus: a chunk of which a time without samples is left gives a series without samples.
  expect(await timesOf(blockWithout({ from: 17, to: 40 }, { from: 0, to: 15 }))).toEqual([[]])
})

it('what one block has deleted is there where another one has it', async () => {
  expect(await timesOf(blockWithout({ from: 20, to: 20 }), blockWithout())).toEqual([TIMES])
  expect(await timesOf(blockWithout(), blockWithout({ from: 20, to: 20 }))).toEqual([TIMES])
  expect(await timesOf(blockWithout({ from: 20, to: 20 }), blockWithout({ from: 10, to: 20 }))).toEqual([[10, 30]])
})

it('a file that names nothing is not read, and a damaged one fails the query', async () => {
  const empty = blockWithout()
  empty.files.set('tombstones', tombstonesFile(empty.files.get('index') as Uint8Array, []).fill(0, 0, 4))
  expect(await timesOf(empty)).toEqual([TIMES])
  const damaged = blockWithout({ from: 20, to: 20 })
  damaged.files.get('tombstones')?.fill(7, 8, 9)
  const failure = timesOf(damaged)
  await expect(failure).rejects.toThrow(/^corrupt-block: 0.*\/tombstones: CRC-32C must be/)
  expect(codeOf(await failure.catch(error => error))).toBe('corrupt-block')
})
