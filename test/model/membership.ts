/** Steps of membership: join, observe, tell, heartbeat, drain, stop. */
import { failoverOwnersOf, has, isComplete, ownersOf, set } from './placement.ts'
import { excuse, NAMES, type Rule, rulesFor } from './rule.ts'
import {
  accepted,
  budget,
  type Config,
  CRASHED,
  GHOST,
  LEFT,
  OFF,
  type Process,
  recordOf,
  serving,
  spend,
  superseded,
  UP,
  up,
  type World,
} from './world.ts'

export function membership(config: Config): Rule[] {
  const { variant } = config
  const { each, eachMember } = rulesFor(config)

  /** Writes the record anew and takes the old advertisements away, in one step. */
  const enter = (world: World, process: Process) => {
    const record = recordOf(world, process)
    if (variant !== 'old advertisements stay') record.advertised = 0
    if (!record.exists) record.draining = false
    Object.assign(record, { exists: true, down: false, placed: true, current: false, past: true })
    record.incarnation = process.incarnation
    process.knows = true
    process.told = false
    world.store.epoch++
  }

  const begin = (world: World, process: Process, disk: number) => {
    const others = world.processes.filter(other => other.member === process.member)
    const first = process.incarnation === 0
    if (!first) spend(world, 'restart')
    if (isTwin(world, process)) spend(world, 'twin')
    process.incarnation = 1 + Math.max(...others.map(other => other.incarnation))
    for (const other of others) if (other.run === GHOST) other.run = CRASHED
    Object.assign(process, {
      run: UP,
      ready: !config.readiness,
      listed: world.parent,
      loaded: disk,
      dropping: 0,
      seen: 0,
    })
    enter(world, process)
    excuse(world)
  }

  const mayBegin = (world: World, process: Process) => {
    if (process.run === UP || process.run === LEFT) return false
    if (isTwin(world, process)) return budget(world, 'twin') > 0 && up(world.processes[0] as Process)
    return process.incarnation === 0 || budget(world, 'restart') > 0
  }

  const mayWrite = (world: World, process: Process) => up(process) && accepted(world, process)
  const early = variant === 'advertises before ready'
  const hasty = variant === 'the heartbeat names the store id before all is advertised'

  return [
    ...each('joins', mayBegin, (world, process) => begin(world, process, 0)),
    ...each(
      'restarts with its disk',
      (world, process) => process.loaded !== 0 && mayBegin(world, process),
      (world, process) => begin(world, process, process.loaded),
    ),
    ...each(
      'joins again',
      (world, process) =>
        up(process) && !superseded(world, process) && (!accepted(world, process) || recordOf(world, process).down),
      (world, process) => void enter(world, process),
    ),
    ...each(
      'observes',
      (world, process) =>
        up(process) &&
        (process.seen !== world.store.epoch ||
          !process.knows ||
          process.slots.some((slot, block) => slot !== world.store.slots[block])),
      (world, process) => {
        process.seen = world.store.epoch
        process.slots = [...world.store.slots]
        process.complete = set(process.slots.flatMap((slot, at) => (isComplete(world, slot) ? [at] : [])))
        const replicas = config.rules?.[process.member] ?? config.replicas
        const named = goesByOwn(process) ? process.named : world.store.named
        if (variant === 'a placement is read without its epoch') process.named = world.store.named
        process.targets = config.ranks.map((_, block) => ownersOf(world, block, replicas, named))
        const failoverOwners = config.ranks.map((_, block) => failoverOwnersOf(world, block))
        process.failsOver = set(
          failoverOwners.flatMap((members, block) => (has(members, process.member) ? [block] : [])),
        )
        if (variant === 'failover owners count as owners') {
          process.targets = process.targets.map((owners, block) => (failoverOwners[block] as number) || owners)
        }
        process.knows = true
      },
    ),
    ...names().flatMap((name, member) =>
      each(
        `publishes that ${name} comes first for b1`,
        (world, process) =>
          mayWrite(world, process) &&
          process.seen === world.store.epoch &&
          world.store.named !== member + 1 &&
          budget(world, 'publish') > 0,
        (world, process) => {
          spend(world, 'publish')
          if (variant === 'a placement counts before it is published') {
            process.named = member + 1
            process.targets[0] = ownersOf(world, 0, config.replicas, process.named)
            return
          }
          world.store.named = member + 1
          world.store.epoch++
        },
      ),
    ),
    ...each(
      'advertises all',
      (world, process) => mayWrite(world, process) && process.knows && !process.told && (process.ready || early),
      (world, process) => {
        const record = recordOf(world, process)
        const kept = variant === 'old advertisements stay' ? record.advertised : 0
        record.advertised =
          kept | (variant === 'publish includes what is being dropped' ? process.loaded : serving(process))
        record.past = true
        process.told = true
      },
    ),
    ...each(
      'sends a heartbeat',
      (world, process) =>
        mayWrite(world, process) && !recordOf(world, process).current && (process.told || (hasty && process.knows)),
      (world, process) => {
        recordOf(world, process).current = true
        recordOf(world, process).past = true
      },
    ),
    ...each(
      'stops: it advertises nothing and is down',
      (world, process) => mayWrite(world, process) && budget(world, 'stop') > 0 && variant !== 'stop says nothing',
      (world, process) => {
        spend(world, 'stop')
        Object.assign(recordOf(world, process), { advertised: 0, down: true, past: true })
        world.store.epoch++
        process.run = LEFT
      },
    ),
    ...each(
      'closes',
      (world, process) =>
        process.run === LEFT || (variant === 'stop says nothing' && up(process) && budget(world, 'stop') > 0),
      (world, process) => {
        if (process.run !== LEFT) spend(world, 'stop')
        process.run = OFF
        excuse(world)
      },
    ),
    ...intent(' is drained', 'drain', true),
    ...intent(' is drained no more', 'cancel', false),
  ]

  /** Who is named may be anybody, also who is not there: nobody is asked whether it is worth anything. */
  function names(): readonly string[] {
    return (config.faults.publish ?? 0) > 0 ? NAMES.slice(0, config.members) : []
  }

  function goesByOwn(process: Process): boolean {
    if (variant === 'a placement is read without its epoch') return true
    return variant === 'a placement counts before it is published' && process.named > 0
  }

  /** It stands in the entry, whatever becomes of the process. */
  function intent(label: string, fault: 'drain' | 'cancel', on: boolean): Rule[] {
    return eachMember(
      label,
      (world, entry) => entry.exists && entry.draining !== on && budget(world, fault) > 0,
      (world, entry) => {
        spend(world, fault)
        entry.draining = on
        world.store.epoch++
      },
    )
  }
}

function isTwin(world: World, process: Process): boolean {
  return world.processes.indexOf(process) >= world.store.records.length
}
