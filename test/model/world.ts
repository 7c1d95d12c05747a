/** One state of the model: the store, the processes, and what an observer who sees everything remembers. */
import type { Variant } from './variants.ts'

/** How often each may happen in one history; what is not named never does. */
export const FAULTS = [
  'restart',
  'crash',
  'stop',
  'drain',
  'cancel',
  'pause',
  'forget',
  'late',
  'failover',
  'empty',
  'poison',
  'twin',
  'compaction',
  'urgent',
  'seize',
  'give',
  'publish',
] as const
export type Fault = (typeof FAULTS)[number]
export type Faults = Partial<Record<Fault, number>>

export interface Config {
  readonly members: number
  readonly replicas: number
  /** By block: members in the order of their rank for it. With compaction, block 0 is the child and block 1 its parent. */
  readonly ranks: readonly (readonly number[])[]
  readonly faults: Faults
  /** Who is to hold a block is whoever sits in its slot; the ranks only say who stands in. Otherwise the ranks say it. */
  readonly slots?: boolean
  /** A process begins unready. Otherwise it is ready from its start. */
  readonly readiness?: boolean
  /** By member: the replicas that its own config says, where they differ. */
  readonly rules?: readonly number[]
  /** Steps that were taken before the story begins; none: nobody has started yet. */
  readonly before?: readonly string[]
  readonly variant?: Variant
  /** It may go on for ever with something pending. Otherwise all of it can always be handed over in the end. */
  readonly endless?: boolean
}

/** Sets of blocks and of members are bit masks. */
export type MemberEntry = ReturnType<typeof nobody>

export function nobody() {
  return {
    exists: false,
    down: false,
    draining: false,
    placed: false,
    incarnation: 0,
    advertised: 0,
    /** Its heartbeat carries the store id that is current. */
    current: false,
    /** A write newer than the late one has been seen, so that the late one is stale. */
    past: false,
  }
}

export interface Store {
  epoch: number
  /** Who comes first for b1 by the published placement, whatever its rank: a member + 1; 0 for nobody. */
  named: number
  /** None where the ranks say who is to hold a block. */
  slots: Slots
  records: MemberEntry[]
}

/** All slots of the store, or those that a process has seen, each as a small number. */
export type Slots = number[]

/** A ghost is a crashed process whose crash nobody has noticed: it counts as serving until somebody has. */
export const OFF = 0
export const UP = 1
export const LEFT = 2
export const GHOST = 3
export const CRASHED = 4

export type Process = ReturnType<typeof process>

/** One that has not started. */
function process(config: Config, member: number) {
  return {
    member,
    run: OFF,
    incarnation: 0,
    ready: false,
    /** Knows that there is a compacted parent. */
    listed: false,
    /** Epoch of the entries it saw last (0: none yet), who owned each block then, and which it was to load in their place. */
    seen: 0,
    /** What it would go by that goes by an older placement, or by one of its own. */
    named: 0,
    targets: config.ranks.map(() => 0),
    failsOver: 0,
    /** The slots that it saw then, and which of them were complete. */
    slots: freeSlots(config),
    complete: 0,
    /** Has seen the current store id; has advertised all under it. */
    knows: false,
    told: false,
    /** What it has on its disk, and serves while it is up. */
    loaded: 0,
    /** Released, and not dropped yet. */
    dropping: 0,
    poisoned: 0,
    /** A release it has decided: the block, the epoch, the owners then. -1: none. */
    asked: -1,
    askedIn: 0,
    askedOf: 0,
  }
}

function freeSlots(config: Config): Slots {
  return config.slots ? config.ranks.map(() => 0) : []
}

export interface World {
  readonly config: Config
  store: Store
  /** What a failover would bring back. */
  replica: Store | undefined
  processes: Process[]
  /** By member: blocks of a publish that is still on its way; 0 for none. */
  late: { blocks: number; incarnation: number }[]
  parent: boolean
  left: number[]
  /** By block: copies that must not be lost any more. */
  floor: number[]
}

/** Nobody has started yet; with a twin the last process has the id of the first member. */
export function start(config: Config): World {
  const members = [...Array(config.members).keys()]
  const owners = config.faults.twin ? [...members, 0] : members
  return {
    config,
    store: { epoch: 1, named: 0, slots: freeSlots(config), records: members.map(nobody) },
    replica: undefined,
    processes: owners.map(member => process(config, member)),
    late: members.map(() => ({ blocks: 0, incarnation: 0 })),
    parent: false,
    left: FAULTS.map(fault => config.faults[fault] ?? 0),
    floor: config.ranks.map(() => 0),
  }
}

export function budget(world: World, fault: Fault): number {
  return world.left[FAULTS.indexOf(fault)] as number
}

export function spend(world: World, fault: Fault): void {
  world.left[FAULTS.indexOf(fault)] = budget(world, fault) - 1
}

export function recordOf(world: World, process: Process): MemberEntry {
  return world.store.records[process.member] as MemberEntry
}

export function up(process: Process): boolean {
  return process.run === UP
}

/** The store takes its writes: the record is of its incarnation. */
export function accepted(world: World, process: Process): boolean {
  const record = recordOf(world, process)
  if (!record.exists) return false
  return record.incarnation === process.incarnation || world.config.variant === 'no incarnation'
}

/** A newer process has its id. */
export function superseded(world: World, process: Process): boolean {
  if (world.config.variant === 'no incarnation') return false
  return world.processes.some(other => other.member === process.member && other.incarnation > process.incarnation)
}

/** What it answers from, and will go on answering from. */
export function serving(process: Process): number {
  const holds = process.run === UP || process.run === LEFT || process.run === GHOST
  return holds ? process.loaded & ~process.dropping : 0
}
