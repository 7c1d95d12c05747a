/** A rule of the model: a step of one process, one member or the world, with what it is called in a story. */
import { type Config, type Process, serving, superseded, type World } from './world.ts'

export interface Rule {
  readonly label: string
  readonly when: (world: World) => boolean
  /** Changes a copy of the world that `when` was asked about. May say which invariant it breaks. */
  readonly step: (world: World) => string | undefined
}

export const NAMES = ['A', 'B', 'C', 'D'] as const
export const BLOCKS = ['b1', 'b2'] as const

/** One rule for each process. */
export function each(
  config: Config,
  label: string,
  when: (world: World, process: Process) => boolean,
  step: (world: World, process: Process) => string | undefined,
): Rule[] {
  return everyProcess(config).map(({ name, at }) => ({
    label: `${name} ${label}`,
    when: world => when(world, world.processes[at] as Process),
    step: world => step(world, world.processes[at] as Process),
  }))
}

/** One rule for each process and block. */
export function eachBlock(
  config: Config,
  label: string,
  when: (world: World, process: Process, block: number) => boolean,
  step: (world: World, process: Process, block: number) => string | undefined,
): Rule[] {
  return config.ranks.flatMap((_, block) =>
    each(
      config,
      `${label} ${BLOCKS[block]}`,
      (world, process) => when(world, process, block),
      (world, process) => step(world, process, block),
    ),
  )
}

function everyProcess(config: Config): readonly { readonly name: string; readonly at: number }[] {
  const members = NAMES.slice(0, config.members).map((name, at) => ({ name: name as string, at }))
  return config.faults.twin ? [...members, { name: "A's twin", at: config.members }] : members
}

/** Copies of a block, or of what superseded it, that clients reach. */
export function copies(world: World, block: number, config: Config): number {
  const enough = config.faults.compaction && block === 0 ? 3 : 1 << block
  const holders = world.processes.filter(
    process => process.ready && (serving(process) & enough) !== 0 && !superseded(world, process, config),
  )
  return holders.length
}

/** Something took copies that nobody could have kept: a crash that was noticed, the end of a process. */
export function excuse(world: World, config: Config): undefined {
  world.floor = world.floor.map((floor, block) => Math.min(floor, copies(world, block, config)))
}
