/** The histories in which the protocol must hold. */
import type { Config, Faults } from './world.ts'

/** The number of states is all that can be reached: another one means that the model has changed, and this table with it. */
export type Case = readonly [name: string, states: number, config: Config]

/** A alone serves b1; A and B both serve it. Later members are owners before earlier ones. */
export const ONE: readonly string[] = serving('A')
export const TWO: readonly string[] = serving('A', 'B')

export function serving(...names: readonly string[]): readonly string[] {
  return ['joins', 'observes', 'loads b1', 'advertises all', 'sends a heartbeat'].flatMap(step =>
    names.map(name => `${name} ${step}`),
  )
}

/** b1 alone; with a compaction the child prefers A, the parent B. */
export function of(members: number, replicas: number, faults: Faults, before: readonly string[] = []): Config {
  const ranks = faults.compaction ? PARENT : [[3, 2, 1, 0]]
  return { members, replicas, ranks: ranks.map(order => order.filter(m => m < members)), faults, before }
}

const PARENT = [
  [0, 1, 2],
  [1, 2, 0],
]

export const PLANNED: readonly Case[] = [
  ['two start, drain, stop and restart', 13563, of(2, 1, { drain: 1, cancel: 1, stop: 1, restart: 1 })],
  ['three join one, and it drains', 14156, of(3, 1, { drain: 1, cancel: 1 }, ONE)],
  ['four, one replica', 44662, of(4, 1, {}, ONE)],
  ['three at two replicas start, and one drains', 44587, of(3, 2, { drain: 1 })],
  ['four at two replicas, and one drains', 32994, of(4, 2, { drain: 1 }, TWO)],
  ['three at two replicas, drain, stop, restart', 25037, of(3, 2, { drain: 1, stop: 1, restart: 1 }, TWO)],
  [
    'members that disagree on replicas: nothing is released meanwhile',
    2631,
    { ...of(3, 2, { drain: 1, crash: 1 }, TWO), rules: [2, 1, 2], endless: true },
  ],
  ['one compaction, two members', 135880, of(2, 1, { compaction: 1, drain: 1, crash: 1, restart: 1 })],
  ['one compaction, three members', 10983, of(3, 1, { compaction: 1 }, ONE)],
  ['one compaction, two replicas', 1908, of(3, 2, { compaction: 1 }, TWO)],
  [
    'one compaction whose parent may not load: children wait for it',
    5477,
    { ...of(2, 1, { compaction: 1, drain: 1, poison: 1 }, ONE), endless: true },
  ],
  [
    'getting ready, two blocks',
    36716,
    {
      ...of(2, 1, { drain: 1, crash: 1, restart: 1 }),
      ...{
        ranks: [
          [1, 0],
          [1, 0],
        ],
        readiness: true,
      },
    },
  ],
  ['getting ready, two replicas', 26166, { ...of(3, 2, {}), ranks: PARENT, readiness: true }],
]

export const FAILURES: readonly Case[] = [
  ['two crashes and restarts', 52766, of(2, 1, { crash: 2, restart: 2, drain: 1, forget: 1 })],
  ['a crash among three, forgotten', 64235, of(3, 1, { crash: 1, restart: 1, forget: 1 }, ONE)],
  ['a crash among three at two replicas', 5259, of(3, 2, { crash: 1, restart: 1, forget: 1 }, TWO)],
  ['two crashes among three at two replicas', 97652, of(3, 2, { crash: 2, restart: 1, drain: 1 }, TWO)],
  ['two crashes among four at two replicas: a failover owner', 58105, of(4, 2, { crash: 2 }, TWO)],
  [
    'a paused member, forgotten, with a drop in flight',
    18266,
    of(2, 1, { pause: 1, forget: 1, drain: 1, cancel: 1, crash: 1 }, ONE),
  ],
  ['a paused member at two replicas', 52725, of(3, 2, { pause: 1, forget: 1, drain: 1 }, TWO)],
  ['a publish that lands late', 56654, of(2, 1, { late: 1, drain: 1, cancel: 1, restart: 1, crash: 1 })],
  ['a failover, and a publish that lands late', 14755, of(2, 1, { failover: 1, late: 1, drain: 1 }, ONE)],
  ['a failover, a crash, a restart', 96099, of(2, 1, { failover: 1, drain: 1, crash: 1, restart: 1 }, ONE)],
  ['a failover at two replicas', 45214, of(3, 2, { failover: 1, drain: 1 }, TWO)],
  ['an emptied store', 106590, of(2, 1, { empty: 1, drain: 1, late: 1, crash: 1, restart: 1 }, ONE)],
  ['a block that one member can never load', 81000, endless(of(3, 1, { poison: 1, drain: 1, crash: 1 }, ONE))],
  ['a block that one member can never load, two replicas', 1249, endless(of(3, 2, { poison: 1, drain: 1 }, TWO))],
  // The one that is superseded keeps what it has.
  ['two processes with one id', 19336, endless(of(2, 1, { twin: 1, crash: 1, drain: 1 }, ONE))],
  ['short disks', 1807, of(3, 2, { urgent: 2, drain: 1 }, TWO)],
]

/** Members publish who comes first for b1: whom they like, as often as `publish` says. */
export const PUBLISHED: readonly Case[] = [
  ['two start, publish, and one drains', 9917, of(2, 1, { publish: 2, drain: 1 })],
  ['three, one replica', 24399, of(3, 1, { publish: 2 }, ONE)],
  ['three at two replicas, and one drains', 4761, of(3, 2, { publish: 1, drain: 1 }, TWO)],
  ['a crash, a restart, forgotten', 6709, of(2, 1, { publish: 1, crash: 1, restart: 1, forget: 1 }, ONE)],
  ['a crash among three at two replicas', 2742, of(3, 2, { publish: 1, crash: 1 }, TWO)],
  ['a failover', 22168, of(2, 1, { publish: 1, failover: 1, drain: 1 }, ONE)],
  ['an emptied store', 5482, of(2, 1, { publish: 2, empty: 1 }, ONE)],
  ['one compaction', 1727, of(2, 1, { publish: 1, compaction: 1 }, ONE)],
]

/** Slots say who owns a block, and locks exclude nobody. As many ranks as `seize` says are taken from whoever has them. */
export const SLOTS: readonly Case[] = [
  ['two start, and one drains', 13528, slotted(2, 1, { seize: 1, drain: 1, cancel: 1 }, [])],
  ['three, one rank', 34661, slotted(3, 1, { seize: 1, give: 1 })],
  ['four, one rank', 40663, slotted(4, 1, { seize: 1 })],
  ['three, two ranks', 21500, slotted(3, 2, { seize: 1, give: 1 })],
  ['three, two ranks, taken twice', 9801, slotted(3, 2, { seize: 2 })],
  ['four, two ranks', 31350, slotted(4, 2, { seize: 1 })],
  ['three, two ranks, and one drains', 29808, slotted(3, 2, { seize: 1, drain: 1 })],
  ['three, two ranks, stop, restart', 80464, slotted(3, 2, { seize: 1, stop: 1, restart: 1 })],
  ['a crash and a restart, forgotten', 39955, slotted(2, 1, { seize: 1, crash: 1, restart: 1, forget: 1, drain: 1 })],
  ['a crash among three, two ranks', 77198, slotted(3, 2, { seize: 1, crash: 1, restart: 1 })],
  ['two crashes among three, two ranks: a failover owner', 11592, slotted(3, 2, { seize: 1, crash: 2 })],
  [
    'a paused member, forgotten, with a drop in flight',
    25331,
    slotted(2, 1, { seize: 1, pause: 1, forget: 1, drain: 1 }),
  ],
  ['a paused member, two ranks', 11377, slotted(2, 2, { seize: 1, pause: 1, forget: 1, drain: 1 })],
  ['a publish that lands late', 66824, slotted(2, 1, { seize: 1, late: 1, drain: 1, crash: 1, restart: 1 })],
  ['a failover', 14172, slotted(2, 1, { seize: 1, failover: 1, drain: 1 })],
  ['a failover among three, two ranks', 50400, slotted(3, 2, { seize: 1, failover: 1 })],
  [
    'a failover, and a publish that lands late, two ranks',
    15164,
    slotted(2, 2, { seize: 1, failover: 1, late: 1, drain: 1 }),
  ],
  ['an emptied store', 37792, slotted(2, 1, { seize: 1, empty: 1, crash: 1, restart: 1 })],
  ['an emptied store, two ranks', 6370, slotted(2, 2, { seize: 1, empty: 1, crash: 1 })],
  ['a block that one member can never load', 5325, endless(slotted(3, 1, { seize: 1, poison: 1 }))],
  ['two processes with one id', 11031, endless(slotted(2, 1, { seize: 1, twin: 1, crash: 1 }))],
  ['short disks', 2473, slotted(3, 2, { seize: 1, urgent: 1 })],
  ['one compaction', 60353, slotted(2, 1, { seize: 1, compaction: 1, drain: 1 })],
  ['one compaction, two ranks', 44038, slotted(2, 2, { compaction: 1, give: 1, drain: 1 })],
  ['one compaction among three, two ranks', 21626, slotted(3, 2, { compaction: 1 })],
]

/** As `of`. Each block has a slot, and who serves b1 at the start has a rank of its slot. */
export function slotted(members: number, replicas: number, faults: Faults, before = holding(replicas)): Config {
  return { ...of(members, replicas, faults, before), slots: true }
}

function holding(replicas: number): readonly string[] {
  const names = ['A', 'B'].slice(0, replicas)
  const steps = serving(...names)
  const ranks = names.map(name => `${name} takes a free rank of b1`)
  return [...steps.slice(0, replicas), ...ranks, ...steps.slice(replicas)]
}

/** It may go on for ever with something pending, so nobody asks whether all of it can be handed over in the end. */
function endless(config: Config): Config {
  return { ...config, endless: true }
}

/** Larger bounds, for `node test/model/run.ts --wide`: minutes. */
export const WIDE: readonly Config[] = [
  of(3, 1, { drain: 1, cancel: 1, stop: 1 }),
  of(4, 1, { drain: 1 }, ONE),
  of(4, 2, { crash: 2, drain: 1 }, TWO),
  of(2, 1, { pause: 2, forget: 1, drain: 1, crash: 1, cancel: 1 }),
  of(2, 1, { late: 2, drain: 1, cancel: 1, restart: 1, crash: 1 }),
  of(2, 1, { failover: 1, drain: 1, cancel: 1, crash: 1, restart: 1 }),
  of(3, 1, { compaction: 1, drain: 1 }, ONE),
  of(3, 2, { compaction: 1, crash: 1, restart: 1, drain: 1 }, TWO),
  of(2, 1, { twin: 1, crash: 1, drain: 1, pause: 1, restart: 1 }),
  slotted(2, 1, { seize: 1, drain: 1, cancel: 1, stop: 1, restart: 1 }, []),
  slotted(3, 1, { seize: 2, give: 1 }),
  slotted(3, 2, { seize: 2, give: 1 }),
  slotted(3, 2, { seize: 1, crash: 1, restart: 1, forget: 1 }),
  slotted(3, 2, { seize: 1, pause: 1 }),
  slotted(3, 1, { seize: 1, crash: 1, drain: 1 }),
  slotted(3, 2, { seize: 1, empty: 1 }),
  slotted(3, 2, { seize: 1, compaction: 1 }),
]
