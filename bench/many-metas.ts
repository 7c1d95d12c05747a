/** Many blocks that are nothing but metas: for what the engine itself costs. */
import { type BlockMeta, type BlockSource, blockId, type Candidate } from 'blockgate'

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TWO_HOURS = 7_200_000
const PAGE = 1_000

/** A source of `count` blocks over 50 clusters of two replicas, each a minute after the one before it. */
export function manyMetas(count: number): BlockSource {
  const labels = Array.from({ length: 100 }, (_, i) => ({ cluster: `c${i >> 1}`, replica: `r${i % 2}` }))
  const blocks = Array.from({ length: count }, (_, n) => candidateOf(n, labels[n % labels.length] ?? {}))
  return {
    kind: 'source',
    name: 'many-metas',
    async *pages() {
      for (let at = 0; at < blocks.length; at += PAGE) {
        yield { blocks: blocks.slice(at, at + PAGE), partial: [] }
      }
      return { complete: true }
    },
  }
}

function candidateOf(n: number, labels: Readonly<Record<string, string>>): Candidate {
  const minTime = 1_500_000_000_000 + n * 60_000
  const ulid = blockId(base32(minTime, 10) + base32(Math.imul(n, 0x9e3779b1) >>> 0, 16))
  const meta: BlockMeta = {
    ulid,
    minTime,
    maxTime: minTime + TWO_HOURS,
    labels,
    resolution: 0,
    compaction: { level: 1, sources: [ulid] },
    source: 'sidecar',
    files: [{ path: 'index', size: 1_000 }],
    readAhead: undefined,
  }
  return { meta, path: `${ulid}/`, markers: [], uploaded: undefined }
}

function base32(n: number, length: number): string {
  let text = ''
  for (let rest = n; text.length < length; rest = Math.floor(rest / 32)) text = BASE32.charAt(rest % 32) + text
  return text
}
