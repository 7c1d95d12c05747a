/** Asks all gateways all the time, and judges what was away: in a planned change nothing may be, after a crash not for long. */
import { Coverage, type Gap } from './coverage.ts'
import { poll } from './poll.ts'

export interface WatcherOptions {
  /** For how long a hand-over promises two servers. */
  readonly overlapMs: number
  /** For how long a block of a gateway that crashed may be away. */
  readonly crashBoundMs: number
  readonly onViolation: (text: string, gap: Gap) => void
}

interface Asked {
  readonly abort: AbortController
  readonly done: Promise<void>
  ready: boolean
  blocks: ReadonlySet<string>
}

interface Crash {
  readonly gateway: string
  readonly at: number
}

export class Watcher {
  readonly #options: WatcherOptions
  #coverage: Coverage
  readonly #asked = new Map<string, Asked>()
  readonly #crashes: Crash[] = []
  answers = 0
  /** Requests that a gateway that should be there did not answer. */
  failures = 0
  slowestMs = 0
  plannedGaps = 0
  crashGaps = 0
  longestCrashMs = 0
  /** Answers were too slow to say. */
  unsure = 0

  constructor(options: WatcherOptions) {
    this.#options = options
    this.#coverage = new Coverage(options.overlapMs)
  }

  /** Those that are asked. */
  get gateways(): readonly string[] {
    return [...this.#asked.keys()]
  }

  get blocks(): number {
    return this.#coverage.blocks
  }

  /** `onReady` is called with each answer that says something else than the one before. */
  watch(id: string, port: number, onReady: (ready: boolean) => void): void {
    const abort = new AbortController()
    this.#coverage.come(id, performance.now())
    const done = poll({
      port,
      signal: abort.signal,
      onAnswer: (answer, ready, error) => {
        if (abort.signal.aborted) return
        this.answers++
        this.slowestMs = Math.max(this.slowestMs, answer.to - answer.from)
        if (error && asked.ready) this.failures++
        if (ready !== asked.ready && !error) onReady(ready)
        asked.ready = ready
        asked.blocks = answer.blocks
        this.#judge(this.#coverage.answer(id, answer))
      },
    })
    const asked: Asked = { abort, done, ready: false, blocks: new Set() }
    this.#asked.set(id, asked)
  }

  /** It is not asked any more. `crash`: it was killed or paused just now. */
  async leave(id: string, crash = false): Promise<void> {
    const asked = this.#asked.get(id)
    if (!asked) return
    const at = performance.now()
    asked.abort.abort()
    this.#asked.delete(id)
    if (crash) this.#crashes.push({ gateway: id, at })
    this.#judge(this.#coverage.go(id, at))
    await asked.done
  }

  /** Of all gateways; what was served so far need not be served by those that come. */
  async stop(): Promise<void> {
    for (const id of this.gateways) await this.leave(id)
    this.#coverage = new Coverage(this.#options.overlapMs)
  }

  isReady(id: string): boolean {
    return this.#asked.get(id)?.ready ?? false
  }

  /** By their last answers: how many of the blocks have how many servers. */
  copies(): ReadonlyMap<number, number> {
    const servers = new Map<string, number>()
    for (const { blocks } of this.#asked.values()) {
      for (const block of blocks) servers.set(block, (servers.get(block) ?? 0) + 1)
    }
    const copies = new Map<number, number>()
    for (const count of servers.values()) copies.set(count, (copies.get(count) ?? 0) + 1)
    return copies
  }

  served(id: string): number {
    return this.#asked.get(id)?.blocks.size ?? 0
  }

  /** Blocks that were served once and that nobody has had for `ms`. */
  missing(ms: number): readonly string[] {
    return this.#coverage.missing(performance.now() - ms)
  }

  #judge(gaps: readonly Gap[]): void {
    const { crashBoundMs, onViolation } = this.#options
    for (const gap of gaps) {
      const crashed = this.#crashes.some(({ gateway, at }) => gateway === gap.last && at >= gap.from && at <= gap.to)
      if (crashed) {
        this.crashGaps++
        this.longestCrashMs = Math.max(this.longestCrashMs, gap.longest)
        if (gap.longest > crashBoundMs) onViolation(`away for more than ${crashBoundMs} ms after a crash`, gap)
      } else if (gap.certain) {
        this.plannedGaps++
        onViolation('away in a planned change', gap)
      } else this.unsure++
    }
  }
}
