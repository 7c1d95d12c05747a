/** Files of blocks. */
import {
  checkIndexHeader,
  crc32c,
  decodeHistogram,
  decodeXor,
  decodeXor2,
  FloatSamples,
  readAggregates,
  readTombstones,
} from 'blockgate/tsdb'
import { blockFiles } from '../../support/block-files.ts'
import { headerOf, readerOf } from '../../support/header-of.ts'
import { Bytes } from '../../support/index-file.ts'
import type { Chance } from '../chance.ts'
import { damage, damaged, deepDamage } from '../damage.ts'
import { assertFormed, isSame, type Outcome, outcome, type Target } from '../outcome.ts'
import { answer, blockOf, FORMS, type Form, KINDS, type World } from '../worlds.ts'

export function blockTargets(worlds: readonly World[]): readonly Target[] {
  return [
    { name: 'file', run: chance => file(chance.pick(worlds), chance) },
    { name: 'deep', run: chance => deep(chance.pick(worlds), chance) },
    { name: 'header', run: chance => header(chance.pick(worlds), chance) },
    { name: 'chunk', run: chance => chunk(chance.pick(worlds), chance) },
    { name: 'tombstones', run: tombstones },
  ]
}

/**
 * One file of a block is damaged; its checksums are as they were. They tell all changes but one: an entry that stands, whole, in the
 * place of another one. The format cannot tell that of a postings list, so that is allowed.
 */
async function file(world: World, chance: Chance): Promise<Outcome> {
  const form = chance.pick(FORMS)
  const kind = chance.pick(KINDS)
  const at = chance.below(world.blocks.length)
  let isMoved = false
  const blocks = world.blocks.map((block, i) => {
    const files = new Map(world.files[i])
    // What the meta says of its size may be what it was: a file that was cut later.
    const sizes = chance.below(2) === 0 ? new Map(files) : undefined
    if (i === at) {
      const path = chance.pick([...files.keys()].filter(each => kind === 'headers' || each !== 'index-header'))
      const made = damage(files.get(path) as Uint8Array, chance)
      isMoved = made.isMoved
      files.set(path, made.bytes)
    }
    return blockOf(block, files, sizes)
  })
  return await outcome(['corrupt-block', 'query-too-large', ...unsupported(world, form)], async () => {
    const found = await answer(blocks, world.query, { form, kind })
    if (isSame(found, world.right[form])) return 'right'
    if (isMoved) {
      assertFormed(found, form)
      return 'formed'
    }
    throw new Error(`the answer (${form}, ${kind}) must be what it is without the damage, or an error`)
  })
}

/** The bodies of some sections or chunks are damaged, and their checksums made anew: whoever wrote them meant harm. */
async function deep(world: World, chance: Chance): Promise<Outcome> {
  const form = chance.pick(FORMS)
  const kind = chance.pick(KINDS)
  const blocks = world.blocks.map(block => blockOf(block, blockFiles({ ...block, damage: deepDamage(chance) })))
  return await outcome(['corrupt-block', 'query-too-large', 'unsupported'], async () => {
    const found = await answer(blocks, world.query, { form, kind })
    if (isSame(found, world.right[form])) return 'right'
    assertFormed(found, form)
    return 'formed'
  })
}

/** An index is damaged before its header is made, or the header itself. */
async function header(world: World, chance: Chance): Promise<Outcome> {
  const index = world.files[0]?.get('index') as Uint8Array
  const right = world.files[0]?.get('index-header') as Uint8Array
  return await outcome(['corrupt-block'], async () => {
    if (chance.below(2) === 0) {
      const made = await headerOf(damaged(index, chance), 1 + chance.below(200))
      return isSame(made, right) ? 'right' : 'formed'
    }
    const bytes = damaged(right, chance)
    await checkIndexHeader(bytes.length, readerOf(bytes))
    return isSame(bytes, right) ? 'right' : 'formed'
  })
}

/** The data of one chunk, whose checksum is right; read as any encoding. */
async function chunk(world: World, chance: Chance): Promise<Outcome> {
  const all = world.blocks.flatMap(({ series }) => series.flatMap(({ chunks }) => chunks))
  const { data, encoding } = chance.pick(all)
  const bytes = damaged(data, chance)
  const as = chance.below(3) > 0 ? encoding : chance.pick([1, 2, 3, 4, 5, 6, 255])
  return await outcome(['corrupt-block'], async () => {
    if (as === 255) readAggregates(bytes)
    else if (as === 1) decodeXor(bytes, new FloatSamples())
    else if (as === 4) decodeXor2(bytes, new FloatSamples(), [])
    else decodeHistogram(bytes, { isFloat: as === 3 || as === 6, hasStarts: as > 4 })
    return 'formed'
  })
}

async function tombstones(chance: Chance): Promise<Outcome> {
  const body = new Bytes()
  for (let left = chance.below(5); left > 0; left--)
    body.uvarint(chance.below(400)).varint(-5).varint(1_700_000_000_000)
  const isDeep = chance.below(2) === 0
  const entries = isDeep ? damaged(body.done(), chance) : body.done()
  const whole = new Bytes().be32(0x0130ba30).u8(1).bytes(entries).be32(crc32c(entries)).done()
  const bytes = isDeep ? whole : damaged(whole, chance)
  return await outcome(['corrupt-block'], async () => {
    // Cut, and zero where its checksum stands, it is a whole file of no entries: only its size in the meta tells.
    const isEmptied = readTombstones(bytes).size === 0 && bytes.length === 9
    if (!isDeep && !isEmptied && !isSame(bytes, whole))
      throw new Error('tombstones whose bytes were changed must be refused')
    return 'formed'
  })
}

function unsupported(world: World, form: Form): readonly string[] {
  return world.right[form] === undefined ? ['unsupported'] : []
}
