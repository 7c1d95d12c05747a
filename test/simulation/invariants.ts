/**
 * What must hold after every event. The simulation sees everything, so this asks what is true, not what members
 * believe. Coverage (I1) and agreement (I6, I7) have files of their own.
 */
import type { BlockId, BlockMeta } from 'blockgate'
import type { ReleaseRequest, SlotView } from 'blockgate/members'
import { recordsIn } from '../support/slot-views.ts'
import { Agreement } from './agreement.ts'
import { short } from './bucket.ts'
import type { Cluster } from './cluster.ts'
import { Coverage } from './coverage.ts'
import type { Records } from './rules.ts'
import type { Running } from './running.ts'
import type { WarmDisk } from './sink.ts'
import { type Hold, Violation } from './world.ts'

export class Invariants {
  readonly coverage: Coverage
  readonly agreement: Agreement
  /** Loads begun and drops made, of blocks that can be loaded: it rests when the cluster does. */
  moves = 0
  /** Loads that were begun, and those of them that found the block loaded ahead. */
  readonly warmth = { loads: 0, hits: 0, warmed: 0, wasted: 0 }
  readonly #cluster: Cluster
  /** Who serves what may have changed. */
  #dirty = true
  #ticked = 0
  #found: Violation | undefined
  readonly #onHold: ((running: Running) => number)[] = []
  readonly #onRelease: ((running: Running) => void)[] = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.coverage = new Coverage(cluster)
    this.agreement = new Agreement(cluster)
  }

  /** After every event. @throws Violation */
  check(): void {
    if (this.#found) throw this.#found
    const { runnings, scheduler } = this.#cluster
    for (const running of runnings) {
      this.#ready(running)
      this.#epoch(running)
    }
    const tick = scheduler.now - this.#ticked >= 1_000
    if (this.#dirty || tick) this.coverage.check()
    this.#dirty = false
    if (!tick) return
    this.#ticked = scheduler.now
    this.coverage.tick()
    this.#onlyShown()
    this.#claims()
  }

  /** I3: a load begins only where the newest view that the process has says that it is the one to hold the block. */
  prepare(running: Running, id: BlockId): void {
    const { id: member, plugin } = running
    const meta = this.#cluster.bucket.metas.get(id)
    this.#cluster.note(member, 'loads', short(id))
    if (!this.#cluster.stuck(id)) this.moves++
    this.warmth.loads++
    if (!plugin?.handover || !meta) return
    if (plugin.epoch() < running.seen) this.#fail('I3', `${member} loads ${short(id)} in an old epoch`)
    if (!owns(running, meta) || !this.#cluster.rules.mayLoad(running, meta))
      this.#fail('I3', `${member} loads ${short(id)}, which is not its own`)
    this.#found ??= this.#cluster.rules.loads(running, meta)
  }

  commit(running: Running, id: BlockId, isBad: boolean): void {
    this.#cluster.note(running.id, 'serves', short(id))
    running.shown.add(id)
    this.#dirty = true
    if (isBad) this.#fail('W2', `${running.id} serves ${short(id)} from a damaged copy that was loaded ahead`)
  }

  /** W3: what is loaded ahead stays within its budget; but for what is to be its own as soon as it is a member. */
  warm(running: Running, id: BlockId, warm: WarmDisk, isDropped: boolean): void {
    if (!isDropped) this.warmth.warmed++
    const { prewarm = 0 } = this.#cluster.options
    this.#cluster.note(running.id, 'has warm', short(id))
    const bytes = [...warm.values()].reduce((sum, copy) => sum + copy.bytes, 0)
    if (bytes > prewarm && running.incarnation > 0)
      this.#fail('W3', `${running.id} has ${bytes} bytes loaded ahead, of ${prewarm}`)
  }

  /** I4: a drop is granted by the store, or two complete listings in a row were without the block. No claim on it stands. */
  drop(running: Running, id: BlockId): void {
    const { id: member, listings, plugin } = running
    this.#cluster.note(member, 'drops', short(id))
    if (!this.#cluster.stuck(id)) this.moves++
    this.#dirty = true
    running.shown.delete(id)
    const released = running.released.delete(id)
    if (!plugin?.handover) return
    if (!released && !listings.absent(id)) this.#fail('I4', `${member} drops ${short(id)} without knowing that it may`)
    if (this.#cluster.server.counted(running).has(id))
      this.#fail('true-claim', `${member} drops ${short(id)}, and its claim stands`)
  }

  /** The store has granted it. I1 rests on this: each claim that was counted for it is true. */
  released(running: Running, { items }: ReleaseRequest, released: readonly BlockId[]): void {
    for (const item of items) {
      const { id, superseding, targets, quorum } = item
      if (!released.includes(id)) continue
      running.released.add(id)
      this.#cluster.note('store', 'releases', short(id), 'of', running.id, 'for', targets.join(' '))
      const lies = targets.filter(target => !this.#serves(target, superseding))
      if (quorum === 'all' ? lies.length > 0 : lies.length === targets.length)
        this.#fail('true-claim', `${lies.join(', ')} does not serve ${short(superseding)}, and its claim was counted`)
      this.#found ??= this.#cluster.rules.released(item)
    }
    if (released.length > 0) for (const listener of this.#onRelease.splice(0)) listener(running)
  }

  /** Calls `listener` at the next release that the store grants. */
  onRelease(listener: (running: Running) => void): void {
    this.#onRelease.push(listener)
  }

  /** I8: an entry goes from a process to a newer one, never back. */
  joined(running: Running, incarnation: number, before: number): void {
    if (incarnation < before) this.#fail('I8', `the incarnation of ${running.id} went back`)
    running.incarnation = incarnation
    this.#dirty = true
  }

  /** The process has the answer. */
  delivered(running: Running, read: Records): void {
    running.read = read
    running.seen = Math.max(running.seen, read.record.epoch)
  }

  /** L7: what the process has been told of the slots adds up to what the store had then. */
  told({ id }: Running, slots: SlotView, all: SlotView): void {
    const [known, there] = [recordsIn(slots).join(), recordsIn(all).join()]
    if (known !== there) this.#fail('L7', `${id} is told of slots what the store does not have`)
  }

  /** The process makes an entry. @returns for how many ms the request gets stuck */
  holding(running: Running): number | undefined {
    return this.#onHold.shift()?.(running)
  }

  /** Calls `listener` when the next entry is made; it says how many ms the request gets stuck for. */
  onHold(listener: (running: Running) => number): void {
    this.#onHold.push(listener)
  }

  /** The store has recorded who holds a rank of a slot now. */
  held(running: Running, hold: Hold): void {
    const { slot, rank, give } = hold.request
    this.#cluster.note(running.id, give ? 'gives' : 'takes', `slot ${slot}/${rank}`, hold.before?.holder)
    this.moves++
    this.#found ??= this.#cluster.rules.held(running, hold)
  }

  /** A new epoch has begun. A member that was set down and stands still does not count any more. */
  epoch(): void {
    for (const running of this.#cluster.runnings) {
      const { process, incarnation } = running
      if (process.paused && incarnation > 0 && !this.#cluster.server.knows(running)) this.coverage.lost(running)
    }
    this.#cluster.rules.changed()
    this.#dirty = true
  }

  /** The process is asked to stop, or is gone. */
  stopping(): void {
    this.#dirty = true
  }

  /** What it serves is gone, by no fault of the code. */
  lost(running: Running): void {
    this.coverage.lost(running)
  }

  ended(running: Running): void {
    this.warmth.wasted += running.gateway?.prewarm?.stats.wasted ?? 0
    if (!running.left) this.coverage.lost(running)
    this.#dirty = true
  }

  /** W1: nothing counts as loaded that was not committed, or found on the disk as what is served: least of all what is loaded ahead. */
  #onlyShown(): void {
    for (const running of this.#cluster.runnings) {
      for (const id of running.loaded.keys()) {
        if (!running.shown.has(id))
          throw new Violation('W1', `${running.id} counts ${short(id)} as loaded, and never was`)
      }
    }
  }

  /** No claim may be false: whatever a release may count now is served by the process that claims it. */
  #claims(): void {
    const { server, runnings } = this.#cluster
    for (const running of runnings) {
      const lie = [...server.counted(running)].find(id => !this.#serves(running.id, id))
      if (lie) throw new Violation('true-claim', `${running.id} claims ${short(lie)}`)
    }
  }

  /** The latch: ready once, it stays so until it has drained, stops, or is superseded. */
  #ready(running: Running): void {
    const { ready, reason } = running.gateway?.readiness ?? { ready: false }
    if (ready === running.ready) return
    running.ready = ready
    this.#dirty = true
    this.#cluster.note(running.id, ready ? 'is ready' : 'is ready no more')
    if (ready || running.stopping) return
    const standing = running.plugin?.handover?.standing()
    // Two processes with one id are somebody's mistake: the older one goes, as by a crash.
    if (standing === 'superseded') this.coverage.lost(running)
    else if (standing !== 'leaving' || running.loaded.size > 0)
      throw new Violation('ready', `${running.id} is ready no more: ${reason}`)
  }

  /** I8: what a process takes for the epoch only grows. */
  #epoch(running: Running): void {
    const now = running.plugin?.epoch() ?? 0
    if (now === running.epoch) return
    if (now < running.epoch) throw new Violation('I8', `the epoch of ${running.id} went back`)
    if (this.agreement.check(running, now)) running.epoch = now
  }

  /** Told inside the code under test, which would take a throw for an error of its own. */
  #fail(invariant: string, what: string): void {
    this.#found ??= new Violation(invariant, what)
  }

  #serves(member: string, id: BlockId): boolean {
    const { runnings, server } = this.#cluster
    const known = [...runnings].filter(r => r.id === member && server.knows(r))
    return known.length > 0 ? known.some(r => r.loaded.has(id)) : this.coverage.hasGhost(member)
  }
}

/** The process knows, and it is to hold the block. */
export function owns({ id, plugin }: Running, meta: BlockMeta): boolean {
  try {
    return plugin?.handover?.owners(meta).some(owner => owner.target && owner.member === id) === true
  } catch {
    return false
  }
}
