/** Who is to hold a block: a pure function of the record, or of the record and the slots. */
import { unpack } from './seats.ts'
import { type Config, type MemberEntry, nobody, type World } from './world.ts'

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
export function sitting(world: World, slot: number, config: Config): readonly number[] {
  const members = unpack(slot, config.replicas).filter(member => isPlaced(world.store.records[member] ?? nobody()))
  return config.variant === 'two seats of one member count as two' ? members : [...new Set(members)]
}

/** As many sit in the slot as can. */
export function isComplete(world: World, slot: number, config: Config): boolean {
  return sitting(world, slot, config).length >= Math.min(config.replicas, placed(world))
}

/** Who sits in the slot, or the first ranks of those that are placed; down or not. */
export function ownersOf(world: World, block: number, config: Config, replicas: number): number {
  if (config.slots) return set(sitting(world, world.store.slots[block] as number, config))
  return set(ranked(world, block, config).slice(0, replicas))
}

/** Where all owners are down, the next ranks that are live load the block; owners they are not. A slot has one failover owner. */
export function failoverOwnersOf(world: World, block: number, config: Config): number {
  if (config.slots) return set(failoverOwnersOfSlot(world, block, config))
  const live = ranked(world, block, config).map(member => isLive(world.store.records[member]))
  if (live.slice(0, config.replicas).includes(true)) return 0
  const members = ranked(world, block, config).filter((_, rank) => live[rank])
  return set(members.slice(0, config.replicas))
}

/** Nobody stands in where nobody sits: whoever is to sit down loads the block. */
function failoverOwnersOfSlot(world: World, block: number, config: Config): readonly number[] {
  const isUp = (member: number) => isLive(world.store.records[member])
  const owners = bits(ownersOf(world, block, config, config.replicas))
  return owners.length === 0 || owners.some(isUp) ? [] : ranked(world, block, config).filter(isUp).slice(0, 1)
}

function ranked(world: World, block: number, config: Config): readonly number[] {
  return (config.ranks[block] as readonly number[]).filter(member =>
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
