/**
 * Reads a block's meta.json from untrusted bytes. The format is Prometheus' (`tsdb/block.go`, BlockMeta) with Thanos'
 * section `thanos` (https://github.com/thanos-io/thanos `pkg/block/metadata/meta.go`); fields not named here are ignored.
 */
import * as v from 'valibot'
import type { BlockFile, BlockId, BlockMeta } from '../contracts/block.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import { ulid as anyCaseUlid, complaint, object, record } from './go-json.ts'
import { variantOf } from './meta-variant.ts'
import { parseJson } from './untrusted-json.ts'

/** A file that meta.json names. Thanos leaves sizes out of `segment_files`, and out of the entry of meta.json itself. */
export interface DeclaredFile {
  /** `index`, `meta.json`, `tombstones` or `chunks/NNNNNN`: other names are not kept, so that a path is never made of one. */
  readonly path: string
  readonly size: number | undefined
  /** Lower-case hex. */
  readonly sha256?: string
}

export interface ParsedMeta {
  /** `files` holds the declared files whose size is told; a source completes them from its listing. */
  readonly meta: BlockMeta
  /** `thanos.upload_time` in ms; undefined where it is not set, or Go's zero time. */
  readonly uploaded: number | undefined
  /** Every file that `thanos.files` or `thanos.segment_files` names, in the order of the text, each once. */
  readonly declared: readonly DeclaredFile[]
}

/** `index`, `meta.json`, `tombstones` and `chunks/NNNNNN`: the files of a block, and the only names a source keeps. */
export function isBlockFile(path: string): boolean {
  return FILE.test(path)
}

/**
 * The meta of block `expect`, whose folder the bytes come from. The caller limits their number.
 *
 * @throws BlockgateError `corrupted-meta-json` that says where: `meta.json: version: must be 1: current value is 20`
 */
export function parseMeta(bytes: Uint8Array, expect: BlockId): ParsedMeta {
  const result = v.safeParse(schema, json(bytes), { abortEarly: true, abortPipeEarly: true })
  if (!result.success) {
    const [{ path = [], message, input }] = result.issues
    throw bad(path.map(item => item.key).join('.'), message, input)
  }
  const { ulid, version, minTime, maxTime, compaction, thanos } = result.output
  if (version !== 1) throw bad('version', 'be 1', version)
  if (ulid.toUpperCase() !== expect) throw bad('ulid', `be its folder ${expect}`, ulid)
  if (minTime > maxTime) throw bad('maxTime', `be >= minTime ${minTime}`, maxTime)
  const declared = declaredFiles(thanos?.files ?? [], thanos?.segment_files ?? [])
  const stats = thanos?.index_stats
  const variant = variantIn(thanos)
  const meta: BlockMeta = {
    ulid: expect,
    minTime,
    maxTime,
    labels: thanos?.labels ?? Object.create(null),
    resolution: thanos?.downsample?.resolution ?? 0,
    compaction: { level: compaction?.level ?? 0, sources: compaction?.sources ?? [] },
    source: thanos?.source ?? '',
    files: declared.filter((file): file is BlockFile => file.size !== undefined),
    ...(variant !== undefined && { variant }),
    readAhead: stats ? { series: stats.series_max_size ?? 0, chunk: stats.chunk_max_size ?? 0 } : undefined,
  }
  return { meta, uploaded: uploadTime(thanos?.upload_time), declared }
}

const FILE = /^(?:index|meta\.json|tombstones|chunks\/\d{6})$/
const SHA256 = /^[0-9a-f]{64}$/i
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

// Go writes a nil slice or map as null, and reads null as "not set": so does every optional field here.
const integer = v.pipe(v.number('be a number'), v.safeInteger('be a safe integer'))
const count = v.pipe(integer, v.minValue(0, 'be >= 0'))
const text = v.string('be a string')
const list = <const S extends v.GenericSchema>(item: S) => v.array(item, 'be an array')

// Not v.record: it drops the key `__proto__`, and it makes a plain object, on which such a key would be dangerous.
const labels = v.pipe(
  record,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const input = dataset.value
    const output: Record<string, string> = Object.create(null)
    for (const [key, given] of Object.entries(input)) {
      // Go's map of strings takes null for ''.
      const value = given ?? ''
      if (typeof value !== 'string') {
        addIssue({
          message: 'be a string',
          input: value,
          path: [{ type: 'object', origin: 'value', input, key, value }],
        })
        return NEVER
      }
      output[key] = value
    }
    return output
  }),
)

const schema = object({
  ulid: text,
  version: v.optional(v.unknown()),
  minTime: integer,
  maxTime: integer,
  compaction: v.nullish(
    object({
      level: v.nullish(count),
      sources: v.nullish(list(anyCaseUlid)),
    }),
  ),
  thanos: v.nullish(
    object({
      version: v.nullish(v.picklist([0, 1], 'be 0 or 1')),
      labels: v.nullish(labels),
      downsample: v.nullish(
        object({ resolution: v.nullish(v.picklist([0, 300_000, 3_600_000], 'be 0, 300000 or 3600000')) }),
      ),
      source: v.nullish(text),
      segment_files: v.nullish(list(text)),
      files: v.nullish(
        list(
          object({
            rel_path: text,
            size_bytes: v.nullish(count),
            hash: v.nullish(object({ hashFunc: v.nullish(text), value: v.nullish(text) })),
          }),
        ),
      ),
      extensions: v.optional(v.unknown()),
      rewrites: v.optional(v.unknown()),
      index_stats: v.nullish(object({ series_max_size: v.nullish(count), chunk_max_size: v.nullish(count) })),
      upload_time: v.nullish(
        v.pipe(
          text,
          v.check(time => RFC3339.test(time) && !Number.isNaN(Date.parse(time)), 'be an RFC 3339 time'),
        ),
      ),
    }),
  ),
})
type Thanos = NonNullable<v.InferOutput<typeof schema>['thanos']>

function json(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes)
  } catch (cause) {
    throw new BlockgateError(ErrorCode.corruptedMeta, `meta.json: must be JSON: ${rawMessageOf(cause)}`, { cause })
  }
}

function variantIn(thanos: Thanos | null | undefined): string | undefined {
  try {
    return variantOf(thanos?.extensions, thanos?.rewrites)
  } catch {
    throw bad('thanos.extensions', 'be nested less deeply', thanos?.extensions)
  }
}

function declaredFiles(files: NonNullable<Thanos['files']>, segments: readonly string[]): DeclaredFile[] {
  const byPath = new Map<string, DeclaredFile>()
  for (const { rel_path: path, size_bytes, hash } of files) {
    if (!isBlockFile(path) || byPath.has(path)) continue
    // Go leaves a size out that is 0: 0 is one that is not told.
    const size = size_bytes || undefined
    const sha256 = hash?.hashFunc === 'SHA256' ? (hash.value ?? '') : ''
    byPath.set(path, SHA256.test(sha256) ? { path, size, sha256: sha256.toLowerCase() } : { path, size })
  }
  for (const segment of segments) {
    const path = `chunks/${segment}`
    if (isBlockFile(path) && !byPath.has(path)) byPath.set(path, { path, size: undefined })
  }
  return [...byPath.values()]
}

// Go's `omitempty` does not leave out a time, so a meta that was never uploaded says 0001-01-01T00:00:00Z.
function uploadTime(time: string | null | undefined): number | undefined {
  const ms = time ? Date.parse(time) : 0
  return ms > 0 ? ms : undefined
}

function bad(path: string, must: string, value: unknown): BlockgateError {
  return new BlockgateError(ErrorCode.corruptedMeta, complaint('meta.json', path, must, value))
}
