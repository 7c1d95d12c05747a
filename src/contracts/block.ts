/** Blocks: ids, metas, and what a source knows beside the meta. */
import { BlockgateError, ErrorCode } from './errors.ts'
import { show } from './shown-options.ts'

declare const brand: unique symbol
/** A ULID: 26 characters of Crockford's base 32, upper case, at most 2^128 − 1. Safe as a folder name and in a key. */
export type BlockId = string & { readonly [brand]: 'BlockId' }

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

/** True for a strict ULID; Thanos' own test takes any 26 characters, which is how garbage becomes a block. */
export function isBlockId(text: string): text is BlockId {
  return ULID.test(text)
}

/** @throws BlockgateError `invalid-key` where `text` is not a strict ULID */
export function blockId(text: string): BlockId {
  if (isBlockId(text)) return text
  throw new BlockgateError(ErrorCode.invalidKey, `a block id must be a ULID: current value is ${show(text)}`)
}

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The milliseconds since the epoch in a ULID's first ten characters. */
export function blockIdTime(id: BlockId): number {
  let ms = 0
  for (let i = 0; i < 10; i++) ms = ms * 32 + BASE32.indexOf(id.charAt(i))
  return ms
}

export interface BlockFile {
  /** Relative to the block's folder: `index`, `chunks/000001`. */
  readonly path: string
  readonly size: number
  /** Lower-case hex. */
  readonly sha256?: string
}

/** What meta.json says, as https://github.com/thanos-io/thanos `pkg/block/metadata` writes it; times in ms. */
export interface BlockMeta {
  readonly ulid: BlockId
  readonly minTime: number
  /** Exclusive in the TSDB's sense. */
  readonly maxTime: number
  /** External labels; null prototype. */
  readonly labels: Readonly<Record<string, string>>
  /** Downsampling step in ms; 0 is raw. */
  readonly resolution: number
  readonly compaction: { readonly level: number; readonly sources: readonly BlockId[] }
  /** thanos.source: 'sidecar' | 'compactor' | … ; '' where there is none. */
  readonly source: string
  /** From the meta, completed from the listing. */
  readonly files: readonly BlockFile[]
  /** Tells blocks with equal sources, labels and resolution apart: `thanos.extensions` and `thanos.rewrites` as one text. */
  readonly variant?: string | undefined
  /** Read-ahead sizes of `thanos.index_stats`, in bytes. */
  readonly readAhead: { readonly series: number; readonly chunk: number } | undefined
}

export type Marker = 'deletion-mark.json' | 'no-compact-mark.json' | 'no-downsample-mark.json'

/** A block that the source offers: its meta, and what the source knows beside it. Plain data. */
export interface Candidate {
  readonly meta: BlockMeta
  /** Key prefix of the block: `<ulid>/` now, `<tenant>/<ulid>/` later. */
  readonly path: string
  readonly markers: readonly Marker[]
  /** When the block's upload was finished, in ms. */
  readonly uploaded: number | undefined
  /** The time in deletion-mark.json, ms; undefined without a mark, and for one that cannot be read: the block is kept. */
  readonly deletionTime?: number | undefined
  /** What is wrong about a block that is offered all the same, for people. */
  readonly notes?: readonly string[] | undefined
}
