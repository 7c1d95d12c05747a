/** The histories in which the protocol must hold. */
import type { Config } from './world.ts'

export interface Case {
  readonly name: string
  readonly config: Config
  /** All that can be reached: another number means that the model has changed, and this table with it. */
  readonly states: number
  /** Why it may go on for ever with something lingering; undefined where all of it can always be settled. */
  readonly lingers?: string
}

/** A alone serves b1; A and B both serve it. Later members are owners before earlier ones. */
export const ONE: readonly string[] = serving('A')
export const TWO: readonly string[] = serving('A', 'B')

export function serving(...names: readonly string[]): readonly string[] {
  return ['joins', 'observes', 'loads b1', 'tells all its claims', 'beats'].flatMap(step =>
    names.map(name => `${name} ${step}`),
  )
}

function of(members: number, replicas: number, more: Partial<Config>): Config {
  const ranks = [[3, 2, 1, 0].filter(member => member < members)]
  return { members, replicas, ranks, faults: {}, ...more }
}

/** The child prefers A, the parent B. */
const pair = [
  [0, 1, 2],
  [1, 2, 0],
]
const parent = (members: number, replicas: number, more: Partial<Config>) =>
  of(members, replicas, { ...more, ranks: pair.map(ranks => ranks.filter(member => member < members)) })

export const PLANNED: readonly Case[] = [
  {
    name: 'two start, drain, stop and restart',
    states: 13563,
    config: of(2, 1, { faults: { drain: 1, cancel: 1, stop: 1, restart: 1 } }),
  },
  {
    name: 'three join one, and it drains',
    states: 14156,
    config: of(3, 1, { faults: { drain: 1, cancel: 1 }, before: ONE }),
  },
  { name: 'four, one replica', states: 44662, config: of(4, 1, { before: ONE }) },
  { name: 'three at two replicas start, and one drains', states: 44587, config: of(3, 2, { faults: { drain: 1 } }) },
  {
    name: 'four at two replicas, and one drains',
    states: 32994,
    config: of(4, 2, { faults: { drain: 1 }, before: TWO }),
  },
  {
    name: 'three at two replicas, drain, stop, restart',
    states: 25037,
    config: of(3, 2, { faults: { drain: 1, stop: 1, restart: 1 }, before: TWO }),
  },
  {
    name: 'members that disagree on replicas',
    states: 2631,
    lingers: 'nothing is released while live members disagree',
    config: of(3, 2, { faults: { drain: 1, crash: 1 }, rules: [2, 1, 2], before: TWO }),
  },
  {
    name: 'one compaction, two members',
    states: 135880,
    config: parent(2, 1, { faults: { compaction: 1, drain: 1, crash: 1, restart: 1 } }),
  },
  {
    name: 'one compaction, three members',
    states: 10983,
    config: parent(3, 1, { faults: { compaction: 1 }, before: ONE }),
  },
  {
    name: 'one compaction, two replicas',
    states: 1908,
    config: parent(3, 2, { faults: { compaction: 1 }, before: TWO }),
  },
  {
    name: 'one compaction whose parent may not load',
    states: 5477,
    lingers: 'children wait for their parent',
    config: parent(2, 1, { faults: { compaction: 1, drain: 1, poison: 1 }, before: ONE }),
  },
  {
    name: 'getting ready, two blocks',
    states: 36716,
    config: of(2, 1, {
      faults: { drain: 1, crash: 1, restart: 1 },
      ranks: [
        [1, 0],
        [1, 0],
      ],
      readiness: true,
    }),
  },
  { name: 'getting ready, two replicas', states: 26166, config: of(3, 2, { ranks: pair, readiness: true }) },
]

export const FAILURES: readonly Case[] = [
  {
    name: 'two crashes and restarts',
    states: 52766,
    config: of(2, 1, { faults: { crash: 2, restart: 2, drain: 1, forget: 1 } }),
  },
  {
    name: 'a crash among three, forgotten',
    states: 64235,
    config: of(3, 1, { faults: { crash: 1, restart: 1, forget: 1 }, before: ONE }),
  },
  {
    name: 'a crash among three at two replicas',
    states: 5259,
    config: of(3, 2, { faults: { crash: 1, restart: 1, forget: 1 }, before: TWO }),
  },
  {
    name: 'two crashes among three at two replicas',
    states: 97652,
    config: of(3, 2, { faults: { crash: 2, restart: 1, drain: 1 }, before: TWO }),
  },
  {
    name: 'two crashes among four at two replicas: a stand-in',
    states: 58105,
    config: of(4, 2, { faults: { crash: 2 }, before: TWO }),
  },
  {
    name: 'a paused member, forgotten, with a drop in flight',
    states: 18266,
    config: of(2, 1, { faults: { pause: 1, forget: 1, drain: 1, cancel: 1, crash: 1 }, before: ONE }),
  },
  {
    name: 'a paused member at two replicas',
    states: 52725,
    config: of(3, 2, { faults: { pause: 1, forget: 1, drain: 1 }, before: TWO }),
  },
  {
    name: 'a publish that lands late',
    states: 56654,
    config: of(2, 1, { faults: { late: 1, drain: 1, cancel: 1, restart: 1, crash: 1 } }),
  },
  {
    name: 'a failover, and a publish that lands late',
    states: 14755,
    config: of(2, 1, { faults: { failover: 1, late: 1, drain: 1 }, before: ONE }),
  },
  {
    name: 'a failover, a crash, a restart',
    states: 96099,
    config: of(2, 1, { faults: { failover: 1, drain: 1, crash: 1, restart: 1 }, before: ONE }),
  },
  {
    name: 'a failover at two replicas',
    states: 45214,
    config: of(3, 2, { faults: { failover: 1, drain: 1 }, before: TWO }),
  },
  {
    name: 'an emptied store',
    states: 106590,
    config: of(2, 1, { faults: { empty: 1, drain: 1, late: 1, crash: 1, restart: 1 }, before: ONE }),
  },
  {
    name: 'a block that one member can never load',
    states: 81000,
    lingers: 'its owner never claims it',
    config: of(3, 1, { faults: { poison: 1, drain: 1, crash: 1 }, before: ONE }),
  },
  {
    name: 'a block that one member can never load, two replicas',
    states: 1249,
    lingers: 'its owner never claims it',
    config: of(3, 2, { faults: { poison: 1, drain: 1 }, before: TWO }),
  },
  {
    name: 'two processes with one id',
    states: 19336,
    lingers: 'a superseded process keeps what it has',
    config: of(2, 1, { faults: { twin: 1, crash: 1, drain: 1 }, before: ONE }),
  },
  { name: 'short disks', states: 1807, config: of(3, 2, { faults: { urgent: 2, drain: 1 }, before: TWO }) },
]

/** Larger bounds, for `node test/model/run.ts --wide`: minutes. */
export const WIDE: readonly Omit<Case, 'states'>[] = [
  { name: 'three start, drain, stop', config: of(3, 1, { faults: { drain: 1, cancel: 1, stop: 1 } }) },
  { name: 'four, one replica, and one drains', config: of(4, 1, { faults: { drain: 1 }, before: ONE }) },
  {
    name: 'two crashes among four at two replicas, and one drains',
    config: of(4, 2, { faults: { crash: 2, drain: 1 }, before: TWO }),
  },
  {
    name: 'two pauses',
    config: of(2, 1, { faults: { pause: 2, forget: 1, drain: 1, crash: 1, cancel: 1 } }),
  },
  {
    name: 'two late publishes',
    config: of(2, 1, { faults: { late: 2, drain: 1, cancel: 1, restart: 1, crash: 1 } }),
  },
  {
    name: 'a failover from a cold start',
    config: of(2, 1, { faults: { failover: 1, drain: 1, cancel: 1, crash: 1, restart: 1 } }),
  },
  {
    name: 'a compaction, three members, and one drains',
    config: parent(3, 1, { faults: { compaction: 1, drain: 1 }, before: ONE }),
  },
  {
    name: 'a compaction, two replicas, a crash',
    config: parent(3, 2, { faults: { compaction: 1, crash: 1, restart: 1, drain: 1 }, before: TWO }),
  },
  {
    name: 'two processes with one id, paused',
    config: of(2, 1, { faults: { twin: 1, crash: 1, drain: 1, pause: 1, restart: 1 } }),
  },
]
