/** `blockgate.json` in a block's folder: what was put there. A folder that has one is ours; what differs from it is damaged. */
import { type BlockId, type BlockMeta, isBlockId, type LoadedBlock } from 'blockgate'
import { isBlockFile } from 'blockgate/tsdb'
import * as v from 'valibot'

export const MANIFEST = 'blockgate.json'
/** A meta is at most a few megabytes; what is larger is not one of ours. */
export const MANIFEST_LIMIT: number = 64 * 1024 * 1024

const VERSION = 1

/** `sink` is the name of the sink that put the block there. Equal blocks give equal bytes, whoever made the objects. */
export function encodeManifest(sink: string, { meta, bytes, fence }: LoadedBlock): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version: VERSION, sink, bytes, fence, meta }, byName))
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
  return { sink, block: { meta: { ...meta, readAhead: meta.readAhead } satisfies BlockMeta, bytes, fence } }
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const time = v.pipe(v.number(), v.safeInteger())
const id = v.custom<BlockId>(value => typeof value === 'string' && isBlockId(value))

const schema = v.object({
  version: v.literal(VERSION),
  sink: v.string(),
  bytes: count,
  fence: v.optional(v.pipe(v.number(), v.safeInteger())),
  meta: v.object({
    ulid: id,
    minTime: time,
    maxTime: time,
    labels: v.pipe(
      v.custom<Record<string, string>>(
        value => typeof value === 'object' && value !== null && Object.values(value).every(l => typeof l === 'string'),
      ),
      v.transform(labels => nullPrototype(labels)),
    ),
    resolution: count,
    compaction: v.object({ level: count, sources: v.array(id) }),
    source: v.string(),
    files: v.array(
      v.pipe(
        v.object({ path: v.pipe(v.string(), v.check(isBlockFile)), size: count, sha256: v.optional(v.string()) }),
        v.transform(({ path, size, sha256 }) => (sha256 === undefined ? { path, size } : { path, size, sha256 })),
      ),
    ),
    readAhead: v.optional(v.object({ series: count, chunk: count })),
  }),
})

/** A replacer. A meta from meta.json and the same one from a source's cache have their fields, and filters their labels, in other orders. */
function byName(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  // fromEntries also makes a field of a label that is named `__proto__`.
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A label may be named `__proto__`. */
function nullPrototype(labels: Record<string, string>): Record<string, string> {
  const copy: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(labels)) copy[name] = value
  return copy
}
