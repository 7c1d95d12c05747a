/** Codecs of the files of a TSDB block. Pure: bytes in, bytes out; web APIs only. */

export { blockFile, blockMeta } from './block-meta.ts'
export {
  type AggregateChunks,
  ChunkEncoding,
  type ChunkRef,
  checkSegmentStart,
  chunkRef,
  chunkSize,
  type RawChunk,
  readAggregates,
  readChunk,
  SEGMENT_START_BYTES,
} from './chunk.ts'
export { Crc32c, crc32c } from './crc32c.ts'
export { futureMark, parseDeletionMark } from './deletion-mark.ts'
export { ulid } from './go-json.ts'
export { type BucketSpan, decodeHistogram, type HistogramLayout, type HistogramSamples } from './histogram.ts'
export {
  checkIndexHeader,
  checkIndexHeaderEnds,
  encodeIndexHeader,
  type IndexEnds,
  type IndexHeader,
  indexHeaderSize,
  type ReadAt,
} from './index-header.ts'
export { IndexLookup, type PostingsRange } from './index-lookup.ts'
export {
  assertIndexSize,
  INDEX_START_BYTES,
  INDEX_TOC_BYTES,
  type IndexToc,
  type IndexVersion,
  MAX_INDEX_BYTES,
  parseIndexStart,
  parseIndexToc,
} from './index-toc.ts'
export { type DeclaredFile, isBlockFile, isMarker, type ParsedMeta, parseMeta } from './meta.ts'
export { oddTimes } from './odd-times.ts'
export { FloatSamples } from './samples.ts'
export { SectionCheck, type SectionKind, type SectionPlace } from './section-check.ts'
export {
  readPostings,
  readSection,
  readSeries,
  readTombstones,
  type SeriesEntry,
  seriesOffset,
  seriesSize,
  type Tombstones,
} from './series.ts'
export { parseJson } from './untrusted-json.ts'
export { decodeXor } from './xor.ts'
export { decodeXor2 } from './xor2.ts'
