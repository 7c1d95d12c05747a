/** What a cache has of blocks, which others may have written. */
import type { ByteCache } from 'blockgate'
import { fakeHost } from 'blockgate/testing'
import { crc32c } from 'blockgate/tsdb'
import { decodeTable, encodeSegment, START_BYTES, tableBytes } from '../../../plugins/cache/disk/segment.ts'
import { EntryCache } from '../../../src/cache/entry-cache.ts'
import type { Chance } from '../chance.ts'
import { damaged } from '../damage.ts'
import { damagedJson } from '../json.ts'
import { isSame, type Outcome, type Target } from '../outcome.ts'
import { answer, blockOf, FORMS, type World } from '../worlds.ts'

export function cacheTargets(worlds: readonly World[]): readonly Target[] {
  return [
    { name: 'cached-entries', run: chance => cachedEntries(chance.pick(worlds), chance) },
    { name: 'cache-segment', run: cacheSegment },
  ]
}

/** A cache of another process gives back other values than it was given: the answer is the same. */
async function cachedEntries(world: World, chance: Chance): Promise<Outcome> {
  const form = chance.pick(FORMS)
  const right = world.right[form]
  if (!right) return 'refused: unsupported'
  const values = new Map<string, Uint8Array>()
  const cache: ByteCache = {
    kind: 'cache',
    name: 'shared',
    get: keys => keys.map(key => values.get(key)),
    put: entries => {
      for (const { key, value } of entries) values.set(key, value)
    },
  }
  const entries = new EntryCache(cache, fakeHost())
  const blocks = world.blocks.map((block, i) => blockOf(block, world.files[i] as Map<string, Uint8Array>))
  const ask = () => answer(blocks, world.query, { form, kind: 'headers', cache: entries })
  if (!isSame(await ask(), right)) throw new Error(`the answer (${form}) must be the same with an empty cache`)
  const keys = [...values.keys()]
  if (keys.length === 0) return 'right'
  for (let left = chance.below(4); left > 0; left--) {
    const key = chance.pick(keys)
    const other = values.get(chance.pick(keys)) as Uint8Array
    values.set(key, chance.below(4) === 0 ? other : damaged(values.get(key) as Uint8Array, chance))
  }
  const before = misses(entries)
  if (!isSame(await ask(), right)) throw new Error(`the answer (${form}) must be the same with damaged values`)
  return misses(entries) > before ? 'refused: values' : 'right'
}

function misses({ counts }: EntryCache): number {
  return Object.values(counts).reduce((sum, each) => sum + each.misses, 0)
}

/** A file of the cache on the disk: whatever its table says, the values are within the file, one behind the other. */
async function cacheSegment(chance: Chance): Promise<Outcome> {
  const value = new Uint8Array(chance.below(40))
  const given = Array.from({ length: chance.below(5) }, (_, i) => ({ key: `k${i}`, kind: 'chunk' as const, value }))
  const [start = value, table = value, ...rest] = encodeSegment(given)
  let made = table
  if (chance.below(2) === 0) {
    made = damagedJson(JSON.parse(new TextDecoder().decode(table)), chance)
    new DataView(start.buffer).setUint32(4, made.length)
    new DataView(start.buffer).setUint32(8, crc32c(made))
  }
  const whole = new Uint8Array(await new Blob([start, made, ...rest] as BlobPart[]).arrayBuffer())
  const file = chance.below(2) === 0 ? damaged(whole, chance) : whole
  const bytes = tableBytes(file.subarray(0, START_BYTES))
  if (bytes === undefined || START_BYTES + bytes > file.length) return 'refused: start'
  const slots = decodeTable(file, file.subarray(START_BYTES, START_BYTES + bytes), file.length)
  if (!slots) return 'refused: table'
  let end = START_BYTES + bytes
  for (const { offset, size } of slots) {
    if (offset !== end || size < 0) throw new Error(`a value must be behind the one before it: ${offset} + ${size}`)
    end += size
  }
  if (end !== file.length) throw new Error(`the values must fill the file of ${file.length} bytes: they end at ${end}`)
  return 'formed'
}
