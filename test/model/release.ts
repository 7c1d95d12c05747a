/** Steps of release: one atomic step of the store, and what some make of it. */
import { bits, has, isLive, ownersOf, set } from './placement.ts'
import { type Rule, rulesFor } from './rule.ts'
import {
  accepted,
  budget,
  type Config,
  type MemberEntry,
  type Process,
  recordOf,
  serving,
  spend,
  up,
  type World,
} from './world.ts'

export function releases(
  config: Config,
  pending: (world: World, process: Process, block: number) => boolean,
  child: (process: Process, block: number) => boolean,
): Rule[] {
  const { variant } = config
  const { eachBlock } = rulesFor(config)
  const superseding = (process: Process, block: number) => (child(process, block) ? 1 : block)
  const ownersFor = (process: Process, block: number) => process.targets[superseding(process, block)] as number

  /** The slot is as it was when the owners were computed, and complete. */
  const guarded = (world: World, process: Process, block: number) => {
    const need = superseding(process, block)
    const compared = variant === 'the precondition is of the child' ? block : need
    if (process.slots[compared] !== world.store.slots[compared] && variant !== 'no precondition') return false
    if (process.slots[need] === 0 && variant === 'an empty slot lets go') return true
    return variant === 'an incomplete slot counts as complete' || has(process.complete, need)
  }

  /** What the store checks: owners that were computed in `epoch`. `quorum` any: one is enough. */
  const allowed = (
    world: World,
    process: Process,
    block: number,
    epoch: number,
    owners: number,
    quorum: 'all' | 'any' = 'all',
  ) => {
    const anyEpoch = variant === 'release without the epoch' || variant === 'the slot is compared, the epoch is not'
    if (epoch !== world.store.epoch && !anyEpoch) return false
    if (variant === 'release by epoch alone') return true
    if (variant !== 'rules may differ' && rulesDiffer(world, config)) return false
    const own = superseding(process, block) === block || variant === 'superseding as first written'
    if (own && has(owners, process.member)) return false
    if (config.slots && quorum === 'all' && !guarded(world, process, block)) return false
    if (owners === 0) return variant === 'nobody need own it' || variant === 'an empty slot lets go'
    const counts = (member: number) => {
      const record = world.store.records[member] as MemberEntry
      if (!record.exists) return false
      if (record.down && variant !== 'owners that are down count') return false
      if (variant === 'one active owner is enough') return true
      if (!record.current && variant !== 'no store id') return false
      return has(record.advertised, superseding(process, block))
    }
    const some =
      quorum === 'any' || variant === 'one advertisement is enough' || variant === 'one active owner is enough'
    return some ? bits(owners).some(counts) : bits(owners).every(counts)
  }

  /** Takes the advertisement away. One that it counted and that nobody stands behind is the end of the model. */
  const take = (world: World, process: Process, block: number, owners: number) => {
    const record = recordOf(world, process)
    record.advertised &= ~(1 << block)
    record.past = true
    const need = superseding(process, block)
    const liar = bits(owners).find(
      member =>
        has((world.store.records[member] as MemberEntry).advertised, need) &&
        !world.processes.some(other => other.member === member && has(serving(other), need)),
    )
    if (liar !== undefined) return `the release counted an advertisement that is not true`
    const others =
      (config.slots || config.faults.publish) && owners !== 0 && owners !== ownersOf(world, need, config.replicas)
    return others ? 'the release asked others than the owners' : undefined
  }

  const others = (world: World, process: Process) =>
    set(world.store.records.flatMap((_, member) => (member === process.member ? [] : [member])))

  const apart =
    variant === 'release in two steps' || variant === 'release without the epoch' || variant === 'epochs come back'
  if (apart) return decidedApart(config, pending, allowed, take)

  const may = (world: World, process: Process, block: number) =>
    pending(world, process, block) && allowed(world, process, block, process.seen, ownersFor(process, block))

  return [
    ...eachBlock('releases', may, (world, process, block) => {
      process.dropping |= 1 << block
      return take(world, process, block, ownersFor(process, block))
    }),
    ...eachBlock(
      'releases (the reply is lost)',
      (world, process, block) => may(world, process, block) && has(recordOf(world, process).advertised, block),
      (world, process, block) => take(world, process, block, ownersFor(process, block)),
    ),
    ...eachBlock(
      'gets no reply to a release, and takes it as done:',
      (world, process, block) => variant === 'a timeout counts as released' && pending(world, process, block),
      (_, process, block) => {
        process.dropping |= 1 << block
      },
    ),
    ...eachBlock(
      'is short of disk and releases',
      (world, process, block) =>
        budget(world, 'urgent') > 0 &&
        pending(world, process, block) &&
        allowed(world, process, block, process.seen, others(world, process), 'any'),
      (world, process, block) => {
        spend(world, 'urgent')
        process.dropping |= 1 << block
        return take(world, process, block, 0)
      },
    ),
  ]
}

function rulesDiffer(world: World, { rules }: Config): boolean {
  if (!rules) return false
  const told = rules.filter((_, member) => isLive(world.store.records[member]))
  return new Set(told).size > 1
}

/**
 * An epoch never comes back, so what was decided in the epoch that the store has now was decided on the record that it has now:
 * deciding and releasing are one step of the model. Not so for those who break just that.
 */
function decidedApart(
  config: Config,
  pending: (world: World, process: Process, block: number) => boolean,
  allowed: (world: World, process: Process, block: number, epoch: number, owners: number) => boolean,
  take: (world: World, process: Process, block: number, owners: number) => string | undefined,
): Rule[] {
  const twice = config.variant === 'release in two steps'
  const { each, eachBlock } = rulesFor(config)
  return [
    ...eachBlock(
      twice ? 'sees that it may release' : 'decides to release',
      (world, process, block) =>
        process.asked < 0 &&
        pending(world, process, block) &&
        (!twice || allowed(world, process, block, process.seen, process.targets[block] as number)),
      (_, process, block) => {
        process.asked = block
        process.askedIn = process.seen
        process.askedOf = process.targets[block] as number
      },
    ),
    ...eachBlock(
      'releases',
      (world, process, block) =>
        up(process) &&
        process.asked === block &&
        has(process.loaded, block) &&
        accepted(world, process) &&
        (twice || allowed(world, process, block, process.askedIn, process.askedOf)),
      (world, process, block) => {
        const owners = process.askedOf
        Object.assign(process, { asked: -1, askedIn: 0, askedOf: 0 })
        process.dropping |= 1 << block
        return take(world, process, block, twice ? 0 : owners)
      },
    ),
    ...each(
      'gives up a release',
      (_, process) => up(process) && process.asked >= 0,
      (_, process) => {
        Object.assign(process, { asked: -1, askedIn: 0, askedOf: 0 })
      },
    ),
  ]
}
