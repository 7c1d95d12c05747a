/** What the tests of the hand-over do often. */
import type { BlockMeta, OwnershipChange } from 'blockgate'
import type { MemberOptions } from 'blockgate/members'
import { RedlockWorld } from '../plugins/ownership/redlock/world.ts'
import { blockOf, ids, meta, never, type TestMember, World } from './world.ts'

export const stopAll = async (...members: readonly TestMember[]) => {
  for (const member of members) await member.stop()
}

export const release = (member: TestMember, block: BlockMeta, more: { superseding?: BlockMeta; urgent?: true } = {}) =>
  member.handover.release(
    { id: block.ulid, superseding: block, ...more },
    member.plugin.epoch(more.superseding ?? block),
    never,
  )

export const serve = (member: TestMember, ...blocks: readonly BlockMeta[]) =>
  member.handover.serve({ added: blocks.map(b => b.ulid), dropped: [] }, never)

/** The blocks that changes after `from` were for, in a world of blocks 1 to 200. */
export const affected = (changes: readonly OwnershipChange[], from = 0) =>
  changes.slice(from).map(change => ids(...Array(200).keys()).filter(id => change.affects({ ...meta(1), ulid: id })))

/** A world of members with the plugin, and nobody in it. */
export type MakeWorld = () => World<MemberOptions>

/** The plugins over a member store: whatever is told of their hand-over is told of each. */
export const PLUGINS: readonly (readonly [name: string, make: MakeWorld])[] = [
  ['hash-ring', () => new World()],
  // Its locks need the npm package, which runs on Node and Deno.
  ...(navigator.userAgent === 'Cloudflare-Workers' ? [] : [['redlock', () => new RedlockWorld().world] as const]),
]

/** `a` serves everything, `b` has just joined. */
export async function pair(make: MakeWorld, options: Partial<MemberOptions> = {}) {
  const world = make()
  const a = await world.started('a', options, ids(...Array.from({ length: 200 }, (_, i) => i + 1)))
  const b = await world.started('b', options)
  await world.advance(500)
  return { world, a, b, block: blockOf(a.plugin, 'b') }
}
