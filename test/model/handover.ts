/** Steps of the hand-over: load, get ready, publish, drop; and a compaction. What stands between is in release.ts. */
import { has, isLive } from './placement.ts'
import { releases } from './release.ts'
import { type Rule, rulesFor } from './rule.ts'
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
  const { rule, each, eachBlock } = rulesFor(config)
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
    !superseded(world, process)

  /** It has a verdict on each block that is its own. */
  const settled = (world: World, process: Process) =>
    process.seen !== 0 &&
    config.ranks.every(
      (_, block) =>
        !wanted(world, process, block) ||
        world.store.records.some(
          (record, member) => member !== process.member && isLive(record) && has(record.advertised, block),
        ),
    )

  /** Loaded, and either not its own any more, or superseded. */
  const pending = (world: World, process: Process, block: number) =>
    up(process) &&
    has(serving(process), block) &&
    (child(process, block) || !has(process.targets[block] as number, process.member)) &&
    process.seen !== 0 &&
    accepted(world, process)

  const goesAtOnce =
    variant === 'drop on losing ownership' || variant === 'drop on losing the slot' || variant === 'time limit'

  const drop = (process: Process, block: number) => {
    process.loaded &= ~(1 << block)
    process.dropping &= ~(1 << block)
  }

  return [
    ...eachBlock('loads', wanted, (_, process, block) => {
      process.loaded |= 1 << block
    }),
    ...each(
      'is ready',
      (world, process) => up(process) && !process.ready && settled(world, process),
      (_, process) => {
        process.ready = true
      },
    ),
    ...each(
      'publishes',
      (world, process) =>
        up(process) &&
        accepted(world, process) &&
        (process.told || !process.knows) &&
        (serving(process) & ~recordOf(world, process).advertised) !== 0,
      (world, process) => {
        recordOf(world, process).advertised |= serving(process)
        recordOf(world, process).past = true
      },
    ),
    ...releases(config, pending, child),
    ...eachBlock(
      'drops',
      (_, process, block) => up(process) && has(process.dropping, block),
      (_, process, block) => drop(process, block),
    ),
    // What some gateways do instead.
    ...eachBlock(
      'drops',
      (world, process, block) => goesAtOnce && pending(world, process, block),
      (_, process, block) => drop(process, block),
    ),
    ...eachBlock(
      'drops',
      (_, process, block) =>
        variant === 'children go when the parent is listed' &&
        up(process) &&
        child(process, block) &&
        has(serving(process), block),
      (_, process, block) => drop(process, block),
    ),
    ...(compacts
      ? [
          rule(
            'b1 is compacted into b2',
            world => budget(world, 'compaction') > 0,
            world => {
              spend(world, 'compaction')
              world.parent = true
            },
          ),
        ]
      : []),
    ...each(
      'lists b2',
      (world, process) => up(process) && world.parent && !process.listed,
      (_, process) => {
        process.listed = true
      },
    ),
  ]
}
