/**
 * What must hold for one plugin. For the ring: owners follow from the entries of the members alone; with a placement that members
 * publish, from these and what is published in the same epoch:
 *
 * P1  a release looks at those who own the block by what the store has now, and at all of them
 *
 * For leased slots: locks make it unlikely that two members take one rank of a slot, and lock servers may lose them. What holds all
 * the same is said of the entries, worked out here once more, beside the code under test:
 *
 * L1  the entries of a rank have growing fences; at rest each rank has one holder, which is up
 * L2  at rest nobody has two ranks of a slot
 * L3  at rest all members have their share, or one more
 * L4  a rank is taken only from nobody, or from a member that has lost its place or drains: a restart moves nothing
 * L5  a release looks at those who hold the slot now, and at all of them
 * L6  what is given up is not taken back by whoever gave it up, while nobody has come or gone, more than once: that may be, where two
 *     give up ranks of one slot for the same member
 * L7  what a process is told of the slots, all at once or change by change, adds up to what the store had
 * L8  whoever loads a block of a slot that it holds has its lock at a majority of the servers, as far as they forget nothing
 */
import type { BlockMeta } from 'blockgate'
import type { EntriesView, ReleaseItem, SlotEntry, SlotView } from 'blockgate/members'
import { Assignments } from 'blockgate/plugins/ownership/hash-ring'
import { balanced } from 'blockgate/plugins/placement/balanced'
import { slotOf } from '../../plugins/ownership/redlock/slots.ts'
import type { Cluster } from './cluster.ts'
import type { Running } from './running.ts'
import { type Hold, type Rules, Violation } from './world.ts'

export function ringRules({ server }: Cluster): Rules {
  return {
    byRecord: true,
    basis: ({ plugin }) => String(plugin?.epoch()),
    behind: ({ plugin }) => (plugin?.epoch() === server.table.entries().epoch ? undefined : 'another epoch'),
    mayLoad: () => true,
    loads: () => undefined,
    changed() {},
    forgot() {},
    held: () => undefined,
    released: () => undefined,
    unsettled: () => undefined,
  }
}

export function placedRules(cluster: Cluster): Rules {
  const { server, bucket, options, zones } = cluster
  const own = { placement: balanced(), replicas: options.replicas, zones }
  let changed = 0
  return {
    ...ringRules(cluster),
    changed() {
      changed = cluster.scheduler.now
    },
    // Until each member has looked once more whether anything is to move.
    stirring: () => (cluster.scheduler.now - changed < LOOKS ? 'a placement may be published yet' : undefined),
    released({ superseding, targets, quorum }) {
      const block = bucket.metas.get(superseding)
      if (quorum === 'any' || !block) return undefined
      const { members, placement } = server.table.entries()
      const owners = new Assignments(members.values(), { ...own, published: placement?.text }).of(
        block.ulid,
        block,
      ).targets
      if (targets.length === owners.length && owners.every(id => targets.includes(id))) return undefined
      return new Violation(
        'P1',
        `released for ${targets.join(' ')}: ${owners.join(' ') || 'nobody'} is to hold the block`,
      )
    },
  }
}

/** What one process has read, or what the store has. */
export interface Records {
  readonly record: EntriesView
  readonly slots: SlotView
}

const keyOf = ({ slot, rank }: { readonly slot: number; readonly rank: number }) => `${slot}/${rank}`

/** Members that may hold slots. */
function eligible({ members }: EntriesView): ReadonlySet<string> {
  return new Set([...members.values()].filter(({ placed, draining }) => placed && !draining).map(({ id }) => id))
}

/** All entries of the slot, by rank. */
function ofSlot({ slots }: SlotView, slot: number): readonly SlotEntry[] {
  return slots.filter(entry => entry.slot === slot).sort((a, b) => a.rank - b.rank)
}

/** Within this each of five members has listed the bucket, and looked at the balance, ms: see `placed` in plugins.ts. */
const LOOKS = 130_000

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
  readonly #cluster: Cluster
  readonly #slots: number
  /** Ranks whose recorded holder had lost its place, or drained, at some time since it was recorded. */
  readonly #free = new Set<string>()
  /** What was done last about each rank. */
  readonly #last = new Map<string, Last>()
  /** When the entries of the members changed, ms. */
  #changed = 0
  /** Of what was read, by slot. */
  readonly #bases = new WeakMap<Records, Map<number, string>>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#slots = cluster.options.leases?.slots ?? 0
  }

  basis({ read }: Running, block: BlockMeta): string {
    if (!read) return ''
    const known = this.#bases.get(read) ?? new Map<number, string>()
    this.#bases.set(read, known)
    const slot = this.#slotOf(block)
    const basis = known.get(slot) ?? JSON.stringify([read.record.epoch, ofSlot(read.slots, slot)])
    known.set(slot, basis)
    return basis
  }

  behind({ read }: Running): string | undefined {
    const { record, slots } = this.#stored()
    if (read?.record.epoch !== record.epoch) return 'another epoch'
    return read.slots.version === slots.version ? undefined : 'other records of slots'
  }

  /** It holds the slot, or all who do are down. */
  mayLoad({ id, read }: Running, block: BlockMeta): boolean {
    if (!read) return false
    const holders = this.#holders(read, this.#slotOf(block))
    const up = (member: string) => read.record.members.get(member)?.state !== 'down'
    return holders.includes(id) || (holders.length > 0 && !holders.some(up))
  }

  loads({ id, read }: Running, block: BlockMeta): Violation | undefined {
    const slot = this.#slotOf(block)
    const own = read && ofSlot(read.slots, slot).find(({ holder }) => holder === id)
    const { locks } = this.#cluster
    if (!own || !this.#holders(read, slot).includes(id)) return undefined
    if (locks.mayHaveForgotten || locks.has(id, keyOf(own))) return undefined
    return new Violation('L8', `${id} loads under a lock of slot ${keyOf(own)} that it does not have`)
  }

  changed(): void {
    this.#changed = this.#cluster.scheduler.now
    const { record, slots } = this.#stored()
    const may = eligible(record)
    for (const entry of slots.slots) if (entry.holder !== '' && !may.has(entry.holder)) this.#free.add(keyOf(entry))
  }

  forgot(before: Records): void {
    const now = new Map(this.#stored().slots.slots.map(entry => [keyOf(entry), entry.fence]))
    for (const entry of before.slots.slots) if (now.get(keyOf(entry)) !== entry.fence) this.#free.add(keyOf(entry))
    this.changed()
  }

  held({ id }: Running, { request, before, asked, read }: Hold): Violation | undefined {
    const [key, what] = [keyOf(request), `slot ${keyOf(request)}`]
    const free = this.#free.delete(key)
    const last = this.#last.get(key)
    const { now } = this.#cluster.scheduler
    const again = last?.id === id && now - last.at < SOON && this.#changed < last.at - SOON ? last : undefined
    const times = (again?.times ?? 0) + (again?.give ? 1 : 0)
    this.#last.set(key, { id, asked, at: now, give: request.give, times })
    if (!request.give && !eligible(this.#stored().record).has(id)) this.#free.add(key)
    if (!before) return undefined
    if (request.fence <= before.fence) return new Violation('L1', `${id} holds ${what} with an old fence`)
    if (request.give) return undefined
    if (times > 1) return new Violation('L6', `${id} gives ${what} up, and takes it back, again and again`)
    const known = read?.slots.slots.some(entry => keyOf(entry) === key && entry.fence === before.fence)
    if (before.holder === '' || before.holder === id || free || !this.#counts(before)) return undefined
    if (known) return new Violation('L4', `${id} takes ${what} from ${before.holder}`)
    // Its view is old: then it is the lock that must be in its way, as long as the other one has it.
    const { locks, options } = this.#cluster
    const mayBeForgotten = locks.forgot > (last?.at ?? 0) - 2 * (options.leases?.ttlMs ?? 0)
    if (mayBeForgotten || !locks.counts(before.holder, key, last?.asked ?? 0)) return undefined
    return new Violation('L4', `${id} takes ${what} from ${before.holder}, and both have its lock`)
  }

  released({ superseding, targets, quorum }: ReleaseItem): Violation | undefined {
    const block = this.#cluster.bucket.metas.get(superseding)
    if (quorum === 'any' || !block) return undefined
    const stored = this.#stored()
    const holders = this.#holders(stored, this.#slotOf(block))
    const all = holders.length === this.#copies(stored.record) && holders.every(id => targets.includes(id))
    if (all && targets.length === holders.length) return undefined
    return new Violation('L5', `released for ${targets.join(' ')}: ${holders.join(' ') || 'nobody'} holds the slot`)
  }

  unsettled(): string | undefined {
    const stored = this.#stored()
    const { record } = stored
    const copies = this.#copies(record)
    const members = [...eligible(record)]
    const counts = new Map(members.map(id => [id, 0]))
    for (let slot = 0; slot < this.#slots; slot++) {
      const holders = this.#holders(stored, slot)
      const recorded = ofSlot(stored.slots, slot).filter(({ holder }) => holders.includes(holder))
      if (recorded.length !== holders.length)
        return `L2: ${holders.join(', ')} have ${recorded.length} ranks of ${slot}`
      if (holders.length !== copies) return `L1: slot ${slot} is held by ${holders.join(', ') || 'nobody'}`
      const down = holders.find(id => record.members.get(id)?.state === 'down')
      if (down !== undefined) return `L1: ${down}, which is down, holds slot ${slot}`
      for (const id of holders) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    const share = (this.#slots * copies) / members.length
    const odd = members.find(id => Math.abs((counts.get(id) ?? 0) - share) >= 1)
    return odd && `L3: ${odd} has ${counts.get(odd)} slots, its share is ${share}`
  }

  #slotOf({ ulid }: BlockMeta): number {
    return slotOf(ulid, this.#slots)
  }

  /** How many members hold each slot where everything is well. */
  #copies(record: EntriesView): number {
    return Math.min(this.#cluster.options.replicas, eligible(record).size)
  }

  /** Members that may hold the slot and do, each once. */
  #holders({ record, slots }: Records, slot: number): readonly string[] {
    const may = eligible(record)
    const { replicas } = this.#cluster.options
    const counted = ofSlot(slots, slot).filter(({ rank, holder }) => rank < replicas && may.has(holder))
    return [...new Set(counted.map(({ holder }) => holder))]
  }

  /** The first of the holder's ranks in the slot is its own; another one counts for nothing. */
  #counts({ slot, rank, holder }: SlotEntry): boolean {
    return ofSlot(this.#stored().slots, slot).every(other => other.holder !== holder || other.rank >= rank)
  }

  #stored(): Records {
    const { table } = this.#cluster.server
    const slots = table.slots(undefined)
    if (!slots) throw new Error('a table without slots')
    return { record: table.entries(), slots }
  }
}
