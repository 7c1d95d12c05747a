/** Documents of JSON: those of a block, and what a gateway kept of it. */
import type { BlockMeta } from 'blockgate'
import { blockMeta, testId } from 'blockgate/testing'
import { isBlockFile, parseDeletionMark, parseMeta } from 'blockgate/tsdb'
import { decodeManifest, encodeManifest } from '../../../plugins/sink/block-store/manifest.ts'
import { readDocument, writeDocument } from '../../../plugins/source/scan-bucket/known.ts'
import { Sharing } from '../../../plugins/source/scan-bucket/share.ts'
import type { Chance } from '../chance.ts'
import { damagedJson } from '../json.ts'
import { assertFormed, isSame, type Outcome, outcome, type Target } from '../outcome.ts'
import { answer, blockOf, FORMS, KINDS, type World } from '../worlds.ts'

export function documentTargets(worlds: readonly World[]): readonly Target[] {
  return [
    { name: 'meta', run: chance => meta(chance.pick(worlds), chance) },
    { name: 'deletion-mark', run: deletionMark },
    { name: 'manifest', run: chance => manifest(chance.pick(worlds), chance) },
    { name: 'known-blocks', run: chance => knownBlocks(chance.pick(worlds), chance) },
  ]
}

const ID = testId(1)
const decoder = new TextDecoder()

async function meta(world: World, chance: Chance): Promise<Outcome> {
  const given = metaOf(world)
  const json = {
    version: 1,
    ulid: ID,
    minTime: given.minTime,
    maxTime: given.maxTime,
    stats: { numSamples: 12, numSeries: 3, numChunks: 4 },
    compaction: { level: 1, sources: [ID], parents: null },
    thanos: {
      version: 1,
      labels: given.labels,
      downsample: { resolution: 0 },
      source: 'sidecar',
      segment_files: ['000001'],
      files: given.files.map(({ path, size }) => ({ rel_path: path, size_bytes: size })),
      index_stats: { series_max_size: 90, chunk_max_size: 80 },
      upload_time: '2026-01-02T03:04:05Z',
    },
  }
  return await outcome(['corrupted-meta-json', 'corrupt-block', 'query-too-large', 'unsupported'], async () => {
    return await answered(world, parseMeta(damagedJson(json, chance), ID).meta, chance)
  })
}

async function deletionMark(chance: Chance): Promise<Outcome> {
  const json = { id: ID, version: 1, details: 'compacted', deletion_time: 1_700_000_000 }
  return await outcome(['corrupt-block'], async () => {
    const time = parseDeletionMark(damagedJson(json, chance), ID)
    if (!Number.isSafeInteger(time)) throw new Error(`a time must be a safe integer: it is ${time}`)
    return time === 1_700_000_000_000 ? 'right' : 'formed'
  })
}

/** What stands in the folder of a block on the disk. */
async function manifest(world: World, chance: Chance): Promise<Outcome> {
  const whole = encodeManifest('index-headers', { meta: metaOf(world), bytes: 5, fence: 3 })
  const bytes = damagedJson(JSON.parse(decoder.decode(whole)), chance)
  const decoded = decodeManifest(bytes, ID)
  if (!decoded) return 'refused: undefined'
  if (isSame(bytes, whole)) return 'right'
  return await outcome(['corrupt-block', 'query-too-large', 'unsupported'], async () => {
    return await answered(world, decoded.block.meta, chance)
  })
}

/** What a state store has of the blocks of a bucket. */
async function knownBlocks(world: World, chance: Chance): Promise<Outcome> {
  const version = { etag: 'e', size: 9, modified: 1_700_000_000_000 }
  const document = writeDocument([
    { id: ID, read: { ...version, meta: metaOf(world), uploaded: 5 }, mark: { ...version, time: 7 } },
    { id: testId(2), read: { ...version, files: [], reason: 'incomplete', message: 'no index' } },
  ])
  let damagedDocument: unknown
  try {
    damagedDocument = JSON.parse(decoder.decode(damagedJson(document, chance)))
  } catch {
    // The store refuses it.
    return 'refused: json'
  }
  const known = readDocument(damagedDocument, new Sharing())
  if (!known) return 'refused: undefined'
  return await outcome(['corrupt-block', 'query-too-large', 'unsupported'], async () => {
    for (const { read } of known) if (read && 'meta' in read) await answered(world, read.meta, chance)
    return 'formed'
  })
}

function metaOf(world: World): BlockMeta {
  const { meta: given } = blockOf(world.blocks[0] as World['blocks'][number], world.files[0] as Map<string, Uint8Array>)
  return blockMeta({ ...given, ulid: ID })
}

/** What was accepted can be asked, whatever it says. */
async function answered(world: World, accepted: BlockMeta, chance: Chance): Promise<Outcome> {
  const path = accepted.files.find(file => !isBlockFile(file.path))?.path
  if (path !== undefined) throw new Error(`a file must be one of a block: it is ${JSON.stringify(path)}`)
  const form = chance.pick(FORMS)
  const files = world.files[0] as Map<string, Uint8Array>
  const found = await answer([{ meta: accepted, files }], world.query, { form, kind: chance.pick(KINDS) })
  assertFormed(found, form)
  return 'formed'
}
