import type { BlockMeta } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { isSameMeta } from '../../../plugins/sink/block-store/same-meta.ts'

const meta: BlockMeta = blockMeta({
  labels: { a: '1', b: '2' },
  compaction: { level: 2, sources: [testId(1), testId(2)] },
  files: [{ path: 'index', size: 1, sha256: 'ab' }],
  variant: 'x',
  readAhead: { series: 1, chunk: 2 },
})

it('a copy is the same', () => {
  expect(isSameMeta(meta, structuredClone(meta))).toBe(true)
})

it.each<[string, Partial<BlockMeta>]>([
  ['ulid', { ulid: testId(9) }],
  ['minTime', { minTime: -1 }],
  ['maxTime', { maxTime: -1 }],
  ['resolution', { resolution: 1 }],
  ['source', { source: 'other' }],
  ['variant', { variant: 'y' }],
  ['no variant', { variant: undefined }],
  ['level', { compaction: { ...meta.compaction, level: 3 } }],
  ['sources', { compaction: { ...meta.compaction, sources: [testId(2), testId(1)] } }],
  ['fewer sources', { compaction: { ...meta.compaction, sources: [testId(1)] } }],
  ['series to read ahead', { readAhead: { series: 2, chunk: 2 } }],
  ['chunks to read ahead', { readAhead: { series: 1, chunk: 1 } }],
  ['nothing to read ahead', { readAhead: undefined }],
  ['size', { files: [{ path: 'index', size: 2, sha256: 'ab' }] }],
  ['hash', { files: [{ path: 'index', size: 1 }] }],
  ['path', { files: [{ path: 'other', size: 1, sha256: 'ab' }] }],
  ['value', { labels: { a: '1', b: '3' } }],
  ['name', { labels: { a: '1', c: '2' } }],
  ['fewer labels', { labels: { a: '1' } }],
  ['more labels', { labels: { a: '1', b: '2', c: '3' } }],
])('another %s is not', (_, more) => {
  const other = { ...meta, ...more }
  expect([isSameMeta(meta, other), isSameMeta(other, meta)]).toEqual([false, false])
})
