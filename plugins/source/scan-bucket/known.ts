/** What was read of a block, and its form in a cache document. */

import { type BlockFile, type BlockId, type BlockMeta, isBlockId } from 'blockgate'
import { isBlockFile } from 'blockgate/tsdb'
import * as v from 'valibot'
import type { Sharing } from './share.ts'

/** The object that was read: read again only where the listing shows another. */
export interface Version {
  readonly etag: string
  readonly size: number
}

/** Why a block is no candidate, for as long as its objects stay as they are. */
export interface Fault {
  readonly reason: 'corrupted-meta-json' | 'incomplete'
  readonly message: string
}

/** Holds while meta.json is this version and the listing shows these files. */
export interface Known extends Version {
  readonly id: BlockId
  readonly files: readonly BlockFile[]
  readonly found: { readonly meta: BlockMeta; readonly uploaded: number | undefined } | Fault
  readonly mark: KnownMark | undefined
}

/** When the mark was made, in ms; or what is wrong with it. */
export interface KnownMark extends Version {
  readonly time: number | undefined
  readonly problem: string | undefined
}

/** A document for a state store. */
export function writeDocument(entries: Iterable<Known>): unknown {
  const blocks = Array.from(entries, ({ found, ...rest }) => {
    if (!('meta' in found)) return { ...rest, fault: found }
    // The id and the files stand in `rest` already.
    const { ulid: _, files: __, ...meta } = found.meta
    return { ...rest, meta, uploaded: found.uploaded }
  })
  return { format: FORMAT, blocks }
}

/** The entries of a document; undefined where it is damaged, or of another version of this file. */
export function readDocument(document: unknown, share: Sharing): readonly Known[] | undefined {
  const result = v.safeParse(schema, document, { abortEarly: true })
  if (!result.success) return undefined
  return result.output.blocks.map((entry): Known => {
    const { id, etag, size, mark } = entry
    const base = { etag, size, mark: mark && { ...mark, time: mark.time, problem: mark.problem } }
    const files = entry.files.map(({ path, size, sha256 }) =>
      sha256 === undefined ? { path, size } : { path, size, sha256 },
    )
    if ('fault' in entry) return { ...base, id: share.text(id), files: share.files(files), found: entry.fault }
    const { labels, readAhead, ...rest } = entry.meta
    const whole = { ...rest, ulid: id, files, readAhead, labels: Object.assign(Object.create(null), labels) }
    const meta = share.meta(whole, files)
    return { ...base, id: meta.ulid, files: meta.files, found: { meta, uploaded: entry.uploaded } }
  })
}

/** Goes up with every change of a document's form: the blocks of an older one are read again. */
const FORMAT = 3

const id = v.custom<BlockId>(value => typeof value === 'string' && isBlockId(value))
const whole = v.pipe(v.number(), v.safeInteger())
const entry = {
  id,
  etag: v.string(),
  size: whole,
  files: v.array(
    v.object({ path: v.pipe(v.string(), v.check(isBlockFile)), size: whole, sha256: v.optional(v.string()) }),
  ),
  mark: v.optional(
    v.object({ etag: v.string(), size: whole, time: v.optional(whole), problem: v.optional(v.string()) }),
  ),
}
const schema = v.object({
  format: v.literal(FORMAT),
  blocks: v.array(
    v.union([
      v.object({
        ...entry,
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
        ...entry,
        fault: v.object({ reason: v.picklist(['corrupted-meta-json', 'incomplete']), message: v.string() }),
      }),
    ]),
  ),
})

function isLabels(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(text => typeof text === 'string')
}
