/** Each rule of the protocol left out, and the history in which that shows soonest. */
import { ONE, of, serving, slotted, TWO } from './clean.ts'
import type { Variant } from './variants.ts'
import type { Config, Faults } from './world.ts'

export interface Broken {
  readonly config: Config
  /** The shortest story, with semicolons between its steps. */
  readonly story: string
  /** What is wrong at the end of it. */
  readonly broken: string
}

/** B comes to A, which serves b1; with two replicas C comes to A and B. The newest is the first owner. */
const two = (faults: Faults = {}) => of(2, 1, faults, ONE)
const three = (faults: Faults = {}) => of(3, 2, faults, TWO)
const two2 = (faults: Faults): Config => ({ ...two(faults), ranks: [...two().ranks, ...two().ranks] })

const loads = (name: string) => `${name} observes; ${name} loads b1; ${name} advertises all; ${name} sends a heartbeat`
const B_SERVES = `B joins; A observes; ${loads('B')}`

const gone = (config: Config, story: string): Broken => ({ config, story, broken: 'nobody serves b1' })
const fewer = (config: Config, story: string): Broken => ({ config, story, broken: '1 copy of b1, not 2' })
const lie = (config: Config, story: string): Broken => ({
  ...{ config, story },
  broken: 'the release counted an advertisement that is not true',
})
const others = (config: Config, story: string): Broken => ({
  ...{ config, story },
  broken: 'the release asked others than the owners',
})

export const BROKEN: Readonly<Record<Exclude<Variant, 'superseding as first written'>, Broken>> = {
  'release in two steps': gone(
    two({ drain: 1 }),
    `${B_SERVES}; A sees that it may release b1; B is drained; B observes; B sees that it may release b1; A releases b1; B releases b1`,
  ),
  'release by epoch alone': gone(two(), 'B joins; A observes; A releases b1'),
  'release without the epoch': fewer(
    three({ drain: 1 }),
    'A is drained; A observes; C joins; A decides to release b1; A releases b1',
  ),
  'epochs come back': fewer(
    three({ failover: 1, drain: 1 }),
    'the replica has got this far; A is drained; A observes; A decides to release b1; failover: what came later is lost; C joins; B observes; B advertises all; B sends a heartbeat; A releases b1',
  ),
  'rules may differ': fewer(
    { ...two(), replicas: 2, rules: [1, 2], before: [...serving('A'), ...serving('B')] },
    'A observes; A releases b1',
  ),
  'failover owners count as owners': fewer(
    of(4, 2, { crash: 2, drain: 1 }, [...TWO, 'C joins', 'D joins', 'A is drained']),
    'C crashes; D crashes; C is silent and marked unhealthy; D is silent and marked unhealthy; A observes; A releases b1',
  ),
  'one active owner is enough': gone(two(), 'B joins; A observes; A releases b1'),
  'one advertisement is enough': fewer(three(), 'C joins; A observes; A releases b1'),
  'owners that are down count': lie(
    three({ crash: 1 }),
    `C joins; ${loads('C')}; B crashes; B is silent and marked unhealthy; A observes; A releases b1`,
  ),
  'nobody need own it': gone(two({ drain: 1 }), 'A is drained; A observes; A releases b1'),
  'a timeout counts as released': gone(
    two(),
    'B joins; A observes; A gets no reply to a release, and takes it as done: b1',
  ),

  'no precondition': others(
    slotted(2, 1, { seize: 2 }),
    `B joins; B takes A's rank of b1; A observes; B observes; A takes B's rank of b1; B loads b1; B advertises all; B sends a heartbeat; A releases b1`,
  ),
  'the slot is compared, the epoch is not': fewer(
    slotted(3, 2, { drain: 1 }),
    'A is drained; A observes; C joins; A releases b1',
  ),
  'the precondition is of the child': others(
    slotted(2, 1, { seize: 1, compaction: 1 }),
    `B joins; A takes a free rank of b2; A observes; B takes A's rank of b2; b1 is compacted into b2; A lists b2; A loads b2; A publishes; A releases b1`,
  ),
  'an incomplete slot counts as complete': fewer(
    slotted(2, 2, { give: 1 }),
    'A gives up its rank of b1; A observes; A releases b1',
  ),
  'an empty slot lets go': gone(slotted(1, 1, { give: 1 }), 'A gives up its rank of b1; A observes; A releases b1'),
  'two ranks of one member count as two': fewer(
    slotted(2, 2, { seize: 1 }),
    "A takes B's rank of b1; B observes; B releases b1",
  ),

  'a placement counts before it is published': others(
    two({ publish: 1 }),
    'B joins; B observes; B loads b1; B publishes that A comes first for b1; B releases b1',
  ),
  'a placement is read without its epoch': others(
    two({ publish: 1 }),
    'B joins; B observes; B publishes that A comes first for b1; A observes; B loads b1; B advertises all; B sends a heartbeat; A releases b1',
  ),

  'drop on losing ownership': gone(two(), 'B joins; A observes; A drops b1'),
  'drop on losing the slot': gone(
    slotted(2, 1, { seize: 1 }),
    "B joins; B takes A's rank of b1; A observes; A drops b1",
  ),
  'time limit': gone(two(), 'B joins; A observes; A drops b1'),
  'children go when the parent is listed': gone(
    two2({ compaction: 1 }),
    'b1 is compacted into b2; A lists b2; A drops b1',
  ),

  'stop says nothing': lie(two({ stop: 1 }), `${B_SERVES}; B closes; A releases b1`),
  'old advertisements stay': lie(
    two({ crash: 1, restart: 1 }),
    'B joins; B observes; B loads b1; B advertises all; B crashes; B joins; A observes; B advertises all; B sends a heartbeat; A releases b1',
  ),
  'publish includes what is being dropped': lie(
    two({ pause: 1, forget: 1 }),
    'B joins; B observes; B loads b1; B is paused and marked unhealthy; B is evicted; B observes; B releases b1; B joins again; A observes; B advertises all; B sends a heartbeat; A releases b1',
  ),
  'no sequence': lie(
    two({ late: 1, drain: 1 }),
    `${B_SERVES}; A releases (the reply is lost) b1; A publishes, and the message is late; A releases b1; B is drained; B observes; A's late message lands; B releases b1`,
  ),
  'no store id': lie(
    two({ failover: 1, drain: 1 }),
    `B joins; A observes; B observes; B loads b1; B advertises all; the replica has got this far; A releases b1; failover: what came later is lost; B is drained; B observes; B releases b1`,
  ),
  'the heartbeat names the store id before all is advertised': lie(
    two({ failover: 1, drain: 1 }),
    'B joins; B observes; B loads b1; B advertises all; the replica has got this far; B is drained; B observes; B releases b1; failover: what came later is lost; A observes; B observes; B sends a heartbeat; A releases b1',
  ),
  'no incarnation': lie(
    two({ twin: 1, crash: 1, drain: 1 }),
    "B joins; A's twin joins; B observes; A sends a heartbeat; B is drained; B loads b1; B observes; A publishes; A crashes; B releases b1",
  ),

  'advertises before ready': gone(
    { ...two2({}), readiness: true, before: [] },
    'A joins; A observes; B joins; B observes; A loads b1; A observes; B loads b1; B advertises all; B sends a heartbeat; A is ready; A releases b1',
  ),
}
