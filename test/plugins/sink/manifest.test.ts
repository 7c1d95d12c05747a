import type { LoadedBlock } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { decodeManifest, encodeManifest } from '../../../plugins/sink/block-store/manifest.ts'
import { type Harness, harness } from '../source/scan-harness.ts'

const ID = testId(1)

/** The text of the manifest of the block that a run of the source offers. */
async function manifestOf(source: Harness): Promise<string> {
  const { pages } = await source.run()
  const meta = pages[0]?.blocks[0]?.meta
  if (!meta) throw new Error('the source must offer a block')
  return textOf({ meta, bytes: 818, fence: 7 })
}

function textOf(block: LoadedBlock): string {
  return new TextDecoder().decode(encodeManifest('directory', block))
}

it('the manifest of a block whose meta a killed process had cached is, byte for byte, the one of a first run', async () => {
  const first = await harness()
  await first.block(ID, {
    compaction: { sources: [testId(3), testId(2)], level: 2 },
    thanos: {
      labels: JSON.parse('{"replica":"r1","__proto__":"x","cluster":"eu"}'),
      downsample: { resolution: 300_000 },
      source: 'compactor',
      files: [{ rel_path: 'index', size_bytes: 5, hash: { hashFunc: 'SHA256', value: 'ab'.repeat(32) } }],
      index_stats: { series_max_size: 1, chunk_max_size: 2 },
      upload_time: '2024-01-02T03:04:05Z',
    },
  })
  const expected = await manifestOf(first)
  const again = await first.restarted()
  expect(await manifestOf(again)).toBe(expected)
  expect(again.calls).toEqual(['list '])
})

it('a manifest that a restart read is written again as it was, with every label and field', () => {
  const meta = blockMeta({
    ulid: ID,
    labels: Object.assign(Object.create(null), JSON.parse('{"b":"1","__proto__":"x","7":"y","a":"2"}')),
    files: [{ path: 'index', size: 5, sha256: 'ab'.repeat(32) }],
    readAhead: { series: 1, chunk: 2 },
    variant: '[{"a":1},[]]',
  })
  const loaded: LoadedBlock = { meta, bytes: 818, fence: 7 }
  const read = decodeManifest(encodeManifest('directory', loaded), ID)
  if (!read) throw new Error('the manifest must be one of this block')
  expect(read).toEqual({ sink: 'directory', block: loaded })
  expect(textOf(read.block)).toBe(textOf(loaded))
})

it('a manifest does not tell the order in which the fields of a block were set', () => {
  const sha256 = 'ab'.repeat(32)
  const meta = blockMeta({
    ulid: ID,
    files: [{ path: 'index', size: 5, sha256 }],
    readAhead: { series: 1, chunk: 2 },
  })
  const { ulid, ...rest } = meta
  const turned = {
    readAhead: { chunk: 2, series: 1 },
    files: [{ sha256, size: 5, path: 'index' }],
    compaction: { sources: [ulid], level: 1 },
  }
  const other = { ...rest, ...turned, ulid }
  expect(textOf({ fence: 7, bytes: 818, meta: other })).toBe(textOf({ meta, bytes: 818, fence: 7 }))
})
