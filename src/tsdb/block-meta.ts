/** A BlockMeta as we write it in JSON: in a manifest on the disk, or in a document of a state store. What is read is not trusted. */
import * as v from 'valibot'
import type { BlockFile, BlockMeta } from '../contracts/block.ts'
import { count, integer, labels, text, ulid } from './go-json.ts'
import { isBlockFile } from './meta.ts'

export const blockFile: v.GenericSchema<unknown, BlockFile> = v.object({
  path: v.pipe(text, v.check(isBlockFile)),
  size: count,
  sha256: v.exactOptional(text),
})

/** The output has its fields in this order, so equal metas are equal as JSON. */
export const blockMeta: v.GenericSchema<unknown, BlockMeta> = v.pipe(
  v.object({
    ulid,
    minTime: integer,
    maxTime: integer,
    labels,
    resolution: count,
    compaction: v.object({ level: count, sources: v.array(ulid) }),
    source: text,
    files: v.array(blockFile),
    variant: v.optional(text),
    readAhead: v.optional(v.object({ series: count, chunk: count })),
  }),
  v.transform(meta => ({ ...meta, readAhead: meta.readAhead })),
)
