/** Many blocks from one real one: hard links of its files, each with a meta.json of its own. */
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The block that they are made of. */
export const SOURCE: string = fileURLToPath(
  new URL('../examples/quickstart/bucket/01M82F4TV5KS1VYMEACTGJ6Y3Q', import.meta.url),
)
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TWO_HOURS = 7_200_000

/**
 * Makes `count` blocks in `<dir>/bucket`, each two hours before the one before it, over 50 clusters of two replicas.
 * Their index and chunks are those of one block of the quickstart: right for listing, filtering and loading, and for queries of all times.
 *
 * @param more labels of a block, by its number
 */
export function makeBlocks(
  dir: string,
  count: number,
  more: (n: number) => Readonly<Record<string, string>> = () => ({}),
): string {
  const original = join(dir, 'block')
  const bucket = join(dir, 'bucket')
  cpSync(SOURCE, original, { recursive: true })
  const meta = JSON.parse(readFileSync(join(original, 'meta.json'), 'utf8'))
  const files = ['index', ...readdirSync(join(original, 'chunks')).map(name => `chunks/${name}`)]
  for (let n = 0; n < count; n++) {
    const minTime = meta.minTime - n * TWO_HOURS
    const ulid = ulidOf(minTime, n)
    mkdirSync(join(bucket, ulid, 'chunks'), { recursive: true })
    for (const file of files) linkSync(join(original, file), join(bucket, ulid, file))
    const thanos = { ...meta.thanos, labels: { cluster: `c${n % 50}`, replica: `r${n % 2}`, ...more(n) } }
    const compaction = { ...meta.compaction, sources: [ulid] }
    const own = { ...meta, ulid, minTime, maxTime: minTime + TWO_HOURS, compaction, thanos }
    writeFileSync(join(bucket, ulid, 'meta.json'), JSON.stringify(own))
  }
  return bucket
}

function ulidOf(ms: number, random: number): string {
  return base32(ms, 10) + base32(random, 16)
}

function base32(n: number, length: number): string {
  let text = ''
  for (let rest = n; text.length < length; rest = Math.floor(rest / 32)) text = BASE32.charAt(rest % 32) + text
  return text
}
