/**
 * Which blocks are to move so that no member has more bytes than the band allows. Every block stays where it is, apart from the largest
 * ones of members that have too much: those go, the largest that fits first, to whoever has least. So few blocks move, and few are named.
 */
import { type BlockMeta, type Host, pause, sortInSlices } from 'blockgate'
import type { PlacedMember } from 'blockgate/plugins/ownership/hash-ring'
import type { Named } from './table.ts'

/** All blocks of one key: they have the same owners. */
export interface Unit {
  readonly key: number
  /** One of them. */
  readonly block: BlockMeta
  bytes: number
  /** Who is to hold them now. */
  readonly targets: readonly string[]
}

export interface PlanInput {
  readonly host: Host | undefined
  readonly units: readonly Unit[]
  /** Those that placement counts. */
  readonly members: readonly PlacedMember[]
  /** Copies stay in their zone: each zone is balanced for itself. */
  readonly zoned: boolean
  readonly within: number
  /** What is published now. */
  readonly named: Named
  /** Who would hold the unit if nothing were published. */
  readonly home: (unit: Unit) => readonly string[]
  /** How many keys may be named. */
  readonly most: number
}

export interface BalancePlan {
  readonly named: Named
  readonly moves: number
  readonly movedBytes: number
  /** The most bytes of a member ÷ the mean, before and after; of zones the worst. */
  readonly before: number
  readonly after: number
}

/** Where in the band a member ends up that had too much, and how full one may become that is given something. */
const AIM = 0.75
/** The part of all bytes that may move for one placement. */
const MOST_MOVED = 0.05
/** A swap of large blocks must lower the larger of two members by this part of the band, or it is not worth the move. */
const WORTH = 0.1

/** Work for `pause()`, of plain steps. */
const STEPS = 16

export async function planBalance(input: PlanInput): Promise<BalancePlan> {
  const { host, units, members, zoned, within } = input
  const state = new State(input)
  for (let i = 0; i < units.length; i++) {
    state.count(units[i] as Unit)
    if (i % STEPS === STEPS - 1) await pause(host)
  }
  const groups = zoned ? [...Map.groupBy(members, member => member.zone).values()] : [members]
  const before = state.skew(groups)
  for (const group of groups) {
    const ids = group.map(({ id }) => id)
    const mean = state.mean(ids)
    const over = ids.filter(id => state.load(id) > mean * (1 + within))
    const own = new Map(over.map(id => [id, [] as Unit[]]))
    for (let i = 0; over.length > 0 && i < units.length; i++) {
      for (const target of units[i]?.targets ?? []) own.get(target)?.push(units[i] as Unit)
      if (i % STEPS === STEPS - 1) await pause(host)
    }
    over.sort((a, b) => state.load(b) - state.load(a))
    for (const id of over) await relieve(state, id, ids, own.get(id) ?? [], mean, input)
  }
  const { named, moves, moved } = state
  return { named, moves, movedBytes: moved, before, after: state.skew(groups) }
}

/** Moves blocks of `from` away until it has no more than it should. */
async function relieve(
  state: State,
  from: string,
  group: readonly string[],
  units: readonly Unit[],
  mean: number,
  { host, within, named, home }: PlanInput,
): Promise<void> {
  const aim = mean * (1 + within * AIM)
  const floor = mean * (1 - within * AIM)
  const sorted = await sortInSlices(host, units, byBytes)
  const isHere = (unit: Unit) => state.targets(unit).includes(from)
  const done = () => state.load(from) <= aim || state.exhausted
  // Back home first: that takes a name out of what is published.
  for (const unit of sorted) {
    if (done()) return
    if (!named.has(unit.key) || !isHere(unit)) continue
    const targets = home(unit)
    const to = targets.filter(id => !state.targets(unit).includes(id))
    const fits = to.length === 1 && !targets.includes(from) && group.includes(to[0] as string)
    if (fits && state.load(to[0] as string) + unit.bytes <= aim) state.move(unit, from, to[0] as string)
    await pause(host)
  }
  for (const unit of sorted) {
    if (done()) return
    if (state.load(from) - unit.bytes < floor || !isHere(unit)) continue
    const to = state.least(group, state.targets(unit))
    if (to !== undefined && state.load(to) + unit.bytes <= aim) state.move(unit, from, to)
    await pause(host)
  }
  // What is left is too large for the band: still, the larger of two members may become smaller.
  const worth = mean * within * WORTH
  for (const unit of sorted) {
    if (done() || state.load(from) <= mean * (1 + within)) return
    const to = state.least(group, state.targets(unit))
    if (to === undefined || !isHere(unit)) continue
    const larger = Math.max(state.load(from) - unit.bytes, state.load(to) + unit.bytes)
    if (larger <= state.load(from) - worth) state.move(unit, from, to)
    await pause(host)
  }
}

class State {
  readonly named: Map<number, readonly string[]>
  moves = 0
  moved = 0
  readonly #input: PlanInput
  readonly #loads: Map<string, number>
  /** Of units that have moved. */
  readonly #targets = new Map<number, readonly string[]>()
  #total = 0

  constructor(input: PlanInput) {
    this.#input = input
    this.named = new Map(input.named)
    this.#loads = new Map(input.members.map(({ id }) => [id, 0]))
  }

  count({ targets, bytes }: Unit): void {
    for (const id of targets) this.#loads.set(id, this.load(id) + bytes)
    this.#total += bytes * targets.length
  }

  load(id: string): number {
    return this.#loads.get(id) ?? 0
  }

  mean(ids: readonly string[]): number {
    return ids.reduce((sum, id) => sum + this.load(id), 0) / ids.length
  }

  skew(groups: readonly (readonly PlacedMember[])[]): number {
    return Math.max(
      ...groups.map(group => {
        const ids = group.map(({ id }) => id)
        const mean = this.mean(ids)
        return mean === 0 ? 1 : Math.max(...ids.map(id => this.load(id))) / mean
      }),
    )
  }

  targets(unit: Unit): readonly string[] {
    return this.#targets.get(unit.key) ?? unit.targets
  }

  /** Enough has moved for one placement. */
  get exhausted(): boolean {
    return this.moved > this.#total * MOST_MOVED
  }

  /** Who has least, of those that do not hold it; of equals the smaller id. */
  least(group: readonly string[], holders: readonly string[]): string | undefined {
    let found: string | undefined
    for (const id of group) {
      if (holders.includes(id)) continue
      if (found === undefined || this.load(id) < this.load(found)) found = id
    }
    return found
  }

  /** Where no more keys may be named, only those move that are named already. */
  move(unit: Unit, from: string, to: string): void {
    const targets = this.targets(unit).map(id => (id === from ? to : id))
    const home = this.#input.home(unit)
    const isHome = home.length === targets.length && home.every(id => targets.includes(id))
    if (!isHome && !this.named.has(unit.key) && this.named.size >= this.#input.most) return
    if (isHome) this.named.delete(unit.key)
    else this.named.set(unit.key, targets)
    this.#targets.set(unit.key, targets)
    this.#loads.set(from, this.load(from) - unit.bytes)
    this.#loads.set(to, this.load(to) + unit.bytes)
    this.moves++
    this.moved += unit.bytes
  }
}

/** Larger ones first; of equals the smaller key, so that who plans does not matter. */
function byBytes(a: Unit, b: Unit): number {
  return b.bytes - a.bytes || a.key - b.key
}
