/**
 * Looks from time to time whether the bytes are out of the band, and publishes a placement where they are. Nothing counts before the
 * store has it: it takes a placement only in the epoch in which it was worked out, so of two that are worked out at once one is lost.
 */
import { type BlockMeta, type Candidate, errorFields, type Host, inSlices, type PlacementCounts } from 'blockgate'
import type { MembersView } from 'blockgate/members'
import type { PlacedMember, PlacedRing, Placement, Publisher } from 'blockgate/plugins/ownership/hash-ring'
import { Assignments } from 'blockgate/plugins/ownership/hash-ring'
import { keyOf, seedOf } from './key.ts'
import { planBalance, type Unit } from './plan.ts'
import { decode, encode, mostEntries, type Named } from './table.ts'

export interface PublisherOptions extends PlacedRing {
  readonly within: number
  readonly everyMs: number
  readonly bytesOf: (block: BlockMeta) => number
  /** Where blocks are while nothing is published. */
  readonly unpublished: Placement
}

/** A placement that the store has lost is published again once the members have been the same for so long, ms. */
const RESTORE = 5_000

const NOTHING: Named = new Map()

export class BalancePublisher implements Publisher {
  readonly #options: PublisherOptions
  #offered: readonly Candidate[] | undefined
  #epoch = 0
  /** When the epoch was seen first, and when the last look was over, on the monotonic clock. */
  #since = 0
  #looking: Promise<void> | undefined
  #text: string | undefined
  /** What was published last, also where the store has lost it since. */
  #named: Named = NOTHING
  #isLost = false
  /** Keys of no block that was offered at the last look: gone, or not known here yet. The second time they are left out. */
  #unknown: ReadonlySet<number> = new Set()
  #skew: number | undefined
  #published = 0
  #lost = 0
  #broken = 0

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  offered(blocks: readonly Candidate[]): void {
    this.#offered = blocks
  }

  polled(): void {
    const { known, host } = this.#options.membership
    if (!known || !host || this.#looking) return
    this.#read(known)
    const now = host.monotonic()
    if (known.epoch !== this.#epoch) {
      this.#epoch = known.epoch
      this.#since = now
    }
    const rank = this.#rank(known)
    const ms = this.#isLost ? RESTORE : this.#options.everyMs
    if (rank < 0 || now - this.#since < ms * (rank + 1)) return
    this.#looking = this.#look(known, host)
      .catch((error: unknown) => host.log.warn('no placement could be published', errorFields(error)))
      .finally(() => {
        this.#since = host.monotonic()
        this.#looking = undefined
      })
  }

  counts(): PlacementCounts {
    const [named, skew, published, lost, broken] = [
      this.#named.size,
      this.#skew,
      this.#published,
      this.#lost,
      this.#broken,
    ]
    return { named, skew, published, lost, broken }
  }

  #read({ entries: { placement } }: MembersView): void {
    if (placement?.text === this.#text) return
    this.#text = placement?.text
    const named = this.#text === undefined ? undefined : decode(this.#text)
    if (this.#text !== undefined && !named) this.#broken++
    this.#isLost = !named && this.#named.size > 0
    this.#named = named ?? this.#named
  }

  /** The smallest id looks first, and each other one later: mostly it has nothing to do then. -1: not now. */
  #rank(view: MembersView): number {
    const { membership } = this.#options
    const counted = this.#counted(view)
    // While members come and go nothing else moves; and what is not known has no size.
    const isCalm = view.fingerprintsAgree && !view.frozen && counted.every(({ id }) => view.live.has(id))
    if (!isCalm || counted.length < 2 || (!this.#offered && !this.#isLost)) return -1
    return counted.map(({ id }) => id).indexOf(membership.me)
  }

  /** As Assignments does, by id. */
  #counted({ entries }: MembersView): readonly PlacedMember[] {
    const { zones } = this.#options
    return [...entries.members.values()]
      .filter(({ placed, draining, zone }) => {
        return placed && !draining && (!zones || (zone !== undefined && zones.includes(zone)))
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async #look(view: MembersView, host: Host): Promise<void> {
    const { membership } = this.#options
    const named = this.#isLost ? this.#named : await this.#plan(view, host)
    // What came meanwhile is judged the next time.
    if (!named || membership.known?.epoch !== view.epoch) return
    const text = encode(named)
    if (text === undefined) return host.log.warn('a placement is too large to be published', { named: named.size })
    const answer = await membership.publishPlacement({ decidedIn: view.epoch, text })
    if (answer === 'ok') this.#published++
    else this.#lost++
    host.log.info(answer === 'ok' ? 'a placement was published' : 'a placement was not published', {
      named: named.size,
      answer,
    })
  }

  /** What is to be published; undefined where all is well. */
  async #plan(view: MembersView, host: Host): Promise<Named | undefined> {
    const { within, replicas, zones, unpublished } = this.#options
    const members = this.#counted(view)
    const units = await this.#units(view, host)
    const unknown = new Set(this.#named.keys().filter(key => !units.has(key)))
    const named = new Map([...this.#named].filter(([key]) => !unknown.has(key) || !this.#unknown.has(key)))
    this.#unknown = unknown
    const home = new Assignments(view.entries.members.values(), { placement: unpublished, replicas, zones })
    const plan = await planBalance({
      host,
      units: [...units.values()],
      members,
      zoned: zones !== undefined,
      within,
      named,
      home: ({ block }) => home.of(block.ulid, block).targets,
      most: mostEntries(replicas),
    })
    this.#skew = plan.before
    if (plan.moves === 0) return undefined
    const { moves, movedBytes, before, after } = plan
    host.log.info('blocks are to move for the balance of bytes', { moves, movedBytes, before, after })
    this.#skew = plan.after
    return plan.named
  }

  async #units(view: MembersView, host: Host): Promise<Map<number, Unit>> {
    const { assign, bytesOf } = this.#options
    const units = new Map<number, Unit>()
    await inSlices(host, this.#offered ?? [], ({ meta }) => {
      const key = keyOf(seedOf(meta))
      const unit = units.get(key)
      if (unit) unit.bytes += bytesOf(meta)
      else units.set(key, { key, block: meta, bytes: bytesOf(meta), targets: assign(meta, view.entries).targets })
    })
    return units
  }
}
