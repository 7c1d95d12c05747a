/** A rule of the model: a step of one process, one member or the world, with what it is called in a story. */
import { type Config, type MemberEntry, type Process, serving, superseded, type World } from './world.ts'

export interface Rule {
  readonly label: string
  readonly when: (world: World) => boolean
  /** Changes a copy of the world that `when` was asked about. May say which invariant it breaks. */
  readonly step: (world: World) => string | undefined
}

export const NAMES = ['A', 'B', 'C', 'D'] as const
export const BLOCKS = ['b1', 'b2'] as const

type When<Of extends unknown[]> = (world: World, ...of: Of) => boolean
/** A string that it returns says which invariant it breaks. */
type Step<Of extends unknown[]> = (world: World, ...of: Of) => unknown

/** What makes rules for a config: `rule` one, `each` one for each process, `eachBlock` for each process and block, `eachMember` for each entry. */
export function rulesFor(config: Config) {
  const names = NAMES.slice(0, config.members)
  const processes = config.faults.twin ? [...names, "A's twin"] : names

  const rule = (label: string, when: When<[]>, step: Step<[]>): Rule => ({
    label,
    when,
    step: world => {
      const broken = step(world)
      return typeof broken === 'string' ? broken : undefined
    },
  })
  const each = (label: string, when: When<[Process]>, step: Step<[Process]>): Rule[] =>
    processes.map((name, at) => {
      const of = (world: World) => world.processes[at] as Process
      return rule(
        `${name} ${label}`,
        world => when(world, of(world)),
        world => step(world, of(world)),
      )
    })
  const eachBlock = (label: string, when: When<[Process, number]>, step: Step<[Process, number]>): Rule[] =>
    config.ranks.flatMap((_, block) =>
      each(
        `${label} ${BLOCKS[block]}`,
        (world, process) => when(world, process, block),
        (world, process) => step(world, process, block),
      ),
    )
  const eachMember = (label: string, when: When<[MemberEntry, number]>, step: Step<[MemberEntry, number]>): Rule[] =>
    names.map((name, member) => {
      const of = (world: World) => world.store.records[member] as MemberEntry
      return rule(
        `${name}${label}`,
        world => when(world, of(world), member),
        world => step(world, of(world), member),
      )
    })
  return { rule, each, eachBlock, eachMember }
}

/** Copies of a block, or of what superseded it, that clients reach. */
export function copies(world: World, block: number): number {
  const enough = world.config.faults.compaction && block === 0 ? 3 : 1 << block
  const holders = world.processes.filter(
    process => process.ready && (serving(process) & enough) !== 0 && !superseded(world, process),
  )
  return holders.length
}

/** Something took copies that nobody could have kept: a crash that was noticed, the end of a process. */
export function excuse(world: World): void {
  world.floor = world.floor.map((floor, block) => Math.min(floor, copies(world, block)))
}
