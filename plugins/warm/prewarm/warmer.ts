/** Keeps what is chosen warm: looks at the members each second, chooses anew when something has changed, and loads a few at once. */
import {
  type BlockContext,
  BlockgateError,
  type BlockId,
  BlockMap,
  type BlockMeta,
  type Candidate,
  codeOf,
  ErrorCode,
  eachBounded,
  errorFields,
  orAborted,
  type Prewarmer,
  type PrewarmPause,
  type PrewarmServices,
  type PrewarmStats,
} from 'blockgate'
import { type Budget, bytesOf } from './budget.ts'
import { type Choice, choose } from './choice.ts'
import { Leaving } from './leaving.ts'
import { Waste } from './waste.ts'

export interface WarmerOptions {
  readonly budget: Budget
  readonly concurrency: number
}

const TICK = 1_000
/** Loads at once before this gateway is a member: nobody asks it for anything. */
const JOIN_AT_ONCE = 32
/** It is chosen anew after so long, whatever has not changed: blocks grow older, and the disk fuller. */
const LONGEST = 60_000
/** A block whose load has failed is not tried again for so long. */
const RETRY = 600_000
/** Share of the places of queries of which more must be free. */
const BUSY = 0.7

type Observed = Parameters<Prewarmer['observeQueries']>

export class Warmer implements Prewarmer {
  readonly #options: WarmerOptions
  readonly #services: PrewarmServices
  readonly #leaving = new Leaving()
  readonly #waste = new Waste()
  readonly #stop = new AbortController()
  /** By score; those that are warm already are in it, too. */
  #wanted: ReadonlyMap<BlockId, Choice> = new BlockMap()
  #queue: Choice[] = []
  readonly #loading = new BlockMap<AbortController>()
  readonly #going = new Set<Promise<void>>()
  /** Bytes that loads have asked for. */
  readonly #reserved = new BlockMap<number>()
  /** What blocks that did not fit would have taken. */
  readonly #sizes = new BlockMap<number>()
  /** When a block may be tried again, on the monotonic clock. */
  readonly #failed = new BlockMap<number>()
  readonly #since = new BlockMap<number>()
  #budget = 0
  #timer: Disposable | undefined
  #choosing: Promise<void> | undefined
  /** What the last choice rests on. */
  #seen: { readonly at: number; readonly of: readonly unknown[] } | undefined
  #queries: { readonly observed: Observed[0]; readonly concurrent: number } | undefined
  #counts = { loaded: 0, failed: 0 }

  constructor(options: WarmerOptions, services: PrewarmServices) {
    this.#options = options
    this.#services = services
  }

  start(): void {
    if (this.#stop.signal.aborted || this.#timer) return
    this.#tick()
  }

  async join(blocks: readonly Candidate[], signal: AbortSignal): Promise<void> {
    // They are to be its own: only the disk sets a bound.
    this.#budget = Number.POSITIVE_INFINITY
    const end = () => {
      for (const load of this.#loading.values()) load.abort(signal.reason)
    }
    signal.addEventListener('abort', end)
    try {
      await eachBounded(blocks, JOIN_AT_ONCE, async candidate => {
        const id = candidate.meta.ulid
        const isThere = this.#warm?.held.has(id) || this.#services.plan.sink.stage.loaded().has(id)
        if (!isThere && !signal.aborted && this.#services.journal.crashes(id) === 0)
          await this.#load({ candidate, after: [] })
      })
    } finally {
      signal.removeEventListener('abort', end)
      this.#budget = 0
    }
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stop.abort(new BlockgateError(ErrorCode.stopped, 'the gateway is stopping'))
    this.#timer?.[Symbol.dispose]()
    for (const load of this.#loading.values()) load.abort(this.#stop.signal.reason)
    await orAborted(Promise.allSettled([...this.#going, this.#choosing]), signal).catch(() => {})
  }

  observeQueries(observed: Observed[0], concurrent: Observed[1]): void {
    this.#queries = { observed, concurrent }
  }

  get stats(): PrewarmStats {
    const { held, hits } = this.#warm ?? { held: new Map<BlockId, number>(), hits: 0 }
    return {
      blocks: held.size,
      bytes: total(held),
      ...this.#counts,
      hits,
      wasted: this.#waste.count,
      paused: this.#paused,
    }
  }

  why({ ulid }: BlockMeta): string | undefined {
    if (!this.#warm?.held.has(ulid)) return undefined
    const after = this.#wanted.get(ulid)?.after ?? []
    if (after.length === 0) return 'it was loaded ahead, and is on its way here'
    const reasons = after.map(member => this.#leaving.why(member)).join(', ')
    return `this gateway holds it next if ${after.join(' or ')} goes (${reasons})`
  }

  get #warm() {
    return this.#services.plan.sink.stage.warm
  }

  get #paused(): PrewarmPause | undefined {
    const { observed, concurrent } = this.#queries ?? {}
    if (this.#services.runner.progress) return 'sync'
    if (observed && (observed.queued() > 0 || observed.running() > BUSY * (concurrent ?? 0))) return 'queries'
    return this.#services.plan.ownership.handover?.known?.() === false ? 'unknown' : undefined
  }

  #tick(): void {
    const { host, plan } = this.#services
    if (this.#stop.signal.aborted) return
    this.#timer = host.setTimer(TICK, () => this.#tick())
    const { handover } = plan.ownership
    const warm = this.#warm
    if (!handover || !warm) return
    try {
      this.#leaving.look(handover.members(), host.monotonic())
      this.#waste.look(warm.held, plan.sink.stage.loaded(), host.monotonic())
      if (this.#mustChoose()) {
        this.#choosing ??= this.#choose()
          .catch(error => host.log.warn('what is to be loaded ahead could not be chosen', errorFields(error)))
          .finally(() => {
            this.#choosing = undefined
          })
      }
      this.#fill()
    } catch (error) {
      host.log.warn('loading ahead is put off', errorFields(error))
    }
  }

  /** Something has changed that the choice rests on, and no run is changing it. */
  #mustChoose(): boolean {
    const { host, plan, runner } = this.#services
    const paused = this.#paused
    if (paused === 'sync' || paused === 'unknown') return false
    const view = runner.offers
    const now = host.monotonic()
    const of = [view?.offered, view?.outcomes, plan.ownership.epoch(), this.#leaving.version]
    const last = this.#seen
    if (last && now - last.at < LONGEST && last.of.every((part, i) => Object.is(part, of[i]))) return false
    this.#seen = { at: now, of }
    return true
  }

  async #choose(): Promise<void> {
    const services = this.#services
    const { plan, files, diskBudget } = services
    const warm = this.#warm
    if (!warm) return
    let loaded = 0
    for (const { bytes } of plan.sink.stage.loaded().values()) loaded += bytes
    const disk = { files, diskBudget, ours: loaded + total(warm.held) }
    this.#budget = await bytesOf(this.#options.budget, disk)
    const chosen = await choose(services, {
      leaving: this.#leaving,
      budget: Math.min(this.#budget, services.budget.left),
      sizes: this.#sizes,
      since: this.#since,
    })
    if (!chosen || this.#stop.signal.aborted) return
    const { wanted, unwanted } = chosen
    // What goes from here may come back, or be wanted when another member goes: the next choice says whether it stays.
    warm.keepDropped?.(Math.min(this.#budget, services.budget.left))
    this.#wanted = wanted
    for (const id of unwanted) if (!plan.sink.stage.loaded().has(id)) warm.forget(id)
    // Its owner is well again, or another member is next.
    for (const [id, load] of this.#loading) if (!wanted.has(id)) load.abort(new Error('it is not to be loaded ahead'))
    this.#queue = [...wanted.values()].filter(({ candidate }) => !warm.held.has(candidate.meta.ulid))
    this.#fill()
  }

  #fill(): void {
    const { host, plan, journal } = this.#services
    while (this.#loading.size < this.#options.concurrency && this.#queue.length > 0 && !this.#paused) {
      const choice = this.#queue.shift() as Choice
      const id = choice.candidate.meta.ulid
      if (this.#loading.has(id) || this.#warm?.held.has(id) || plan.sink.stage.loaded().has(id)) continue
      // It ended the process once: who is to serve it finds out whether it does so again.
      if (journal.crashes(id) > 0 || (this.#failed.get(id) ?? 0) > host.monotonic()) continue
      const going: Promise<void> = this.#load(choice).finally(() => {
        this.#going.delete(going)
        if (!this.#stop.signal.aborted) this.#fill()
      })
      this.#going.add(going)
    }
  }

  /** Never rejects. */
  async #load({ candidate }: Choice): Promise<void> {
    const { host, plan, journal, span } = this.#services
    const { meta } = candidate
    const id = meta.ulid
    const abort = new AbortController()
    this.#loading.set(id, abort)
    try {
      await span(id, async () => {
        await journal.begin(id)
        await this.#warm?.keep(this.#contextOf(candidate, abort.signal))
      })
      this.#counts.loaded++
      this.#waste.warmed(id, host.monotonic())
      this.#failed.delete(id)
      this.#sizes.delete(id)
      // It came here by the usual way meanwhile.
      if (plan.sink.stage.loaded().has(id)) this.#warm?.forget(id)
    } catch (error) {
      if (codeOf(error) === ErrorCode.diskBudget || abort.signal.aborted) return
      this.#counts.failed++
      this.#failed.set(id, host.monotonic() + RETRY)
      host.log.warn('a block could not be loaded ahead', { block: id, ...errorFields(error) })
    } finally {
      void journal.end(id, false)
      this.#loading.delete(id)
      this.#reserved.delete(id)
    }
  }

  #contextOf(candidate: BlockContext | Choice['candidate'], signal: AbortSignal): BlockContext {
    const { host } = this.#services
    const id = candidate.meta.ulid
    const run = { id: 'prewarm', reason: 'interval', now: host.now(), signal, loaded: new Set<BlockId>() } as const
    return {
      ...candidate,
      id,
      run,
      loaded: false,
      signal,
      lease: undefined,
      reserve: bytes => this.#reserve(id, bytes),
    }
  }

  /** @throws BlockgateError `disk-budget` */
  #reserve(id: BlockId, bytes: number): void {
    this.#reserved.delete(id)
    const taken = total(this.#warm?.held ?? new Map()) + total(this.#reserved)
    const most = Math.min(this.#budget, this.#services.budget.left)
    if (taken + bytes > most) {
      this.#sizes.set(id, bytes)
      throw new BlockgateError(ErrorCode.diskBudget, `prewarm.budget: must be >= ${taken + bytes} for this block`)
    }
    this.#reserved.set(id, bytes)
  }
}

function total(bytes: ReadonlyMap<unknown, number>): number {
  let all = 0
  for (const each of bytes.values()) all += each
  return all
}
