/** What the tests of the hand-over do often. */
import type { BlockMeta, OwnershipChange } from 'blockgate'
import { blockOf, ids, meta, never, type TestMember, World } from '../../../members/world.ts'

export const stopAll = async (...members: readonly TestMember[]) => {
  for (const member of members) await member.stop()
}

export const release = (member: TestMember, block: BlockMeta, more: { needs?: BlockMeta; urgent?: true } = {}) =>
  member.handover.release({ id: block.ulid, needs: block, ...more }, member.plugin.epoch(), never)

export const serve = (member: TestMember, ...blocks: readonly BlockMeta[]) =>
  member.handover.serve({ added: blocks.map(b => b.ulid), dropped: [] }, never)

/** The blocks that changes after `from` were for, in a world of blocks 1 to 200. */
export const affected = (changes: readonly OwnershipChange[], from = 0) =>
  changes.slice(from).map(change => ids(...Array(200).keys()).filter(id => change.affects({ ...meta(1), ulid: id })))

/** `a` serves everything, `b` has just joined. */
export async function pair(options: Parameters<World['started']>[1] = {}) {
  const world = new World()
  const a = await world.started('a', options, ids(...Array.from({ length: 200 }, (_, i) => i + 1)))
  const b = await world.started('b', options)
  await world.advance(500)
  return { world, a, b, block: blockOf(a.plugin, 'b') }
}
