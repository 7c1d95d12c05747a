/** The slots as the member store had them last: who is to hold a block by that, and the version of this answer. */
import { type BlockId, type BlockMeta, type Epoch, OwnershipUnavailable } from 'blockgate'
import {
  type Assign,
  type Beside,
  type EntriesView,
  fmix32,
  type Membership,
  type SlotEntry,
  type SlotMark,
  type SlotRank,
  type SlotStore,
  type SlotView,
  seedOfWords,
  ulidWords,
} from 'blockgate/members'
import { Candidates } from './candidates.ts'

/** For maps, and for the names of locks. */
export function keyOf({ slot, rank }: SlotRank): string {
  return `${slot}/${rank}`
}

const NONE: readonly SlotEntry[] = []
const words = new Uint32Array(4)

/** The slot of a block, from 0 to `slots` − 1: both halves of the hash of its ULID, mixed once more. */
export function slotOf(id: BlockId, slots: number): number {
  const { a, b } = seedOfWords(ulidWords(id, words))
  return (fmix32(a ^ b) >>> 0) % slots
}

export class Slots implements Beside {
  /** The number of each slot. */
  readonly numbers: readonly number[]
  readonly #store: SlotStore
  readonly #replicas: number
  readonly #membership: () => Membership
  /** What was taken in last: all, or changes. */
  #read: SlotView | undefined
  /** By slot, each by rank. */
  readonly #entries = new Map<number, readonly SlotEntry[]>()
  #all: readonly SlotEntry[] | undefined
  /** Entries that the store has lost. */
  readonly #lost = new Map<string, SlotEntry>()
  #begun = 0
  #taken = 0
  #members: EntriesView | undefined
  #candidates: Candidates | undefined
  #version: Epoch = 0
  /** The versions of the last change of the member entries, and of each slot. */
  #base: Epoch = 0
  readonly #changed = new Map<number, Epoch>()

  /** `membership` is asked for when something was read. */
  constructor(store: SlotStore, count: number, replicas: number, membership: () => Membership) {
    this.#store = store
    this.numbers = Array.from({ length: count }, (_, slot) => slot)
    this.#replicas = replicas
    this.#membership = membership
  }

  /** Every entry of every slot. */
  get all(): readonly SlotEntry[] {
    if (this.#all) return this.#all
    const all: SlotEntry[] = []
    for (const entries of this.#entries.values()) all.push(...entries)
    this.#all = all
    return all
  }

  /** It is one of these slots: a member of another config may have recorded more. */
  has({ slot }: SlotRank): boolean {
    return slot < this.numbers.length
  }

  /** Every entry of the slot, by rank; also those that do not count. */
  of(slot: number): readonly SlotEntry[] {
    return this.#entries.get(slot) ?? NONE
  }

  /** Who held the rank before the store lost its entry; undefined where it has one, and where nobody held it. */
  heldBefore(rank: SlotRank): string | undefined {
    return this.#lost.get(keyOf(rank))?.holder
  }

  candidates(entries: EntriesView): Candidates {
    if (this.#candidates?.entries !== entries) this.#candidates = new Candidates(entries, this.#replicas)
    return this.#candidates
  }

  /** A slot that somebody is still to take is incomplete: nobody lets go of its blocks. */
  readonly assign: Assign = (block, entries) => {
    const candidates = this.candidates(entries)
    const slot = this.slotOf(block)
    const targets = candidates.holders(this.of(slot)).map(({ holder }) => holder)
    const order = candidates.order(slot)
    const allDown = targets.length > 0 && !targets.some(id => candidates.isLive(id))
    return {
      targets,
      failoverOwner: allDown ? order.find(id => candidates.isLive(id)) : undefined,
      ranked: [...new Set([...targets, ...order])],
      incomplete: targets.length < candidates.copies,
      precondition: { slot, holders: this.of(slot).map(({ rank, holder, fence }) => ({ rank, holder, fence })) },
    }
  }

  /** @throws OwnershipUnavailable where nobody holds the block's slot yet, though somebody is to */
  readonly mustAssign: Assign = (block, entries) => {
    const assigned = this.assign(block, entries)
    if (assigned.targets.length > 0 || !assigned.incomplete) return assigned
    throw new OwnershipUnavailable(`nobody holds slot ${this.slotOf(block)} yet`)
  }

  slotOf(block: BlockMeta): number {
    return slotOf(block.ulid, this.numbers.length)
  }

  /** Entries that were left out of what was read last. */
  get broken(): number {
    return this.#read?.broken ?? 0
  }

  /** Grows with every change of the member entries or of a slot. Local: two members may have two for the same entries. */
  version(): Epoch {
    return this.#version
  }

  /** The same for what is answered about one block. */
  readonly versionOf = (block: BlockMeta): Epoch => {
    return Math.max(this.#base, this.#changed.get(this.slotOf(block)) ?? 0)
  }

  /** How many readings have begun. */
  get readings(): number {
    return this.#begun
  }

  /** Whether a reading was taken in that began after the first `readings`: it shows what was written before. */
  readSince(readings: number): boolean {
    return this.#taken > readings
  }

  async read(calls: Parameters<Beside['read']>[0]): Promise<() => void> {
    const number = ++this.#begun
    const known = this.#read
    const slots = (since?: SlotMark) => calls.make(() => this.#store.slots(since))
    let read = await slots(known?.mark)
    // Changes lead on from what is known. A version that went back, or entries that are left out, leave nothing to lead on from.
    if (read && !read.whole && (!known || known.broken > 0 || read.version <= known.version)) read = await slots()
    return () => {
      this.#taken = number
      const changed = read ? this.#take(read) : new Set<number>()
      const membership = this.#membership()
      const { entries, epoch } = membership.view ?? {}
      const next = Math.max(this.#version + 1, epoch ?? 0, read?.version ?? 0)
      if (entries !== this.#members) this.#base = this.#version = next
      this.#members = entries
      if (changed.size === 0) return
      this.#version = next
      for (const slot of changed) this.#changed.set(slot, next)
      membership.tell(block => changed.has(this.slotOf(block)))
    }
  }

  /** @returns the slots that have changed */
  #take(read: SlotView): Set<number> {
    this.#read = read
    this.#all = undefined
    const told = Map.groupBy(read.slots, ({ slot }) => slot)
    const slots = read.whole ? new Set([...this.#entries.keys(), ...told.keys()]) : told.keys()
    const changed = new Set<number>()
    for (const slot of slots) {
      const [before, now] = [this.of(slot), told.get(slot) ?? []]
      const others = before.filter(({ rank }) => !now.some(entry => entry.rank === rank))
      for (const entry of now) this.#lost.delete(keyOf(entry))
      if (read.whole) for (const entry of others) this.#lost.set(keyOf(entry), entry)
      const entries = [...(read.whole ? [] : others), ...now].sort((a, b) => a.rank - b.rank)
      if (textOf(entries) === textOf(before)) continue
      this.#entries.set(slot, entries)
      changed.add(slot)
    }
    return changed
  }
}

function textOf(entries: readonly SlotEntry[]): string {
  return entries.map(({ rank, holder, fence }) => `${rank} ${holder} ${fence}`).join()
}
