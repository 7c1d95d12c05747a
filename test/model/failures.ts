/** What goes wrong, and how the store is told: crash, pause, silence, late messages, failover, an emptied store. */
import { has } from './placement.ts'
import { each, eachBlock, excuse, NAMES, type Rule } from './rule.ts'
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
  return [...crashes(config), ...silence(config), ...lateness(config), ...losses(config)]
}

function crashes(config: Config): Rule[] {
  return [
    ...each(
      config,
      'crashes',
      (world, process) => up(process) && budget(world, 'crash') > 0,
      (world, process) => {
        spend(world, 'crash')
        const { down, incarnation } = recordOf(world, process)
        const heartbeating = incarnation === process.incarnation && accepted(world, process, config) && !down
        process.run = heartbeating ? GHOST : CRASHED
        return excuse(world, config)
      },
    ),
    ...eachBlock(
      config,
      'can never load',
      (world, process, block) =>
        up(process) && budget(world, 'poison') > 0 && !has(process.loaded | process.poisoned, block),
      (world, process, block) => {
        spend(world, 'poison')
        process.poisoned |= 1 << block
        return undefined
      },
    ),
  ]
}

/** Its heartbeat stands still. Others set it down, then end its grace, then forget it; a process that was only paused may wake at any time. */
function silence(config: Config): Rule[] {
  const ofMember = (
    label: string,
    when: (world: World, record: MemberEntry, member: number) => boolean,
    step: (world: World, record: MemberEntry, member: number) => void,
  ): Rule[] =>
    NAMES.slice(0, config.members).map((name, member) => ({
      label: `${name} ${label}`,
      when: world => when(world, world.store.records[member] as MemberEntry, member),
      step: world => {
        step(world, world.store.records[member] as MemberEntry, member)
        world.store.epoch++
        return excuseNoticed(world, config)
      },
    }))
  const alive = (world: World, member: number) =>
    world.processes.some(process => process.member === member && up(process) && !superseded(world, process, config))

  return [
    ...ofMember(
      'is silent and set down',
      (world, record, member) => record.exists && !record.down && !alive(world, member),
      (_, record) => {
        record.down = true
      },
    ),
    ...ofMember(
      'is paused and set down',
      (world, record, member) => record.exists && !record.down && alive(world, member) && budget(world, 'pause') > 0,
      (world, record) => {
        spend(world, 'pause')
        record.down = true
      },
    ),
    ...ofMember(
      'loses its place',
      (_, record) => record.exists && record.down && record.placed,
      (_, record) => {
        record.placed = false
      },
    ),
    ...ofMember(
      'is forgotten',
      (world, record) => record.exists && record.down && budget(world, 'forget') > 0,
      (world, record) => {
        spend(world, 'forget')
        Object.assign(record, nobody())
      },
    ),
  ]
}

/** Ghosts whose record is not live under their incarnation have been noticed. */
function excuseNoticed(world: World, config: Config): undefined {
  for (const process of world.processes) {
    const record = recordOf(world, process)
    const live = record.exists && !record.down && record.incarnation === process.incarnation
    if (process.run === GHOST && !live) process.run = CRASHED
  }
  return excuse(world, config)
}

function lateness(config: Config): Rule[] {
  const stores = (world: World): Store[] => (world.replica ? [world.store, world.replica] : [world.store])
  return [
    ...each(
      config,
      'publishes, and the message is late',
      (world, process) =>
        up(process) &&
        accepted(world, process, config) &&
        budget(world, 'late') > 0 &&
        (serving(process) & ~recordOf(world, process).claims) !== 0,
      (world, process) => {
        spend(world, 'late')
        world.late[process.member] = { blocks: serving(process), incarnation: process.incarnation }
        for (const store of stores(world)) (store.records[process.member] as MemberEntry).past = false
        return undefined
      },
    ),
    ...NAMES.slice(0, config.members).map((name, member) => ({
      label: `${name}'s late message lands`,
      when: (world: World) => (world.late[member] as World['late'][number]).blocks !== 0,
      step: (world: World) => {
        const { blocks, incarnation } = world.late[member] as World['late'][number]
        const record = world.store.records[member] as MemberEntry
        world.late[member] = { blocks: 0, incarnation: 0 }
        const newest = record.incarnation === incarnation && !record.past
        if (record.exists && (newest || config.variant === 'no sequence')) record.claims |= blocks
        return undefined
      },
    })),
  ]
}

function losses(config: Config): Rule[] {
  const rule = (label: string, fault: Fault, when: (world: World) => boolean, step: (world: World) => void): Rule => ({
    label,
    when: world => budget(world, fault) > 0 && when(world),
    step: world => {
      step(world)
      return excuseNoticed(world, config)
    },
  })
  const begun = (world: World) => world.processes.some(process => process.run !== OFF)

  return [
    rule(
      'the replica has got this far',
      'failover',
      world => world.replica === undefined && begun(world),
      world => {
        const { epoch, slots, records } = world.store
        world.replica = { epoch, slots: [...slots], records: records.map(record => ({ ...record })) }
      },
    ),
    rule(
      'failover: what came later is lost',
      'failover',
      world => world.replica !== undefined,
      world => {
        spend(world, 'failover')
        const { epoch, slots, records } = world.replica as Store
        const newer = config.variant === 'epochs come back' ? epoch : world.store.epoch + 1
        world.store = { epoch: newer, slots, records: records.map(record => ({ ...record, current: false })) }
        if (config.variant === 'no store id') world.store.records = records
        world.replica = undefined
        for (const process of world.processes) Object.assign(process, { knows: false, told: false })
      },
    ),
    rule('the store is emptied', 'empty', begun, world => {
      spend(world, 'empty')
      const { epoch, slots, records } = world.store
      world.store = { epoch: epoch + 1, slots: slots.map(() => 0), records: records.map(nobody) }
      for (const process of world.processes) Object.assign(process, { told: false })
    }),
  ]
}
