/**
 * I6 and I7: who has the same record computes the same owners, and who joins or goes moves only what becomes, or was,
 * its own.
 */
import type { BlockId, Epoch, Owner } from 'blockgate'
import { short } from './bucket.ts'
import { Violation } from './violation.ts'
import type { Running, World } from './world.ts'

interface Known {
  /** Who is to hold each block that was asked for in this epoch, as the first who was asked computed it. */
  readonly owners: Map<BlockId, string>
  /** The same as a list, of blocks that nobody stands in for. */
  readonly placed: Map<BlockId, readonly string[]>
}

export class Agreement {
  readonly #cluster: World
  readonly #epochs = new Map<Epoch, Known>()

  constructor(cluster: World) {
    this.#cluster = cluster
  }

  /** Asks the process about every block. False: it does not know now. */
  check({ id, plugin }: Running, epoch: Epoch): boolean {
    const { handover } = plugin ?? {}
    if (!handover) return true
    const known = this.#epochs.get(epoch) ?? { owners: new Map(), placed: new Map() }
    for (const [block, meta] of this.#cluster.bucket.metas) {
      if (!this.#cluster.bucket.blocks.has(block)) continue
      const owners = ask(() => handover.owners(meta))
      if (!owners) return false
      const targets = owners.filter(owner => owner.target)
      const told = targets.map(owner => owner.member).join(', ')
      const first = known.owners.get(block)
      if (first !== undefined && first !== told) {
        throw new Violation('I6', `${short(block)} is of ${told} for ${id}, of ${first} for another, in one epoch`)
      }
      known.owners.set(block, told)
      if (targets.every(owner => owner.live)) {
        known.placed.set(
          block,
          targets.map(owner => owner.member),
        )
      }
    }
    if (!this.#epochs.has(epoch)) this.#moved(epoch, known)
    this.#epochs.set(epoch, known)
    return true
  }

  /** A block none of whose owners went has new owners only among those who came. */
  #moved(epoch: Epoch, known: Known): void {
    const { server } = this.#cluster
    const last = [...this.#epochs.keys()].filter(e => e < epoch).sort((a, b) => b - a)[0]
    const before = last === undefined ? undefined : this.#epochs.get(last)
    const [were, are] = [last === undefined ? undefined : server.placed(last), server.placed(epoch)]
    if (!before || !were || !are) return
    for (const [block, owners] of known.placed) {
      const old = before.placed.get(block)
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
