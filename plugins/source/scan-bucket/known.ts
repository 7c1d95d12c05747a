/** What was read of a block, in memory and in a cache document: as it is, but for texts that are shared. */
import type { BlockFile, BlockId, BlockMeta } from 'blockgate'
import type { Version } from 'blockgate/bucket'
import { blockFile, blockMeta, ulid } from 'blockgate/tsdb'
import * as v from 'valibot'
import type { Sharing } from './share.ts'

export interface Known {
  readonly id: BlockId
  /** Undefined for a block that has a deletion mark only. */
  readonly read?: KnownMeta | undefined
  readonly mark?: KnownMark | undefined
  /** Another gateway has read it. */
  readonly told?: true | undefined
}

/** Of meta.json: holds while it is this version and the listing shows these files. */
export type KnownMeta = Version & (GoodMeta | BadMeta)

export interface GoodMeta {
  readonly meta: BlockMeta
  readonly uploaded?: number | undefined
}

/** Why a block is no candidate, for as long as its objects stay as they are. */
export interface BadMeta {
  readonly files: readonly BlockFile[]
  readonly reason: 'corrupted-meta-json' | 'incomplete'
  readonly message: string
}

/** When the mark was made, in ms; or what is wrong with it. */
export interface KnownMark extends Version {
  readonly time?: number | undefined
  readonly problem?: string | undefined
}

export function filesOf(known: KnownMeta): readonly BlockFile[] {
  return 'meta' in known ? known.meta.files : known.files
}

/** Goes up with every change of a document's form: the blocks of an older one are read again. */
const FORMAT = 5

const version = { etag: v.string(), size: v.number(), modified: v.number() }
const known: v.GenericSchema<unknown, Known> = v.object({
  id: ulid,
  read: v.optional(
    v.union([
      v.object({ ...version, meta: blockMeta, uploaded: v.optional(v.number()) }),
      v.object({
        ...version,
        files: v.array(blockFile),
        reason: v.picklist(['corrupted-meta-json', 'incomplete']),
        message: v.string(),
      }),
    ]),
  ),
  mark: v.optional(v.object({ ...version, time: v.optional(v.number()), problem: v.optional(v.string()) })),
  told: v.optional(v.literal(true)),
})
const schema = v.object({ format: v.literal(FORMAT), blocks: v.array(known) })

/** A document for a state store. */
export function writeDocument(blocks: Iterable<Known>): unknown {
  return { format: FORMAT, blocks: [...blocks] }
}

/** The blocks of a document; undefined where it is damaged, or of another version of this file. */
export function readDocument(document: unknown, share: Sharing): readonly Known[] | undefined {
  const { success, output } = v.safeParse(schema, document, { abortEarly: true })
  if (!success) return undefined
  return output.blocks.map(({ id, read, mark, told }) => ({
    id: share.text(id),
    read:
      read && ('meta' in read ? { ...read, meta: share.meta(read.meta) } : { ...read, files: share.files(read.files) }),
    mark,
    ...(told && { told }),
  }))
}
