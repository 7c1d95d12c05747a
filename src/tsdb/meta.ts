/**
 * Reads a block's meta.json from untrusted bytes. The format is Prometheus' (`tsdb/block.go`, BlockMeta) with Thanos'
 * section `thanos` (https://github.com/thanos-io/thanos `pkg/block/metadata/meta.go`); fields not named here are ignored.
 */
import * as v from 'valibot'
import type { BlockFile, BlockId, BlockMeta, Marker } from '../contracts/block.ts'
import { ErrorCode } from '../contracts/errors.ts'
import { count, type GoFile, integer, invalid, labels, object, parseGo, text, ulid } from './go-json.ts'
import { variantOf } from './meta-variant.ts'

/** A file that meta.json names. Thanos leaves sizes out of `segment_files`, and out of the entry of meta.json itself. */
export interface DeclaredFile {
  /** `index`, `meta.json`, `tombstones` or `chunks/NNNNNN`: other names are not kept, so that a path is never made of one. */
  readonly path: string
  readonly size: number | undefined
  /** Lower-case hex. */
  readonly sha256?: string
}

export interface ParsedMeta {
  /** `files` holds the declared files that have a size; a source completes them from its listing. */
  readonly meta: BlockMeta
  /** `thanos.upload_time` in ms; undefined where it is not set, or Go's zero time. */
  readonly uploaded: number | undefined
  /** Every file that `thanos.files` or `thanos.segment_files` names, in the order of the text, each once. */
  readonly declared: readonly DeclaredFile[]
}

const META: GoFile = { name: 'meta.json', code: ErrorCode.corruptedMeta }
const MARKER = /^(?:deletion|no-compact|no-downsample)-mark\.json$/
const FILE = /^(?:index|meta\.json|tombstones|chunks\/\d{6})$/
const SHA256 = /^[0-9a-f]{64}$/i
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

// Go writes a nil slice or map as null, and reads null as "not set": so does every optional field here.
const list = <const S extends v.GenericSchema>(item: S) => v.nullish(v.array(item, 'be an array'), [])

const declaredFile = object({
  rel_path: text,
  size_bytes: v.nullish(count),
  hash: v.nullish(object({ hashFunc: v.nullish(text), value: v.nullish(text, '') })),
})

const thanosSection = object({
  version: v.nullish(v.picklist([0, 1], 'be 0 or 1')),
  labels: v.nullish(labels, {}),
  downsample: v.nullish(
    object({ resolution: v.nullish(v.picklist([0, 300_000, 3_600_000], 'be 0, 300000 or 3600000'), 0) }),
    {},
  ),
  source: v.nullish(text, ''),
  segment_files: list(text),
  files: list(declaredFile),
  extensions: v.optional(v.unknown()),
  rewrites: v.optional(v.unknown()),
  index_stats: v.nullish(object({ series_max_size: v.nullish(count, 0), chunk_max_size: v.nullish(count, 0) })),
  upload_time: v.nullish(
    v.pipe(
      text,
      v.check(time => RFC3339.test(time) && !Number.isNaN(Date.parse(time)), 'be an RFC 3339 time'),
      v.transform(time => Date.parse(time)),
    ),
    // Go's `omitempty` does not leave out a time: this is one that is not set.
    '0001-01-01T00:00:00Z',
  ),
})

const schema = object({
  version: v.literal(1, 'be 1'),
  ulid: text,
  minTime: integer,
  maxTime: integer,
  compaction: v.nullish(object({ level: v.nullish(count, 0), sources: list(ulid) }), {}),
  thanos: v.nullish(thanosSection, {}),
})
type Thanos = v.InferOutput<typeof thanosSection>

/**
 * The meta of block `expect`, whose folder the bytes come from. The caller limits their number.
 *
 * @throws BlockgateError `corrupted-meta-json` that says where: `meta.json: version: must be 1: current value is 20`
 */
export function parseMeta(bytes: Uint8Array, expect: BlockId): ParsedMeta {
  const { ulid: own, minTime, maxTime, compaction, thanos } = parseGo(META, schema, bytes)
  if (own.toUpperCase() !== expect) throw invalid(META, 'ulid', `be its folder ${expect}`, own)
  if (minTime > maxTime) throw invalid(META, 'maxTime', `be >= minTime ${minTime}`, maxTime)
  const declared = declaredFiles(thanos)
  const stats = thanos.index_stats
  const variant = variantIn(thanos)
  const meta: BlockMeta = {
    ulid: expect,
    minTime,
    maxTime,
    labels: thanos.labels,
    resolution: thanos.downsample.resolution,
    compaction,
    source: thanos.source,
    files: declared.filter((file): file is BlockFile => file.size !== undefined),
    ...(variant !== undefined && { variant }),
    readAhead: stats ? { series: stats.series_max_size, chunk: stats.chunk_max_size } : undefined,
  }
  return { meta, uploaded: thanos.upload_time > 0 ? thanos.upload_time : undefined, declared }
}

/** `index`, `meta.json`, `tombstones` and `chunks/NNNNNN`: the files of a block, and the only names a source keeps. */
export function isBlockFile(path: string): boolean {
  return FILE.test(path)
}

export function isMarker(path: string): path is Marker {
  return MARKER.test(path)
}

function variantIn({ extensions, rewrites }: Thanos): string | undefined {
  try {
    return variantOf(extensions, rewrites)
  } catch {
    throw invalid(META, 'thanos.extensions', 'be nested less deeply', extensions)
  }
}

function declaredFiles({ files, segment_files: segments }: Thanos): DeclaredFile[] {
  const byPath = new Map<string, DeclaredFile>()
  for (const { rel_path: path, size_bytes, hash } of files) {
    if (!isBlockFile(path) || byPath.has(path)) continue
    // Go leaves out a size of 0, so 0 means that the size is not known.
    const size = size_bytes || undefined
    const isSha256 = hash?.hashFunc === 'SHA256' && SHA256.test(hash.value)
    byPath.set(path, isSha256 ? { path, size, sha256: hash.value.toLowerCase() } : { path, size })
  }
  for (const segment of segments) {
    const path = `chunks/${segment}`
    if (isBlockFile(path) && !byPath.has(path)) byPath.set(path, { path, size: undefined })
  }
  return [...byPath.values()]
}
