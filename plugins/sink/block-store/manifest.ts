/** `blockgate.json` in a block's folder: what was put there. A folder that has one is ours; what differs from it is damaged. */
import type { BlockId, LoadedBlock } from 'blockgate'
import { blockMeta } from 'blockgate/tsdb'
import * as v from 'valibot'

export const MANIFEST = 'blockgate.json'
/** A meta is at most a few megabytes; what is larger is not one of ours. */
export const MANIFEST_LIMIT: number = 64 * 1024 * 1024

const VERSION = 1

const schema = v.object({
  version: v.literal(VERSION),
  sink: v.string(),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  fence: v.optional(v.pipe(v.number(), v.safeInteger())),
  meta: blockMeta,
})

/** `sink` is the name of the sink that put the block there. Equal blocks give equal bytes, in whatever order their fields were set. */
export function encodeManifest(sink: string, { meta, bytes, fence }: LoadedBlock): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(v.parse(schema, { version: VERSION, sink, bytes, fence, meta })))
}

/** The block that the manifest in folder `id` names; undefined where it is damaged, or of another version. */
export function decodeManifest(
  text: Uint8Array,
  id: BlockId,
): { readonly sink: string; readonly block: LoadedBlock } | undefined {
  try {
    const { sink, meta, bytes, fence } = v.parse(
      schema,
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)),
    )
    return meta.ulid === id ? { sink, block: { meta, bytes, fence } } : undefined
  } catch {
    return undefined
  }
}
