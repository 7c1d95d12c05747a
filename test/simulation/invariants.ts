/**
 * What must hold after every event. The simulation sees everything, so this asks what is true, not what members
 * believe. Coverage (I1) and agreement (I6, I7) have files of their own.
 */
import type { BlockId } from 'blockgate'
import type { ReleaseRequest } from 'blockgate/members'
import { Agreement } from './agreement.ts'
import { short } from './bucket.ts'
import { Coverage } from './coverage.ts'
import type { Records } from './seats.ts'
import { Violation } from './violation.ts'
import type { Hold, Running, Watch, World } from './world.ts'

export class Invariants implements Watch {
  readonly coverage: Coverage
  readonly agreement: Agreement
  moves = 0
  readonly #cluster: World
  #dirty = true
  #ticked = 0
  #found: Violation | undefined
  readonly #onHold: ((running: Running) => number)[] = []
  #onRelease: ((running: Running) => void)[] = []

  constructor(cluster: World) {
    this.#cluster = cluster
    this.coverage = new Coverage(cluster)
    this.agreement = new Agreement(cluster)
  }

  get gaps(): number {
    return this.coverage.gaps
  }

  /** After every event. @throws Violation */
  check(): void {
    if (this.#found) throw this.#found
    for (const running of this.#cluster.runnings) {
      this.#ready(running)
      this.#epoch(running)
    }
    const tick = this.#cluster.scheduler.now - this.#ticked >= 1_000
    if (this.#dirty || tick) this.coverage.check()
    this.#dirty = false
    if (!tick) return
    this.#ticked = this.#cluster.scheduler.now
    this.coverage.tick()
    this.#claims()
  }

  /** Calls `listener` at the next release that the store grants. */
  onRelease(listener: (running: Running) => void): void {
    this.#onRelease.push(listener)
  }

  /** I3: a load begins only where the newest view that the process has says that it is the one to hold the block. */
  prepare(running: Running, id: BlockId): void {
    const { plugin } = running
    const meta = this.#cluster.bucket.metas.get(id)
    this.#cluster.note(running.id, 'loads', short(id))
    if (!this.#cluster.stuck(id)) this.moves++
    if (!plugin?.handover || !meta) return
    if (plugin.epoch() < running.seen) this.#fail('I3', `${running.id} loads ${short(id)} in an old epoch`)
    if (!owns(running, meta) || !this.#cluster.rules.mayLoad(running, meta))
      this.#fail('I3', `${running.id} loads ${short(id)}, which is not its own`)
  }

  commit(running: Running, id: BlockId): void {
    this.#cluster.note(running.id, 'serves', short(id))
    this.#dirty = true
  }

  /**
   * I4: a drop is granted by the store, or two complete listings in a row were without the block. No claim on it
   * stands.
   */
  drop(running: Running, id: BlockId): void {
    this.#cluster.note(running.id, 'drops', short(id))
    if (!this.#cluster.stuck(id)) this.moves++
    this.#dirty = true
    const released = running.released.delete(id)
    if (!running.plugin?.handover) return
    if (!released && !running.listings.absent(id)) {
      this.#fail('I4', `${running.id} drops ${short(id)} without knowing that it may`)
    }
    if (this.#cluster.server.counted(running).has(id)) {
      this.#fail('true-claim', `${running.id} drops ${short(id)}, and its claim stands`)
    }
  }

  /** The store has granted it. I1 rests on this: each claim that was counted for it is true. */
  released(running: Running, { items }: ReleaseRequest, released: readonly BlockId[]): void {
    for (const item of items) {
      const { id, superseding, targets, quorum } = item
      if (!released.includes(id)) continue
      running.released.add(id)
      this.#cluster.note('store', 'releases', short(id), 'of', running.id, 'for', targets.join(' '))
      const lies = targets.filter(target => !this.#serves(target, superseding))
      if (quorum === 'all' ? lies.length > 0 : lies.length === targets.length) {
        this.#fail('true-claim', `${lies.join(', ')} does not serve ${short(superseding)}, and its claim was counted`)
      }
      this.#found ??= this.#cluster.rules.released(item)
    }
    if (released.length > 0) for (const listener of this.#onRelease.splice(0)) listener(running)
  }

  /** I8: a record goes from a process to a newer one, never back. */
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

  /** Calls `listener` when the next seat is asked for; it says how many ms the request gets stuck for. */
  onHold(listener: (running: Running) => number): void {
    this.#onHold.push(listener)
  }

  holding(running: Running): number | undefined {
    return this.#onHold.shift()?.(running)
  }

  /** The store has recorded who has a seat now. */
  held(running: Running, hold: Hold): void {
    const { before, request } = hold
    const { slot, rank, give } = request
    this.#cluster.note(running.id, give ? 'gives' : 'takes', `slot ${slot}/${rank}`, before?.holder)
    this.moves++
    this.#found ??= this.#cluster.rules.held(running, hold)
  }

  forgot(before: Records): void {
    this.#cluster.rules.forgot(before)
  }

  /** A member was set down: one that stands still does not count any more. */
  setDown(): void {
    for (const running of this.#cluster.runnings) {
      const { process, incarnation } = running
      if (process.paused && incarnation > 0 && !this.#cluster.server.knows(running)) this.coverage.lost(running)
    }
    this.#cluster.rules.changed()
    this.#dirty = true
  }

  /** It was asked to stop. */
  stopping(): void {
    this.#dirty = true
  }

  lost(running: Running): void {
    this.coverage.lost(running)
  }

  /** The process is gone. */
  ended(running: Running): void {
    if (!running.left) this.coverage.lost(running)
    this.#dirty = true
  }

  /** No claim may be false: whatever a release may count now is served by the process that claims it. */
  #claims(): void {
    const { server, runnings } = this.#cluster
    for (const running of runnings) {
      for (const id of server.counted(running)) {
        if (!this.#serves(running.id, id)) throw new Violation('true-claim', `${running.id} claims ${short(id)}`)
      }
    }
  }

  /** The latch: ready once, it stays so until it has drained, stops, or is superseded. */
  #ready(running: Running): void {
    const ready = running.gateway?.readiness.ready === true
    if (ready === running.ready) return
    running.ready = ready
    this.#dirty = true
    this.#cluster.note(running.id, ready ? 'is ready' : 'is ready no more')
    if (ready || running.stopping) return
    const standing = running.plugin?.handover?.standing()
    // Two processes with one id are somebody's mistake: the older one goes, as by a crash.
    if (standing === 'superseded') {
      this.coverage.lost(running)
      return
    }
    if (standing === 'leaving' && running.loaded.size === 0) return
    throw new Violation('ready', `${running.id} is ready no more: ${running.gateway?.readiness.reason}`)
  }

  /** I8: what a process takes for the epoch only grows. */
  #epoch(running: Running): void {
    const { plugin, epoch } = running
    const now = plugin?.epoch() ?? 0
    if (now === epoch) return
    if (now < epoch) throw new Violation('I8', `the epoch of ${running.id} went back`)
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
function owns({ id, plugin }: Running, meta: Parameters<NonNullable<Running['plugin']>['claim']>[0]): boolean {
  try {
    return plugin?.handover?.owners(meta).some(owner => owner.target && owner.member === id) === true
  } catch {
    return false
  }
}
