/** Worlds as strings of small numbers, and back. */
import {
  type Config,
  FAULTS,
  type MemberEntry,
  nobody,
  type Process,
  type Slots,
  type Store,
  type World,
} from './world.ts'

const buffer = Buffer.alloc(512)
let length = 0

function put(value: number): void {
  buffer[length++] = value
}

function flags(...values: readonly boolean[]): number {
  return values.reduce((bits, value, at) => (value ? bits | (1 << at) : bits), 0)
}

function putStore(store: Store): void {
  put(store.epoch)
  put(store.named)
  for (const slot of store.slots) put(slot)
  for (const r of store.records) {
    put(flags(r.exists, r.down, r.draining, r.placed, r.current, r.past))
    put(r.incarnation * 16 + r.advertised)
  }
}

export function encode(world: World): string {
  length = 0
  putStore(world.store)
  put(flags(world.parent, world.replica !== undefined))
  for (const p of world.processes) {
    put(p.run * 16 + flags(p.ready, p.listed, p.knows, p.told))
    put(p.incarnation)
    put(p.seen)
    put(p.named)
    for (const targets of p.targets) put(targets)
    for (const slot of p.slots) put(slot)
    put(p.complete)
    put(p.loaded * 16 + p.dropping)
    put(p.poisoned * 16 + p.failsOver)
    put(p.asked + 1)
    put(p.askedIn)
    put(p.askedOf)
  }
  for (const { blocks, incarnation } of world.late) put(incarnation * 16 + blocks)
  for (const left of world.left) put(left)
  for (const floor of world.floor) put(floor)
  if (world.replica) putStore(world.replica)
  return buffer.toString('latin1', 0, length)
}

export function decode(state: string, config: Config): World {
  let at = 0
  const take = () => state.charCodeAt(at++)
  const takeSlots = (): Slots => (config.slots ? config.ranks.map(take) : [])
  const takeStore = (): Store => {
    const epoch = take()
    const named = take()
    const slots = takeSlots()
    const records: MemberEntry[] = []
    for (let member = 0; member < config.members; member++) {
      const bits = take()
      const rest = take()
      const record = nobody()
      record.exists = (bits & 1) !== 0
      record.down = (bits & 2) !== 0
      record.draining = (bits & 4) !== 0
      record.placed = (bits & 8) !== 0
      record.current = (bits & 16) !== 0
      record.past = (bits & 32) !== 0
      record.incarnation = rest >> 4
      record.advertised = rest & 15
      records.push(record)
    }
    return { epoch, named, slots, records }
  }

  const store = takeStore()
  const bits = take()
  const processes: Process[] = []
  const twins = config.faults.twin ? 1 : 0
  for (let index = 0; index < config.members + twins; index++) {
    const run = take()
    const incarnation = take()
    const seen = take()
    const named = take()
    const targets = config.ranks.map(take)
    const slots = takeSlots()
    const complete = take()
    const held = take()
    const poison = take()
    processes.push({
      member: index % config.members,
      run: run >> 4,
      ready: (run & 1) !== 0,
      listed: (run & 2) !== 0,
      knows: (run & 4) !== 0,
      told: (run & 8) !== 0,
      incarnation,
      seen,
      named,
      targets,
      slots,
      complete,
      loaded: held >> 4,
      dropping: held & 15,
      poisoned: poison >> 4,
      failsOver: poison & 15,
      asked: take() - 1,
      askedIn: take(),
      askedOf: take(),
    })
  }
  const late = store.records.map(() => {
    const value = take()
    return { blocks: value & 15, incarnation: value >> 4 }
  })
  const left = FAULTS.map(take)
  const floor = config.ranks.map(take)
  const replica = (bits & 2) !== 0 ? takeStore() : undefined
  return { config, store, replica, processes, late, parent: (bits & 1) !== 0, left, floor }
}
