/**
 * What must hold for leased slots. Locks make it unlikely that two members take one seat, and lock servers may lose them; what holds
 * all the same is said of the records:
 *
 * L1  a seat's records have growing fences; at rest each seat has one holder, which is up
 * L2  at rest nobody has two seats of a slot
 * L3  at rest all members have their share of the seats, or one more
 * L4  a seat is taken only from nobody, or from a member that has lost its place or drains: a restart moves nothing
 * L5  a release looks at those who sit in the slot now, and at all of them
 * L6  what is given up is not taken back by whoever gave it up, while nobody has come or gone, more than once: that may be, where two
 *     give up seats of one slot for the same member
 */
import type { ReleaseItem, SlotEntry } from 'blockgate/members'
import { eligible, ofSlot, type Records, Seats } from './seats.ts'
import { Violation } from './violation.ts'
import type { Hold, Rules, Running, World } from './world.ts'

const keyOf = ({ slot, rank }: { readonly slot: number; readonly rank: number }) => `${slot}/${rank}`

/** Somebody else is waited for at least this long, ms. */
const SOON = 1_000

interface Last {
  readonly id: string
  readonly asked: number
  readonly at: number
  readonly give: boolean
  /** How often it was taken back at once by whoever had given it up. */
  readonly times: number
}

export class RedlockRules implements Rules {
  readonly byRecord = false
  readonly #world: World
  readonly #seats: Seats
  /** Seats whose recorded holder had lost its place, or drained, at some time since it was recorded. */
  readonly #free = new Set<string>()
  /** What was done last about each seat. */
  readonly #last = new Map<string, Last>()
  /** When the record of the members did, ms. */
  #changed = 0

  /** Of what was read, by slot. */
  readonly #bases = new WeakMap<Records, Map<number, string>>()

  constructor(world: World) {
    this.#world = world
    this.#seats = new Seats(world.options.leases?.slots ?? 0, world.options.replicas)
  }

  basis({ read }: Running, block: Parameters<Rules['basis']>[1]): string {
    if (!read) return ''
    const known = this.#bases.get(read) ?? new Map<number, string>()
    this.#bases.set(read, known)
    const slot = this.#seats.slotOf(block)
    const basis = known.get(slot) ?? JSON.stringify([read.record.epoch, ofSlot(read.slots, slot)])
    known.set(slot, basis)
    return basis
  }

  behind({ read }: Running): string | undefined {
    const { record, slots } = this.#stored()
    if (read?.record.epoch !== record.epoch) return 'another epoch'
    return read.slots.version === slots.version ? undefined : 'other records of slots'
  }

  mayLoad({ id, read }: Running, block: Parameters<Rules['mayLoad']>[1]): boolean {
    return read !== undefined && this.#seats.mayLoad(read, block, id)
  }

  changed(): void {
    this.#changed = this.#world.scheduler.now
    const { record, slots } = this.#stored()
    const may = eligible(record)
    for (const seat of slots.slots) if (seat.holder !== '' && !may.has(seat.holder)) this.#free.add(keyOf(seat))
  }

  forgot(before: Records): void {
    const now = new Map(this.#stored().slots.slots.map(seat => [keyOf(seat), seat]))
    for (const seat of before.slots.slots) if (now.get(keyOf(seat))?.fence !== seat.fence) this.#free.add(keyOf(seat))
    this.changed()
  }

  held({ id }: Running, { request, before, asked, read }: Hold): Violation | undefined {
    const [key, seat] = [keyOf(request), `slot ${keyOf(request)}`]
    const free = this.#free.delete(key)
    const last = this.#last.get(key)
    const now = this.#world.scheduler.now
    const again = last?.id === id && now - last.at < SOON && this.#changed < last.at - SOON ? last : undefined
    const times = (again?.times ?? 0) + (again?.give ? 1 : 0)
    this.#last.set(key, { id, asked, at: now, give: request.give, times })
    if (!request.give && !eligible(this.#stored().record).has(id)) this.#free.add(key)
    if (!before) return undefined
    if (request.fence <= before.fence) return new Violation('L1', `${id} holds ${seat} with an old fence`)
    if (request.give) return undefined
    if (times > 1) return new Violation('L6', `${id} gives ${seat} up, and takes it back, again and again`)
    if (before.holder === '' || before.holder === id || free || !this.#sits(before)) return undefined
    const known = read?.slots.slots.some(record => keyOf(record) === key && record.fence === before.fence)
    if (known) return new Violation('L4', `${id} takes ${seat} from ${before.holder}`)
    // Its view is old: then it is the lock that must be in its way, as long as the other one has it.
    if (this.#mayBeForgotten(last?.at ?? 0)) return undefined
    if (!this.#world.locks.counts(before.holder, key, last?.asked ?? 0)) return undefined
    return new Violation('L4', `${id} takes ${seat} from ${before.holder}, and both have its lock`)
  }

  released({ superseding, targets, quorum }: ReleaseItem): Violation | undefined {
    const block = this.#world.bucket.metas.get(superseding)
    if (quorum === 'any' || !block) return undefined
    const stored = this.#stored()
    const sitting = this.#seats.sitting(stored, this.#seats.slotOf(block))
    const all = sitting.length === this.#seats.copies(stored.record) && sitting.every(id => targets.includes(id))
    if (all && targets.length === sitting.length) return undefined
    return new Violation('L5', `released for ${targets.join(' ')}: ${sitting.join(' ') || 'nobody'} sits there`)
  }

  unsettled(): string | undefined {
    const stored = this.#stored()
    const { record } = stored
    const copies = this.#seats.copies(record)
    const members = [...eligible(record)]
    const counts = new Map(members.map(id => [id, 0]))
    for (const slot of this.#seats.slots) {
      const sitting = this.#seats.sitting(stored, slot)
      const recorded = ofSlot(stored.slots, slot).filter(({ holder }) => sitting.includes(holder))
      if (recorded.length !== sitting.length)
        return `L2: ${sitting.join(', ')} have ${recorded.length} seats of slot ${slot}`
      if (sitting.length !== copies) return `L1: in slot ${slot} sits ${sitting.join(', ') || 'nobody'}`
      const down = sitting.find(id => record.members.get(id)?.state === 'down')
      if (down !== undefined) return `L1: ${down}, which is down, sits in slot ${slot}`
      for (const id of sitting) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    const share = (this.#seats.slots.length * copies) / members.length
    const odd = members.find(id => Math.abs((counts.get(id) ?? 0) - share) >= 1)
    return odd && `L3: ${odd} has ${counts.get(odd)} seats, its share is ${share}`
  }

  /** A lock of the time in which the seat was taken may have been lost by a server. */
  #mayBeForgotten(taken: number): boolean {
    const { locks, options } = this.#world
    return locks.forgot > taken - 2 * (options.leases?.ttlMs ?? 0)
  }

  /** The first of the holder's seats in the slot is its own; another one counts for nothing. */
  #sits({ slot, rank, holder }: SlotEntry): boolean {
    return ofSlot(this.#stored().slots, slot).every(other => other.holder !== holder || other.rank >= rank)
  }

  #stored(): Records {
    const { table } = this.#world.server
    const slots = table.slots(undefined)
    if (!slots) throw new Error('a table without slots')
    return { record: table.entries(), slots }
  }
}
