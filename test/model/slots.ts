/**
 * Steps of slots: who is recorded in them. The locks are worthless: whoever has a record may take the seat of anybody at any time,
 * though it drains, is down or crashed long ago (its message came late). Only how often is bounded.
 */
import { isLive, isPlaced, sitting } from './placement.ts'
import { BLOCKS, NAMES, type Rule } from './rule.ts'
import { FREE, reseat, unpack } from './seats.ts'
import { accepted, budget, type Config, type MemberEntry, spend, up, type World } from './world.ts'

export function slots(config: Config): Rule[] {
  const members = NAMES.slice(0, config.members)
  return config.slots ? BLOCKS.slice(0, config.ranks.length).flatMap((_, slot) => ofSlot(slot)) : []

  function ofSlot(slot: number): Rule[] {
    const seatsOf = (world: World) => unpack(world.store.slots[slot] as number, config.replicas)
    const name = `seat of ${BLOCKS[slot]}`

    return members.flatMap((to, member): Rule[] => [
      ...[FREE, ...members.keys()].map(
        (from): Rule => ({
          label: from === FREE ? `${to} takes a free ${name}` : `${to} takes ${members[from]}'s ${name}`,
          when: world =>
            from !== member &&
            seatsOf(world).includes(from) &&
            (world.store.records[member] as MemberEntry).exists &&
            (isDue(world, slot, from, member) || budget(world, 'seize') > 0),
          step: world => {
            if (!isDue(world, slot, from, member)) spend(world, 'seize')
            world.store.slots[slot] = reseat(world.store.slots[slot] as number, config.replicas, from, member)
            return undefined
          },
        }),
      ),
      {
        label: `${to} gives up its ${name}`,
        when: world => seatsOf(world).includes(member) && budget(world, 'give') > 0,
        step: world => {
          spend(world, 'give')
          world.store.slots[slot] = reseat(world.store.slots[slot] as number, config.replicas, member, FREE)
          return undefined
        },
      },
    ])
  }

  /** What an honest lock would let it do: it is up, may sit, sits nowhere in the slot yet, and the seat counts for nobody. */
  function isDue(world: World, slot: number, from: number, member: number): boolean {
    const record = world.store.records[member] as MemberEntry
    const runs = world.processes.some(other => other.member === member && up(other) && accepted(world, other, config))
    if (!runs || !isLive(record) || !isPlaced(record)) return false
    const now = world.store.slots[slot] as number
    const sits = sitting(world, now, config)
    if (sits.includes(member)) return false
    return sits.length === sitting(world, reseat(now, config.replicas, from, FREE), config).length
  }
}
