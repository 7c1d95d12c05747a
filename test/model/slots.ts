/**
 * Steps of slots: who is recorded in them. The locks are worthless: whoever has an entry may take the rank of anybody at any time,
 * though it drains, is down or crashed long ago (its message came late). Only how often is bounded.
 */
import { FREE, holdersOf, isLive, isPlaced, passed, unpack } from './placement.ts'
import { BLOCKS, NAMES, type Rule, rulesFor } from './rule.ts'
import { accepted, budget, type Config, type MemberEntry, spend, up, type World } from './world.ts'

export function slots(config: Config): Rule[] {
  const { rule } = rulesFor(config)
  const members = NAMES.slice(0, config.members)
  return config.slots ? BLOCKS.slice(0, config.ranks.length).flatMap((_, slot) => ofSlot(slot)) : []

  function ofSlot(slot: number): Rule[] {
    const name = `rank of ${BLOCKS[slot]}`
    const holds = (world: World, holder: number) =>
      unpack(world.store.slots[slot] as number, config.replicas).includes(holder)
    const pass = (world: World, from: number, to: number) => {
      world.store.slots[slot] = passed(world.store.slots[slot] as number, config.replicas, from, to)
    }

    return members.flatMap((to, member): Rule[] => [
      ...[FREE, ...members.keys()].map(from =>
        rule(
          from === FREE ? `${to} takes a free ${name}` : `${to} takes ${members[from]}'s ${name}`,
          world =>
            from !== member &&
            holds(world, from) &&
            (world.store.records[member] as MemberEntry).exists &&
            (isDue(world, slot, from, member) || budget(world, 'seize') > 0),
          world => {
            if (!isDue(world, slot, from, member)) spend(world, 'seize')
            pass(world, from, member)
          },
        ),
      ),
      rule(
        `${to} gives up its ${name}`,
        world => holds(world, member) && budget(world, 'give') > 0,
        world => {
          spend(world, 'give')
          pass(world, member, FREE)
        },
      ),
    ])
  }

  /** What an honest lock would let it do: it is up and placed, holds no rank of the slot yet, and this one's holder does not count. */
  function isDue(world: World, slot: number, from: number, member: number): boolean {
    const entry = world.store.records[member] as MemberEntry
    const runs = world.processes.some(other => other.member === member && up(other) && accepted(world, other))
    if (!runs || !isLive(entry) || !isPlaced(entry)) return false
    const now = world.store.slots[slot] as number
    const holders = holdersOf(world, now)
    if (holders.includes(member)) return false
    return holders.length === holdersOf(world, passed(now, config.replicas, from, FREE)).length
  }
}
