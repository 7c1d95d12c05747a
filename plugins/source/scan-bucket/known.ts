/** What was read of a block, and its form in a cache document. */

import { type BlockFile, type BlockId, type BlockMeta, isBlockId } from 'blockgate'
import { isBlockFile } from 'blockgate/tsdb'
import * as v from 'valibot'
import type { Sharing } from './share.ts'
import type { Version } from './versions.ts'

/** Why a block is no candidate, for as long as its objects stay as they are. */
export interface Fault {
  readonly reason: 'corrupted-meta-json' | 'incomplete'
  readonly message: string
}

/** Of meta.json: holds while it is this version and the listing shows these files. */
export interface KnownMeta extends Version {
  readonly files: readonly BlockFile[]
  readonly found: { readonly meta: BlockMeta; readonly uploaded: number | undefined } | Fault
}

/** When the mark was made, in ms; or what is wrong with it. */
export interface KnownMark extends Version {
  readonly time: number | undefined
  readonly problem: string | undefined
}

export interface Known {
  readonly id: BlockId
  /** Undefined for a block that has a deletion mark only. */
  readonly read: KnownMeta | undefined
  readonly mark: KnownMark | undefined
}

/** A document for a state store. */
export function writeDocument(entries: Iterable<Known>): unknown {
  const blocks = Array.from(entries, ({ id, read, mark }) => {
    if (!read) return { id, mark }
    const { found, ...rest } = read
    if (!('meta' in found)) return { id, read: { ...rest, fault: found }, mark }
    // The id and the files stand there already.
    const { ulid: _, files: __, ...meta } = found.meta
    return { id, read: { ...rest, meta, uploaded: found.uploaded }, mark }
  })
  return { format: FORMAT, blocks }
}

/** The entries of a document; undefined where it is damaged, or of another version of this file. */
export function readDocument(document: unknown, share: Sharing): readonly Known[] | undefined {
  const result = v.safeParse(schema, document, { abortEarly: true })
  if (!result.success) return undefined
  return result.output.blocks.map(({ id: own, read, mark }): Known => {
    const id = share.text(own)
    return {
      id,
      read: read && known(id, read, share),
      mark: mark && { ...mark, time: mark.time, problem: mark.problem },
    }
  })
}

function known(id: BlockId, { etag, size, modified, ...entry }: StoredMeta, share: Sharing): KnownMeta {
  const files = entry.files.map(({ path, size, sha256 }) =>
    sha256 === undefined ? { path, size } : { path, size, sha256 },
  )
  const version = { etag, size, modified }
  if ('fault' in entry) return { ...version, files: share.files(files), found: entry.fault }
  const { labels, readAhead, ...rest } = entry.meta
  const whole = { ...rest, ulid: id, files, readAhead, labels: Object.assign(Object.create(null), labels) }
  const meta = share.meta(whole, files)
  return { ...version, files: meta.files, found: { meta, uploaded: entry.uploaded } }
}

/** Goes up with every change of a document's form: the blocks of an older one are read again. */
const FORMAT = 4

const id = v.custom<BlockId>(value => typeof value === 'string' && isBlockId(value))
const whole = v.pipe(v.number(), v.safeInteger())
const version = { etag: v.string(), size: whole, modified: v.number() }
const files = v.array(
  v.object({ path: v.pipe(v.string(), v.check(isBlockFile)), size: whole, sha256: v.optional(v.string()) }),
)
const stored = v.union([
  v.object({
    ...version,
    files,
    meta: v.object({
      minTime: whole,
      maxTime: whole,
      labels: v.custom<BlockMeta['labels']>(isLabels),
      resolution: whole,
      compaction: v.object({ level: whole, sources: v.array(id) }),
      source: v.string(),
      variant: v.optional(v.string()),
      readAhead: v.optional(v.object({ series: whole, chunk: whole })),
    }),
    uploaded: v.optional(whole),
  }),
  v.object({
    ...version,
    files,
    fault: v.object({ reason: v.picklist(['corrupted-meta-json', 'incomplete']), message: v.string() }),
  }),
])
type StoredMeta = v.InferOutput<typeof stored>
const schema = v.object({
  format: v.literal(FORMAT),
  blocks: v.array(
    v.object({
      id,
      read: v.optional(stored),
      mark: v.optional(v.object({ ...version, time: v.optional(whole), problem: v.optional(v.string()) })),
    }),
  ),
})

function isLabels(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(text => typeof text === 'string')
}
