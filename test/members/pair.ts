/** What the tests of the hand-over do often. */
import type { BlockMeta, OwnershipChange } from 'blockgate'
import type { MemberOptions } from 'blockgate/members'
import { RedlockWorld } from '../plugins/ownership/redlock/world.ts'
import { ALL, blockOf, never, type TestMember, World } from './world.ts'

export const release = (member: TestMember, block: BlockMeta, more: { superseding?: BlockMeta; urgent?: true } = {}) =>
  member.handover.release(
    { id: block.ulid, superseding: block, ...more },
    member.plugin.epoch(more.superseding ?? block),
    never,
  )

export const serve = (member: TestMember, ...blocks: readonly BlockMeta[]) =>
  member.handover.serve({ added: blocks.map(b => b.ulid), dropped: [] }, never)

export const drop = (member: TestMember, ...blocks: readonly BlockMeta[]) =>
  member.handover.serve({ added: [], dropped: blocks.map(b => b.ulid) }, never)

/** The blocks of ALL that changes after `from` were for. */
export const affected = (changes: readonly OwnershipChange[], from = 0) =>
  changes.slice(from).map(change => ALL.filter(block => change.affects(block)).map(block => block.ulid))

/** A world of members with the plugin, and nobody in it. */
export type MakeWorld = () => World<MemberOptions>

/** The plugins over a member store: whatever is told of their hand-over is told of each. */
export const PLUGINS: readonly (readonly [name: string, make: MakeWorld])[] = [
  ['hash-ring', () => new World()],
  // Its locks need the npm package, which runs on Node and Deno.
  ...(navigator.userAgent === 'Cloudflare-Workers' ? [] : [['redlock', () => new RedlockWorld().world] as const]),
]

/** `a` serves ALL, the others have just joined. */
export async function joined<T extends MemberOptions>(world: World<T>, others: string, options: Partial<T> = {}) {
  const served = ALL.map(block => block.ulid)
  const a = await world.started('a', options, served)
  const came: TestMember[] = []
  for (const id of others) came.push(await world.started(id, options))
  await world.advance(500)
  return [a, ...came] as [TestMember, TestMember, ...TestMember[]]
}

/** `a` serves ALL, and `b`, which has just joined, is the owner of `block`. */
export async function pair(make: MakeWorld, options: Partial<MemberOptions> = {}) {
  const world = make()
  const [a, b] = await joined(world, 'b', options)
  return { world, a, b, block: blockOf(a.plugin, 'b') }
}

/** As `pair`, and `b` was seen serving it: nothing is waited for. */
export async function served(make: MakeWorld) {
  const all = await pair(make, { handoverDelay: 0 })
  await serve(all.b, all.block)
  await all.world.advance(4_000)
  return all
}
