/** Each rule of the protocol left out, and the history in which that shows soonest. */
import { ONE, serving, TWO } from './clean.ts'
import type { Variant } from './variants.ts'
import type { Config, Fault } from './world.ts'

export interface Broken {
  readonly variant: Variant
  readonly config: Config
}

type Faults = Partial<Record<Fault, number>>

/** B comes to A, which serves b1; with two replicas C comes to A and B. The newest is the first owner. */
const two = (faults: Faults = {}): Config => ({ members: 2, replicas: 1, ranks: [[1, 0]], faults, before: ONE })
const three = (faults: Faults = {}): Config => ({ members: 3, replicas: 2, ranks: [[2, 1, 0]], faults, before: TWO })
const blocks = [
  [1, 0],
  [1, 0],
]

export const BROKEN: readonly Broken[] = [
  { variant: 'release in two steps', config: two({ drain: 1 }) },
  { variant: 'release by epoch alone', config: two() },
  { variant: 'release without the epoch', config: three({ drain: 1 }) },
  { variant: 'epochs come back', config: three({ failover: 1, drain: 1 }) },
  {
    variant: 'rules may differ',
    config: { ...two(), replicas: 2, rules: [1, 2], before: [...serving('A'), ...serving('B')] },
  },
  {
    variant: 'stand-ins count as owners',
    config: { ...three({ crash: 2, drain: 1 }), members: 4, ranks: [[3, 2, 1, 0]] },
  },
  { variant: 'one active owner is enough', config: two() },
  { variant: 'one claim is enough', config: three() },
  { variant: 'owners that are down count', config: three({ crash: 1 }) },
  { variant: 'nobody need own it', config: two({ drain: 1 }) },
  { variant: 'a timeout counts as released', config: two() },
  { variant: 'drop on losing ownership', config: two() },
  { variant: 'linger limit', config: two() },
  { variant: 'children go when the parent is listed', config: { ...two({ compaction: 1 }), ranks: blocks } },
  { variant: 'stop says nothing', config: two({ stop: 1 }) },
  { variant: 'old claims stay', config: two({ crash: 1, restart: 1 }) },
  { variant: 'publish includes what is being dropped', config: two({ pause: 1, forget: 1 }) },
  { variant: 'no sequence', config: two({ late: 1, drain: 1 }) },
  { variant: 'no store id', config: two({ failover: 1, drain: 1 }) },
  { variant: 'the beat names the store id before the claims are told', config: two({ failover: 1, drain: 1 }) },
  { variant: 'no incarnation', config: two({ twin: 1, crash: 1, drain: 1 }) },
  { variant: 'claims before ready', config: { ...two(), ranks: blocks, readiness: true, before: [] } },
]
