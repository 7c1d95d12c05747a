import type { LoadedBlock } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { expect, it } from 'vitest'
import { decodeManifest, encodeManifest } from '../../../plugins/sink/block-store/manifest.ts'

const ID = testId(1)

function textOf(block: LoadedBlock): string {
  return new TextDecoder().decode(encodeManifest('directory', block))
}

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
