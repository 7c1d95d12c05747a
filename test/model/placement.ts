/** Who is to hold a block: a pure function of the record. */
import type { Config, MemberRecord, World } from './world.ts'

export function isPlaced(record: MemberRecord): boolean {
  return record.exists && record.placed && !record.draining
}

export function isLive(record: MemberRecord | undefined): boolean {
  return record?.exists === true && !record.down
}

export function placed(world: World): number {
  return world.store.records.filter(isPlaced).length
}

/** The first ranks of those that are placed, down or not. */
export function ownersOf(world: World, block: number, config: Config, replicas: number): number {
  return set(ranked(world, block, config).slice(0, replicas))
}

/** Where all owners are down, the next ranks that are live load the block; owners they are not. */
export function standInsOf(world: World, block: number, config: Config): number {
  const live = ranked(world, block, config).map(member => isLive(world.store.records[member]))
  if (live.slice(0, config.replicas).includes(true)) return 0
  const members = ranked(world, block, config).filter((_, rank) => live[rank])
  return set(members.slice(0, config.replicas))
}

function ranked(world: World, block: number, config: Config): readonly number[] {
  return (config.ranks[block] as readonly number[]).filter(member =>
    isPlaced(world.store.records[member] as MemberRecord),
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
