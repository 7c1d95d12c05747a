/** Asks all gateways all the time, and judges what was away: in a planned change nothing may be, after a crash not for long. */
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, Coverage, type Gap } from './coverage.ts'

const EVERY_MS = 200
/** Longer than any pause of a busy machine; who is slower than this does not serve. */
const TIMEOUT_MS = 5_000
const NOTHING: ReadonlySet<string> = new Set()

export interface WatcherOptions {
  /** For how long a hand-over promises two servers. */
  readonly overlapMs: number
  /** For how long a block of a gateway that crashed may be away. */
  readonly crashBoundMs: number
  readonly onViolation: (text: string, gap: Gap) => void
}

interface Asked {
  readonly port: number
  readonly abort: AbortController
  readonly done: Promise<void>
  ready: boolean
  blocks: ReadonlySet<string>
}

export class Watcher {
  readonly #options: WatcherOptions
  #coverage: Coverage
  readonly #asked = new Map<string, Asked>()
  readonly #crashes: { readonly gateway: string; readonly at: number }[] = []
  answers = 0
  plannedGaps = 0
  longestCrashMs = 0
  crashGaps = 0
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

  get ports(): ReadonlyMap<string, number> {
    return new Map([...this.#asked].map(([id, { port }]) => [id, port]))
  }

  /** What a gateway served that crashed may still be away. */
  get afterCrash(): boolean {
    const now = performance.now()
    return this.#crashes.some(({ at }) => now - at <= this.#options.crashBoundMs)
  }

  /** `onReady` is called with each answer that says something else than the one before. */
  watch(id: string, port: number, onReady: (ready: boolean) => void): void {
    const abort = new AbortController()
    this.#coverage.come(id, performance.now())
    const done = poll(port, abort.signal, (answer, ready) => {
      if (abort.signal.aborted) return
      this.answers++
      if (ready !== undefined && ready !== asked.ready) onReady(ready)
      asked.ready = ready ?? false
      asked.blocks = answer.blocks
      this.#judge(this.#coverage.answer(id, answer))
    })
    const asked: Asked = { port, abort, done, ready: false, blocks: NOTHING }
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
    const servers = count([...this.#asked.values()].flatMap(({ blocks }) => [...blocks]))
    return count([...servers.values()])
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

function count<T>(items: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}

/**
 * Asks one gateway again and again what a client may ask it for. No answer counts as one without blocks, with `ready` undefined.
 * Resolves once the signal was aborted.
 */
async function poll(
  port: number,
  signal: AbortSignal,
  onAnswer: (answer: Answer, ready: boolean | undefined) => void,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let tag = ''
  let ready: boolean | undefined
  let blocks = NOTHING
  while (!signal.aborted) {
    const from = performance.now()
    try {
      const told = await ask(agent, port, tag, signal)
      if (told) {
        tag = told.tag
        ready = told.ready
        blocks = told.ready ? new Set(told.blocks) : NOTHING
      }
    } catch {
      if (signal.aborted) break
      tag = ''
      ready = undefined
      blocks = NOTHING
    }
    onAnswer({ from, to: performance.now(), blocks }, ready)
    await delay(Math.max(0, EVERY_MS - (performance.now() - from)), undefined, { signal }).catch(() => {})
  }
  agent.destroy()
}

interface Told {
  readonly tag: string
  readonly ready: boolean
  readonly blocks: readonly string[]
}

/** Undefined where nothing has changed since the answer with the tag. */
function ask(agent: Agent, port: number, tag: string, signal: AbortSignal): Promise<Told | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'if-none-match': tag }
    const where = { agent, host: '127.0.0.1', port, path: '/api/v1/serving' }
    const request = get({ ...where, headers, signal, timeout: TIMEOUT_MS }, async response => {
      try {
        const body = (await response.setEncoding('utf8').toArray()).join('')
        if (response.statusCode === 304) resolve(undefined)
        else if (response.statusCode === 200) resolve({ ...JSON.parse(body), tag: response.headers.etag ?? '' })
        else reject(new Error(`the answer must be 200: it is ${response.statusCode}`))
      } catch (error) {
        reject(error)
      }
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    request.on('error', reject)
  })
}
