/** `blockgate.json` in a block's folder: what was put there. A folder that has one is ours; what differs from it is damaged. */
import type { BlockId, BlockMeta, LoadedBlock } from 'blockgate'
import { blockMeta } from 'blockgate/tsdb'
import * as v from 'valibot'

export const MANIFEST = 'blockgate.json'
/** A meta is at most a few megabytes; what is larger is not one of ours. */
export const MANIFEST_LIMIT: number = 64 * 1024 * 1024

const VERSION = 1

/** `sink` is the name of the sink that put the block there. Equal blocks give equal bytes, wherever their meta came from. */
export function encodeManifest(sink: string, { meta, bytes, fence }: LoadedBlock): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, sink, bytes, fence, meta: inOrder(meta) }))
}

/** The block that the manifest in folder `id` names; undefined where it is damaged, or of another version. */
export function decodeManifest(
  text: Uint8Array,
  id: BlockId,
): { readonly sink: string; readonly block: LoadedBlock } | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
  const { success, output } = v.safeParse(schema, value)
  if (!success || output.meta.ulid !== id) return undefined
  const { sink, meta, bytes, fence } = output
  return { sink, block: { meta, bytes, fence } }
}

const schema = v.object({
  version: v.literal(VERSION),
  sink: v.string(),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  fence: v.optional(v.pipe(v.number(), v.safeInteger())),
  meta: blockMeta,
})

/**
 * The fields by name, as JSON has them in the order in which they were set: a source that takes a meta from its cache sets
 * them in another one than parseMeta(). Labels stay in the order of meta.json.
 */
function inOrder({
  ulid,
  minTime,
  maxTime,
  labels,
  resolution,
  compaction,
  source,
  files,
  variant,
  readAhead,
}: BlockMeta) {
  return {
    ulid,
    minTime,
    maxTime,
    labels,
    resolution,
    compaction: { level: compaction.level, sources: compaction.sources },
    source,
    files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
    variant,
    readAhead: readAhead && { series: readAhead.series, chunk: readAhead.chunk },
  } satisfies Record<keyof BlockMeta, unknown>
}
