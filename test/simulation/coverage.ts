/**
 * I1: a block that was served stays served, by a live and ready process, itself or by a block that was compacted from
 * it. Only a crash may open a gap, only for what the crashed one served, and not for long.
 */
import type { BlockId } from 'blockgate'
import { short } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import type { Running } from './running.ts'
import { Violation } from './world.ts'

/** A gap that nothing disturbs closes within this, ms: silence is noticed, the next rank loads. */
const LONGEST_GAP = 180_000

/** A process that went without a word. Its claims may be counted until the members have noticed. */
interface Ghost {
  readonly running: Running
  readonly blocks: ReadonlySet<BlockId>
}

export class Coverage {
  /** Blocks that were covered once. */
  readonly served = new Set<BlockId>()
  readonly #cluster: Cluster
  /** Blocks that were served and are not, each since when, ms. */
  readonly #gaps = new Map<BlockId, number>()
  #ghosts: Ghost[] = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Blocks that were served, are not now, and could be. */
  get gaps(): number {
    return [...this.#gaps.keys()].filter(id => !this.#cluster.stuck(id)).length
  }

  /** The process is gone, or counts as gone, and told nobody. */
  lost(running: Running): void {
    this.#ghosts = this.#ghosts.filter(ghost => ghost.running !== running)
    this.#ghosts.push({ running, blocks: new Set(running.loaded.keys()) })
  }

  /** A process of this member went without a word, and not everybody has noticed. */
  hasGhost(member: string): boolean {
    return this.#ghosts.some(({ running }) => running.id === member && !running.left)
  }

  check(): void {
    const { bucket, scheduler } = this.#cluster
    const servers = this.#servers()
    for (const id of bucket.blocks.keys()) {
      if (servers.some(server => this.#serves(server, id))) {
        this.served.add(id)
        this.#gaps.delete(id)
      } else if (this.served.has(id) && !this.#gaps.has(id)) {
        if (!this.#excused(id)) throw new Violation('I1', `${short(id)} was served, and nobody serves it`)
        this.#cluster.note('', 'gap', short(id))
        this.#gaps.set(id, scheduler.now)
      }
    }
    for (const id of this.#gaps.keys()) if (!bucket.blocks.has(id)) this.#gaps.delete(id)
  }

  /** Looks at what only time changes. */
  tick(): void {
    const { scheduler, disturbed } = this.#cluster
    this.#ghosts = this.#ghosts.filter(ghost => !this.#atRest(ghost))
    for (const [id, since] of this.#gaps) {
      if (this.#cluster.stuck(id)) continue
      const lasted = scheduler.now - Math.max(since, disturbed)
      if (lasted > LONGEST_GAP)
        throw new Violation('I1', `nobody serves ${short(id)} for ${Math.round(lasted / 1000)} s`)
    }
  }

  /** Who is asked, and answers. A process that stands still counts until the members have set it down. */
  #servers(): Running[] {
    const { runnings, server } = this.#cluster
    return [...runnings].filter(running => {
      const { alive, paused } = running.process
      if (!alive || !running.ready) return false
      // One that came back, and stands still again before anybody has looked, is not set down.
      return !paused || server.knows(running) || !this.#ghosts.some(ghost => ghost.running === running)
    })
  }

  #serves({ loaded }: Running, id: BlockId): boolean {
    return loaded.has(id) || (this.#cluster.bucket.ancestors.get(id) ?? []).some(parent => loaded.has(parent))
  }

  #excused(id: BlockId): boolean {
    const parents = this.#cluster.bucket.ancestors.get(id) ?? []
    return this.#ghosts.some(({ blocks }) => blocks.has(id) || parents.some(parent => blocks.has(parent)))
  }

  /** Everybody knows that it is gone, and for all it served somebody else has stepped in, and has said so. */
  #atRest({ running, blocks }: Ghost): boolean {
    const { server, bucket } = this.#cluster
    const { alive, paused } = running.process
    if (server.knows(running)) return alive && !paused && !running.stopping
    const others = this.#servers()
    return [...blocks].every(
      id =>
        !bucket.blocks.has(id) ||
        others.some(r => this.#serves(r, id) && server.claims(r, [id, ...(bucket.ancestors.get(id) ?? [])])),
    )
  }
}
