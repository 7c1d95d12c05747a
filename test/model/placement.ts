/** Who is to hold a block: a pure function of the record, or of the record and the slots. */
import { type MemberEntry, nobody, type World } from './world.ts'

export function isPlaced(record: MemberEntry): boolean {
  return record.exists && record.placed && !record.draining
}

export function isLive(record: MemberEntry | undefined): boolean {
  return record?.exists === true && !record.down
}

export function placed(world: World): number {
  return world.store.records.filter(isPlaced).length
}

/** Who sits in a slot and may: each once, down or not. */
export function holdersOf(world: World, slot: number): readonly number[] {
  const members = unpack(slot, world.config.replicas).filter(member =>
    isPlaced(world.store.records[member] ?? nobody()),
  )
  return world.config.variant === 'two ranks of one member count as two' ? members : [...new Set(members)]
}

/** As many sit in the slot as can. */
export function isComplete(world: World, slot: number): boolean {
  return holdersOf(world, slot).length >= Math.min(world.config.replicas, placed(world))
}

/** Who sits in the slot, or the first ranks of those that are placed; down or not. */
export function ownersOf(world: World, block: number, replicas: number, named = world.store.named): number {
  if (world.config.slots) return set(holdersOf(world, world.store.slots[block] as number))
  return set(ranked(world, block, named).slice(0, replicas))
}

/** Where all owners are down, the next ranks that are live load the block; owners they are not. A slot has one failover owner. */
export function failoverOwnersOf(world: World, block: number): number {
  if (world.config.slots) return set(failoverOwnersOfSlot(world, block))
  const live = ranked(world, block).map(member => isLive(world.store.records[member]))
  if (live.slice(0, world.config.replicas).includes(true)) return 0
  const members = ranked(world, block).filter((_, rank) => live[rank])
  return set(members.slice(0, world.config.replicas))
}

/** Nobody stands in where nobody sits: whoever is to sit down loads the block. */
function failoverOwnersOfSlot(world: World, block: number): readonly number[] {
  const isUp = (member: number) => isLive(world.store.records[member])
  const owners = bits(ownersOf(world, block, world.config.replicas))
  return owners.length === 0 || owners.some(isUp) ? [] : ranked(world, block).filter(isUp).slice(0, 1)
}

/** Who is named by the published placement comes first, as long as it is placed. */
function ranked(world: World, block: number, named = world.store.named): readonly number[] {
  const ranks = world.config.ranks[block] as readonly number[]
  const first = block === 0 && named > 0 ? [named - 1] : []
  return [...first, ...ranks.filter(member => !first.includes(member))].filter(member =>
    isPlaced(world.store.records[member] as MemberEntry),
  )
}

export function set(members: readonly number[]): number {
  return members.reduce((bits, member) => bits | (1 << member), 0)
}

export function has(bits: number, element: number): boolean {
  return (bits & (1 << element)) !== 0
}

export function bits(mask: number): readonly number[] {
  return [0, 1, 2, 3].filter(element => has(mask, element))
}

/**
 * Who is recorded in a slot, sorted; FREE where nobody is. Here each block is a slot of its own, and a member may hold two ranks: nothing
 * excludes it. Ranks and fences are left out: the same members give the same targets in whatever order, so a precondition that compares
 * the members alone is weaker than the store's; what holds with it holds with the store's.
 */
export type Holders = readonly number[]

export const FREE = -1

export function unpack(slot: number, replicas: number): Holders {
  return [slot & 7, slot >> 3].slice(0, replicas).map(holder => holder - 1)
}

/** The slot, as a small number, after one of these ranks went to somebody else. */
export function passed(slot: number, replicas: number, from: number, to: number): number {
  const holders = [...unpack(slot, replicas)]
  holders[holders.indexOf(from)] = to
  return holders.sort((a, b) => b - a).reduce((packed, member) => packed * 8 + member + 1, 0)
}
