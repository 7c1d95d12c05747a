/** The histories in which the protocol must hold where slots say who owns a block, and locks exclude nobody. */
import { type Case, serving } from './clean.ts'
import type { Config, Fault } from './world.ts'

/** As ONE and TWO, and they sit in the slot of b1. */
export const SEATED: readonly string[] = seated('A')
export const BOTH: readonly string[] = seated('A', 'B')

/** The child prefers A as its failover owner, the parent B. Each has a slot. */
export const PAIR = [
  [0, 1, 2],
  [1, 2, 0],
]

export function seated(...names: readonly string[]): readonly string[] {
  const steps = serving(...names)
  const seats = names.map(name => `${name} takes a free seat of b1`)
  return [...steps.slice(0, names.length), ...seats, ...steps.slice(names.length)]
}

export function slotted(
  members: number,
  replicas: number,
  faults: Config['faults'],
  before: readonly string[] = replicas === 1 ? SEATED : BOTH,
): Config {
  const ranks = faults.compaction ? PAIR : [[3, 2, 1, 0]]
  const known = ranks.map(order => order.filter(member => member < members))
  return { members, replicas, slots: true, ranks: known, faults, before }
}

/** Each with that many seats taken from whoever has them, one unless it says so. */
function of(members: number, replicas: number, faults: Partial<Record<Fault, number>>, before?: readonly string[]) {
  return slotted(members, replicas, { seize: 1, ...faults }, before)
}

export const SLOTS: readonly Case[] = [
  { name: 'slots: two start, and one drains', states: 13528, config: of(2, 1, { drain: 1, cancel: 1 }, []) },
  { name: 'slots: three, one seat', states: 34661, config: of(3, 1, { give: 1 }) },
  { name: 'slots: four, one seat', states: 40663, config: of(4, 1, {}) },
  { name: 'slots: three, two seats', states: 21500, config: of(3, 2, { give: 1 }) },
  { name: 'slots: three, two seats, taken twice', states: 9801, config: of(3, 2, { seize: 2 }) },
  { name: 'slots: four, two seats', states: 31350, config: of(4, 2, {}) },
  { name: 'slots: three, two seats, and one drains', states: 29808, config: of(3, 2, { drain: 1 }) },
  { name: 'slots: three, two seats, stop, restart', states: 80464, config: of(3, 2, { stop: 1, restart: 1 }) },
  {
    name: 'slots: a crash and a restart, forgotten',
    states: 39955,
    config: of(2, 1, { crash: 1, restart: 1, forget: 1, drain: 1 }),
  },
  { name: 'slots: a crash among three, two seats', states: 77198, config: of(3, 2, { crash: 1, restart: 1 }) },
  { name: 'slots: two crashes among three, two seats: a stand-in', states: 11592, config: of(3, 2, { crash: 2 }) },
  {
    name: 'slots: a paused member, forgotten, with a drop in flight',
    states: 25331,
    config: of(2, 1, { pause: 1, forget: 1, drain: 1 }),
  },
  { name: 'slots: a paused member, two seats', states: 11377, config: of(2, 2, { pause: 1, forget: 1, drain: 1 }) },
  {
    name: 'slots: a publish that lands late',
    states: 66824,
    config: of(2, 1, { late: 1, drain: 1, crash: 1, restart: 1 }),
  },
  { name: 'slots: a failover', states: 14172, config: of(2, 1, { failover: 1, drain: 1 }) },
  { name: 'slots: a failover among three, two seats', states: 50400, config: of(3, 2, { failover: 1 }) },
  {
    name: 'slots: a failover, and a publish that lands late, two seats',
    states: 15164,
    config: of(2, 2, { failover: 1, late: 1, drain: 1 }),
  },
  { name: 'slots: an emptied store', states: 37792, config: of(2, 1, { empty: 1, crash: 1, restart: 1 }) },
  { name: 'slots: an emptied store, two seats', states: 6370, config: of(2, 2, { empty: 1, crash: 1 }) },
  {
    name: 'slots: a block that one member can never load',
    states: 5325,
    lingers: 'its owner never claims it',
    config: of(3, 1, { poison: 1 }),
  },
  {
    name: 'slots: two processes with one id',
    states: 11031,
    lingers: 'a superseded process keeps what it has',
    config: of(2, 1, { twin: 1, crash: 1 }),
  },
  { name: 'slots: short disks', states: 2473, config: of(3, 2, { urgent: 1 }) },
  { name: 'slots: one compaction', states: 60353, config: of(2, 1, { compaction: 1, drain: 1 }) },
  {
    name: 'slots: one compaction, two seats',
    states: 44038,
    config: slotted(2, 2, { compaction: 1, give: 1, drain: 1 }),
  },
  {
    name: 'slots: one compaction among three, two seats',
    states: 21626,
    config: slotted(3, 2, { compaction: 1 }),
  },
]

/** Larger bounds, for `node test/model/run.ts --wide`. */
export const WIDE_SLOTS: readonly Omit<Case, 'states'>[] = [
  {
    name: 'slots: two start, drain, stop and restart',
    config: of(2, 1, { drain: 1, cancel: 1, stop: 1, restart: 1 }, []),
  },
  { name: 'slots: three, one seat, taken twice', config: of(3, 1, { seize: 2, give: 1 }) },
  { name: 'slots: three, two seats, taken twice, and one given up', config: of(3, 2, { seize: 2, give: 1 }) },
  { name: 'slots: two seats, a crash, a restart, forgotten', config: of(3, 2, { crash: 1, restart: 1, forget: 1 }) },
  { name: 'slots: a paused member among three, two seats', config: of(3, 2, { pause: 1 }) },
  { name: 'slots: a stand-in, and one drains', config: of(3, 1, { crash: 1, drain: 1 }) },
  { name: 'slots: an emptied store among three, two seats', config: of(3, 2, { empty: 1 }) },
  { name: 'slots: one compaction among three, taken, two seats', config: of(3, 2, { compaction: 1 }) },
]
