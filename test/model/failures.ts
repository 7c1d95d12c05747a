/** What goes wrong, and how the store is told: crash, pause, silence, late messages, failover, an emptied store. */
import { has } from './placement.ts'
import { excuse, type Rule, rulesFor } from './rule.ts'
import {
  accepted,
  budget,
  type Config,
  CRASHED,
  type Fault,
  GHOST,
  type MemberEntry,
  nobody,
  OFF,
  recordOf,
  type Store,
  serving,
  spend,
  superseded,
  up,
  type World,
} from './world.ts'

export function failures(config: Config): Rule[] {
  const { rule, each, eachBlock, eachMember } = rulesFor(config)
  const alive = (world: World, member: number) =>
    world.processes.some(process => process.member === member && up(process) && !superseded(world, process))

  /** Its heartbeat stands still. Others mark it, evict it and forget it; a process that was only paused may wake at any time. */
  const silence = (
    label: string,
    when: (world: World, entry: MemberEntry, member: number) => boolean,
    step: (world: World, entry: MemberEntry) => void,
  ) =>
    eachMember(
      label,
      (world, entry, member) => entry.exists && when(world, entry, member),
      (world, entry) => {
        step(world, entry)
        world.store.epoch++
        excuseNoticed(world)
      },
    )

  const loss = (label: string, fault: Fault, when: (world: World) => boolean, step: (world: World) => void): Rule =>
    rule(
      label,
      world => budget(world, fault) > 0 && when(world),
      world => {
        step(world)
        excuseNoticed(world)
      },
    )
  const begun = (world: World) => world.processes.some(process => process.run !== OFF)

  return [
    ...each(
      'crashes',
      (world, process) => up(process) && budget(world, 'crash') > 0,
      (world, process) => {
        spend(world, 'crash')
        const { down, incarnation } = recordOf(world, process)
        const counts = incarnation === process.incarnation && accepted(world, process) && !down
        process.run = counts ? GHOST : CRASHED
        excuse(world)
      },
    ),
    ...eachBlock(
      'can never load',
      (world, process, block) =>
        up(process) && budget(world, 'poison') > 0 && !has(process.loaded | process.poisoned, block),
      (world, process, block) => {
        spend(world, 'poison')
        process.poisoned |= 1 << block
      },
    ),

    ...silence(
      ' is silent and marked unhealthy',
      (world, entry, member) => !entry.down && !alive(world, member),
      (_, entry) => {
        entry.down = true
      },
    ),
    ...silence(
      ' is paused and marked unhealthy',
      (world, entry, member) => !entry.down && alive(world, member) && budget(world, 'pause') > 0,
      (world, entry) => {
        spend(world, 'pause')
        entry.down = true
      },
    ),
    ...silence(
      ' is evicted',
      (_, entry) => entry.down && entry.placed,
      (_, entry) => {
        entry.placed = false
      },
    ),
    ...silence(
      ' is forgotten',
      (world, entry) => entry.down && budget(world, 'forget') > 0,
      (world, entry) => {
        spend(world, 'forget')
        Object.assign(entry, nobody())
      },
    ),

    ...each(
      'publishes, and the message is late',
      (world, process) =>
        up(process) &&
        accepted(world, process) &&
        budget(world, 'late') > 0 &&
        (serving(process) & ~recordOf(world, process).advertised) !== 0,
      (world, process) => {
        spend(world, 'late')
        world.late[process.member] = { blocks: serving(process), incarnation: process.incarnation }
        for (const store of world.replica ? [world.store, world.replica] : [world.store]) {
          ;(store.records[process.member] as MemberEntry).past = false
        }
      },
    ),
    ...eachMember(
      "'s late message lands",
      (world, _, member) => (world.late[member] as World['late'][number]).blocks !== 0,
      (world, entry, member) => {
        const { blocks, incarnation } = world.late[member] as World['late'][number]
        world.late[member] = { blocks: 0, incarnation: 0 }
        const newest = entry.incarnation === incarnation && !entry.past
        if (entry.exists && (newest || config.variant === 'no sequence')) entry.advertised |= blocks
      },
    ),

    loss(
      'the replica has got this far',
      'failover',
      world => world.replica === undefined && begun(world),
      world => {
        const { epoch, named, slots, records } = world.store
        world.replica = { epoch, named, slots: [...slots], records: records.map(record => ({ ...record })) }
      },
    ),
    loss(
      'failover: what came later is lost',
      'failover',
      world => world.replica !== undefined,
      world => {
        spend(world, 'failover')
        const { epoch, named, slots, records } = world.replica as Store
        const newer = config.variant === 'epochs come back' ? epoch : world.store.epoch + 1
        world.store = { epoch: newer, named, slots, records: records.map(record => ({ ...record, current: false })) }
        if (config.variant === 'no store id') world.store.records = records
        world.replica = undefined
        for (const process of world.processes) Object.assign(process, { knows: false, told: false })
      },
    ),
    loss('the store is emptied', 'empty', begun, world => {
      spend(world, 'empty')
      const { epoch, slots, records } = world.store
      world.store = { epoch: epoch + 1, named: 0, slots: slots.map(() => 0), records: records.map(nobody) }
      for (const process of world.processes) process.told = false
    }),
  ]
}

/** Ghosts whose entry is not live under their incarnation have been noticed. */
function excuseNoticed(world: World): void {
  for (const process of world.processes) {
    const record = recordOf(world, process)
    const live = record.exists && !record.down && record.incarnation === process.incarnation
    if (process.run === GHOST && !live) process.run = CRASHED
  }
  excuse(world)
}
