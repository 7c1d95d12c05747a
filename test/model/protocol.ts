/** The hand-over protocol as a model: all steps that a world allows, and what must hold after each. See docs/protocol.md. */
import { type Model, replay } from './bfs.ts'
import { decode, encode } from './codec.ts'
import { failures } from './failures.ts'
import { handover } from './handover.ts'
import { membership } from './membership.ts'
import { has, placed } from './placement.ts'
import { BLOCKS, copies, type Rule } from './rule.ts'
import { slots } from './slots.ts'
import { type Config, CRASHED, type MemberEntry, OFF, type Store, start, UP, type World } from './world.ts'

export function protocol(config: Config): Model {
  const rules: readonly Rule[] = [...membership(config), ...slots(config), ...handover(config), ...failures(config)]
  const model: Model = {
    initial: encode(start(config)),
    next(state, emit) {
      const world = decode(state, config)
      for (const rule of rules) {
        if (!rule.when(world)) continue
        const after = decode(state, config)
        const broken = rule.step(after) ?? lost(after)
        raise(after, config)
        forgetDetails(after, config)
        emit(rule.label, encode(after), broken)
      }
    },
  }
  const { state, broken } = replay(model, config.before ?? [])
  if (broken !== undefined) throw new Error(`the steps before must break nothing: ${broken}`)
  return { ...model, initial: state }
}

/** No gap, and no copy less than before. */
function lost(world: World): string | undefined {
  for (const [block, floor] of world.floor.entries()) {
    const wanted = Math.min(floor, Math.max(1, placed(world)))
    const have = copies(world, block)
    if (have < wanted)
      return have === 0 ? `nobody serves ${BLOCKS[block]}` : `${have} copy of ${BLOCKS[block]}, not ${wanted}`
  }
  return undefined
}

/** From now on there must be as many copies as there are, up to the replicas, and to the members there are for them. */
function raise(world: World, config: Config): void {
  const most = config.faults.urgent ? 1 : Math.min(config.replicas, Math.max(1, placed(world)))
  world.floor = world.floor.map((floor, block) => Math.min(most, Math.max(floor, copies(world, block))))
}

/** Worlds that go on alike become equal: an epoch matters only as long as it is the store's, and nothing is asked of the dead. */
function forgetDetails(world: World, config: Config): void {
  for (const process of world.processes) {
    const dead = process.run === OFF || process.run === CRASHED
    if (process.run !== UP)
      Object.assign(process, { listed: false, knows: false, told: false, seen: 0, asked: -1, askedIn: 0, askedOf: 0 })
    if (process.run !== UP) Object.assign(process, { targets: process.targets.map(() => 0), failsOver: 0, named: 0 })
    if (dead) process.ready = false
  }
  for (const store of world.replica ? [world.store, world.replica] : [world.store]) forgetLate(store, world)
  const { variant } = config
  const mindful = variant === 'epochs come back' || variant === 'release without the epoch'
  if (mindful || variant === 'the slot is compared, the epoch is not') return
  const fresh = (epoch: number) => (epoch === world.store.epoch ? 1 : 0)
  for (const process of world.processes) {
    const own = 1 << process.member
    const seen = process.seen === 0 ? 0 : fresh(process.seen) ? 2 : 1
    if (seen === 1) process.targets = process.targets.map(targets => targets & own)
    if (seen !== 2) Object.assign(process, { slots: process.slots.map(() => 0), complete: 0 })
    process.seen = seen
    process.askedIn = 0
  }
  world.store.epoch = 2
  if (world.replica) world.replica.epoch = 0
}

function forgetLate(store: Store, world: World): void {
  for (const [member, record] of store.records.entries()) {
    if (world.late[member]?.blocks === 0) (record as MemberEntry).past = false
  }
}

/** Nothing lingers: each process that is up serves what is its own, and no more. */
export function settled(config: Config): (state: string) => boolean {
  return state => {
    const world = decode(state, config)
    return world.processes.every(
      process =>
        process.run !== UP ||
        config.ranks.every((_, block) => {
          if (config.faults.compaction && block === 0 && world.parent) return !has(process.loaded, block)
          const own = has(process.targets[block] as number, process.member)
          if (process.slots[block] !== world.store.slots[block]) return false
          return process.seen === 2 && has(process.loaded, block) === own
        }),
    )
  }
}
