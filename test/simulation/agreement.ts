/**
 * I6 and I7: who has the same record computes the same owners, and who joins or goes moves only what becomes, or was,
 * its own.
 */

import type { BlockId, Epoch, Owner } from 'blockgate'
import { short } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import type { Running } from './running.ts'
import { Violation } from './world.ts'

/** Who is to hold each block, of those that nobody stands in for. */
type Placed = Map<BlockId, readonly string[]>

export class Agreement {
  readonly #cluster: Cluster
  /** Who is to hold each block, by the block and what its owners follow from, as the first who was asked computed it. */
  readonly #owners = new Map<string, string>()
  /** What each process was asked last, by block: not asked again for the same. */
  readonly #asked = new WeakMap<Running, Map<BlockId, string>>()
  readonly #epochs = new Map<Epoch, Placed>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Asks the process about every block. False: it does not know now. */
  check(running: Running, epoch: Epoch): boolean {
    const { rules } = this.#cluster
    const { handover } = running.plugin ?? {}
    if (!handover) return true
    const placed: Placed = this.#epochs.get(epoch) ?? new Map()
    const asked = this.#asked.get(running) ?? new Map<BlockId, string>()
    this.#asked.set(running, asked)
    for (const [block, meta] of this.#cluster.bucket.metas) {
      if (!this.#cluster.bucket.blocks.has(block)) continue
      const basis = `${block} ${rules.basis(running, meta)}`
      if (asked.get(block) === basis) continue
      const owners = ask(() => handover.owners(meta))
      if (!owners) return false
      asked.set(block, basis)
      const targets = owners.filter(owner => owner.target)
      const members = targets.map(owner => owner.member)
      const told = members.join(', ')
      const first = this.#owners.get(basis)
      if (first !== undefined && first !== told) {
        throw new Violation('I6', `${short(block)} is of ${told} for ${running.id}, of ${first} for another`)
      }
      this.#owners.set(basis, told)
      if (targets.every(owner => owner.live)) placed.set(block, members)
    }
    if (!rules.byRecord) return true
    if (!this.#epochs.has(epoch)) this.#moved(epoch, placed)
    this.#epochs.set(epoch, placed)
    return true
  }

  /** A block none of whose owners went has new owners only among those who came. */
  #moved(epoch: Epoch, placed: Placed): void {
    const { server } = this.#cluster
    const last = [...this.#epochs.keys()].filter(e => e < epoch).sort((a, b) => b - a)[0]
    const before = last === undefined ? undefined : this.#epochs.get(last)
    const [were, are] = [last === undefined ? undefined : server.placed.get(last), server.placed.get(epoch)]
    if (!before || !were || !are) return
    // Who publishes a placement moves blocks.
    if (server.published.get(last as Epoch) !== server.published.get(epoch)) return
    for (const [block, owners] of placed) {
      const old = before.get(block)
      if (!old || old.some(member => !are.has(member))) continue
      const odd = owners.filter(member => !old.includes(member) && were.has(member))
      if (odd.length > 0) throw new Violation('I7', `${short(block)} moved to ${odd.join(', ')} for no reason`)
    }
  }
}

function ask(owners: () => readonly Owner[]): readonly Owner[] | undefined {
  try {
    return owners()
  } catch {
    return undefined
  }
}
