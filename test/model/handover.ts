/** Steps of the hand-over: load, get ready, publish, drop; and a compaction. What stands between is in release.ts. */
import { has, isLive } from './placement.ts'
import { releases } from './release.ts'
import { each, eachBlock, type Rule } from './rule.ts'
import {
  accepted,
  budget,
  type Config,
  type Process,
  recordOf,
  serving,
  spend,
  superseded,
  up,
  type World,
} from './world.ts'

export function handover(config: Config): Rule[] {
  const { variant } = config
  const compacts = (config.faults.compaction ?? 0) > 0

  /** Known, and not to be loaded: dedup has taken it out. */
  const child = (process: Process, block: number) => compacts && process.listed && block === 0
  const unknown = (process: Process, block: number) => compacts && !process.listed && block === 1

  const wanted = (world: World, process: Process, block: number) =>
    up(process) &&
    !has(process.loaded | process.poisoned, block) &&
    (has(process.targets[block] as number, process.member) || has(process.failsOver, block)) &&
    !child(process, block) &&
    !unknown(process, block) &&
    !superseded(world, process, config)

  /** It has a verdict on each block that is its own. */
  const settled = (world: World, process: Process) =>
    process.seen !== 0 &&
    config.ranks.every(
      (_, block) =>
        !wanted(world, process, block) ||
        world.store.records.some(
          (record, member) => member !== process.member && isLive(record) && has(record.claims, block),
        ),
    )

  /** Loaded, and either not its own any more, or superseded. */
  const lingers = (world: World, process: Process, block: number) =>
    up(process) &&
    has(serving(process), block) &&
    (child(process, block) || !has(process.targets[block] as number, process.member)) &&
    process.seen !== 0 &&
    accepted(world, process, config)

  const goesAtOnce =
    variant === 'drop on losing ownership' || variant === 'drop on losing the slot' || variant === 'linger limit'

  const drop = (process: Process, block: number) => {
    process.loaded &= ~(1 << block)
    process.dropping &= ~(1 << block)
  }

  return [
    ...eachBlock(config, 'loads', wanted, (_, process, block) => {
      process.loaded |= 1 << block
      return undefined
    }),
    ...each(
      config,
      'is ready',
      (world, process) => up(process) && !process.ready && settled(world, process),
      (_, process) => {
        process.ready = true
        return undefined
      },
    ),
    ...each(
      config,
      'publishes',
      (world, process) =>
        up(process) &&
        accepted(world, process, config) &&
        (process.told || !process.knows) &&
        (serving(process) & ~recordOf(world, process).claims) !== 0,
      (world, process) => {
        recordOf(world, process).claims |= serving(process)
        recordOf(world, process).past = true
        return undefined
      },
    ),
    ...releases(config, lingers, child),
    ...eachBlock(
      config,
      'drops',
      (_, process, block) => up(process) && has(process.dropping, block),
      (_, process, block) => void drop(process, block),
    ),
    // What some gateways do instead.
    ...eachBlock(
      config,
      'drops',
      (world, process, block) => goesAtOnce && lingers(world, process, block),
      (_, process, block) => void drop(process, block),
    ),
    ...eachBlock(
      config,
      'drops',
      (_, process, block) =>
        variant === 'children go when the parent is listed' &&
        up(process) &&
        child(process, block) &&
        has(serving(process), block),
      (_, process, block) => void drop(process, block),
    ),
    ...(compacts
      ? [
          {
            label: 'b1 is compacted into b2',
            when: (world: World) => budget(world, 'compaction') > 0,
            step: (world: World) => {
              spend(world, 'compaction')
              world.parent = true
              return undefined
            },
          },
        ]
      : []),
    ...each(
      config,
      'lists b2',
      (world, process) => up(process) && world.parent && !process.listed,
      (_, process) => {
        process.listed = true
        return undefined
      },
    ),
  ]
}
