/** The slot records as they were read last, and the version of the answers that follow from them and from the member record. */
import type { BlockMeta, Epoch, OwnershipChange } from 'blockgate'
import type { Beside, EntriesView, Membership, SlotEntry, SlotStore, SlotView } from 'blockgate/members'
import { slotOf } from './slot-of.ts'

const NONE: readonly SlotEntry[] = []

export class SlotBook implements Beside {
  readonly #store: SlotStore
  readonly #slots: number
  /** Of what is read for `membership`, which is made later. */
  #membership: Membership | undefined
  #known: number | undefined
  /** By slot, each by rank. */
  #records: ReadonlyMap<number, readonly SlotEntry[]> = new Map()
  /** Who sat in a seat last, by slot and rank, also where the store has lost it. */
  readonly #remembered = new Map<string, string>()
  #version: Epoch = 0
  /** The version at the last change of the member record, and of each slot. */
  #base: Epoch = 0
  readonly #changed = new Map<number, Epoch>()
  #record: EntriesView | undefined
  #broken = 0
  #begun = 0
  #taken = 0

  constructor(store: SlotStore, slots: number) {
    this.#store = store
    this.#slots = slots
  }

  /** To be called once, before anything is read. */
  attach(membership: Membership): void {
    this.#membership = membership
  }

  /** Every record of the slot, by rank; also those that do not count. */
  of(slot: number): readonly SlotEntry[] {
    return this.#records.get(slot) ?? NONE
  }

  /** The records of all slots. */
  *all(): Generator<SlotEntry> {
    for (const records of this.#records.values()) yield* records
  }

  /** Who sat in the seat when it was last known. Empty where nobody ever did, and where it was given up. */
  remembered(seat: string): string {
    return this.#remembered.get(seat) ?? ''
  }

  get broken(): number {
    return this.#broken
  }

  slotOf(block: BlockMeta): number {
    return slotOf(block.ulid, this.#slots)
  }

  /** Grows with every change of the member record or of a slot. Local: two members may have two for the same records. */
  version(): Epoch {
    const record = this.#membership?.view?.record
    if (record !== this.#record) {
      this.#record = record
      this.#base = this.#next(record?.epoch ?? 0)
    }
    return this.#version
  }

  /** The same for what is answered about one block. */
  versionOf(block: BlockMeta): Epoch {
    this.version()
    return Math.max(this.#base, this.#changed.get(this.slotOf(block)) ?? 0)
  }

  /** How many readings have begun: one that comes later shows what was written before now. */
  get begun(): number {
    return this.#begun
  }

  /** Whether a reading was taken in that had begun after `begun` others. */
  readSince(begun: number): boolean {
    return this.#taken > begun
  }

  async read(calls: Parameters<Beside['read']>[0]): Promise<() => void> {
    const number = ++this.#begun
    const view = await calls.make(() => this.#store.slots(this.#known))
    return () => {
      this.#taken = number
      if (view) this.#take(view)
    }
  }

  #take({ version, slots, broken }: SlotView): void {
    const before = this.#records
    const records = new Map<number, SlotEntry[]>()
    for (const record of slots) {
      const list = records.get(record.slot)
      if (list) list.push(record)
      else records.set(record.slot, [record])
      this.#remembered.set(`${record.slot}/${record.rank}`, record.holder)
    }
    for (const list of records.values()) list.sort((a, b) => a.rank - b.rank)
    this.#known = version
    this.#records = records
    this.#broken = broken
    const changed = new Set<number>()
    for (let slot = 0; slot < this.#slots; slot++) {
      if (!same(before.get(slot) ?? NONE, this.of(slot))) changed.add(slot)
    }
    if (changed.size === 0) return
    this.version()
    const next = this.#next(version)
    for (const slot of changed) this.#changed.set(slot, next)
    const affects: OwnershipChange['affects'] = block => changed.has(this.slotOf(block))
    this.#membership?.tell(affects)
  }

  #next(least: Epoch): Epoch {
    this.#version = Math.max(this.#version + 1, least)
    return this.#version
  }
}

function same(a: readonly SlotEntry[], b: readonly SlotEntry[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ rank, holder, fence }, i) => {
      const other = b[i]
      return other?.rank === rank && other.holder === holder && other.fence === fence
    })
  )
}
