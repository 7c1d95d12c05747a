/** The members that may hold slots, by the entries of all members. */
import { blockId } from 'blockgate'
import type { EntriesView, SlotEntry } from 'blockgate/members'
import { type Ranking, rendezvous } from 'blockgate/plugins/ownership/hash-ring'

export class Candidates {
  /** Placed, and not draining; also those that are down, as long as they keep their place. Sorted. */
  readonly ids: readonly string[]
  readonly entries: EntriesView
  readonly #all: ReadonlySet<string>
  readonly #replicas: number
  readonly #ranking: Ranking
  /** Of each slot what was asked last, and the answer: every pass asks for all slots, and few have changed. */
  readonly #holders = new Map<number, Record<'entries' | 'holders', readonly SlotEntry[]>>()
  readonly #orders: (readonly string[] | undefined)[] = []

  constructor(entries: EntriesView, replicas: number) {
    const placed = [...entries.members.values()].filter(member => member.placed && !member.draining)
    this.ids = placed.map(member => member.id).sort()
    this.#all = new Set(this.ids)
    this.entries = entries
    this.#replicas = replicas
    this.#ranking = rendezvous().prepare(this.ids.map(id => ({ id, zone: undefined })))
  }

  /** Copies of each block that there can be. */
  get copies(): number {
    return Math.min(this.#replicas, this.ids.length)
  }

  /** Who comes first for a slot: rendezvous hashing of its number, written as a ULID. */
  order(slot: number): readonly string[] {
    const order = this.#orders[slot] ?? [...this.#ranking.rank(blockId(String(slot).padStart(26, '0')))]
    this.#orders[slot] = order
    return order
  }

  isLive(id: string): boolean {
    return this.entries.members.get(id)?.state !== 'down'
  }

  /** Of the entries of a slot those that count, by rank: held by a candidate, each once. */
  holders(entries: readonly SlotEntry[]): readonly SlotEntry[] {
    const slot = entries[0]?.slot
    if (slot === undefined) return entries
    const known = this.#holders.get(slot)
    if (known?.entries === entries) return known.holders
    const counted = entries.filter(({ rank, holder }) => rank < this.#replicas && this.#all.has(holder))
    const holders = counted.filter(({ holder }, i) => counted.findIndex(other => other.holder === holder) === i)
    this.#holders.set(slot, { entries, holders })
    return holders
  }
}
