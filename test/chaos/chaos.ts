/** One run: schedule after schedule, and all that was seen on the way. */
import { historyOf, noCounts } from './asked.ts'
import { Client } from './client.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import type { Gap } from './coverage.ts'
import { Notice } from './notice.ts'
import { CUT_OFF, type Schedule, type World } from './schedules.ts'
import { crashBoundMs, type Settings } from './settings.ts'
import { Watcher } from './watcher.ts'

type Server = World['redis'] & { readonly url: string }

export interface ChaosOptions extends Pick<ClusterOptions, 'folder' | 'ports' | 'env'> {
  readonly settings: Settings
  /** The name of the plugin. */
  readonly ownership: string
  readonly redis: Server
  readonly lockServers: readonly Server[]
  readonly cut: World['cut'] & { readonly endpoint: string }
  readonly endpoint: string
  readonly bucket: string
  /** What a client is answered for each block. */
  readonly right: string
}

/** A change is to be noticed within this. */
const NOTICE_MS = 1_000
/** Stories of more than this many violations say nothing new. */
const TOLD = 5
/** A block that nobody had for so long at the end of a schedule is away, and not between two answers. */
const AWAY_MS = 3_000

export class Chaos {
  readonly violations: string[] = []
  readonly #options: ChaosOptions
  readonly #begun = performance.now()
  readonly #watcher: Watcher
  readonly #client: Client
  readonly #notice = new Notice()
  readonly #counts = noCounts()
  readonly #clusters: Cluster[] = []
  readonly #boundMs: number
  #schedules = 0
  /** What is going on. */
  #now = 'start'

  constructor(options: ChaosOptions) {
    this.#options = options
    const { timings } = options.settings
    this.#boundMs = crashBoundMs(timings)
    this.#watcher = new Watcher({
      overlapMs: timings.handoverDelayMs,
      crashBoundMs: this.#boundMs,
      onViolation: (text, gap) => {
        this.#violated(`${describe(gap)} ${text}`)
        if (this.violations.length > 1) return
        const ports = new Map(this.#watcher.gateways.map(id => [id, options.ports[Number(id.split('-')[1]) - 1] ?? 0]))
        void historyOf(gap.block, ports).then(lines => lines.forEach(this.#say))
      },
    })
    this.#client = new Client({
      blocks: options.settings.blocks,
      right: options.right,
      overlapMs: timings.handoverDelayMs,
      gateways: () => this.#watcher.ports,
      crashed: () => this.#watcher.afterCrash,
      onViolation: text => this.#violated(text),
    })
  }

  async run(schedules: readonly Schedule[]): Promise<void> {
    try {
      for (const schedule of schedules) await this.#runOne(schedule)
    } catch (error) {
      this.#say(`${this.#now} was given up`)
      this.#violated(error instanceof Error ? error.message : String(error))
    } finally {
      await this.#client.stop()
      await this.#clusters.at(-1)?.end()
    }
    const { maxMs } = this.#notice
    if (maxMs > NOTICE_MS) this.#violated(`a change must be noticed within ${NOTICE_MS} ms: it took ${maxMs} ms`)
  }

  closingLine(): string {
    const { ownership, settings } = this.#options
    const { wastedBytes, reoffered, skipped } = this.#counts
    const { answers, plannedGaps, unsure, longestCrashMs } = this.#watcher
    const { questions } = this.#client
    const sum = (of: (cluster: Cluster) => number) => this.#clusters.reduce((n, cluster) => n + of(cluster), 0)
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
    return [
      `chaos ${this.violations.length === 0 ? 'passed' : 'FAILED'}: ${ownership}, ${settings.gateways} gateways`,
      `${settings.blocks} blocks, ${this.#schedules} schedules, ${answers} answers`,
      `${plannedGaps} gaps, ${unsure} unsure`,
      `${questions.rounds} queries of all gateways with ${questions.answers} answers`,
      `${questions.short} short answers, ${questions.unanswered} unanswered, ${questions.unsure} unsure`,
      `longest away after a crash ${seconds(longestCrashMs)} (bound ${seconds(this.#boundMs)})`,
      `${sum(({ strangers }) => strangers)} of ${sum(({ adds }) => adds)} adds by non-owners`,
      `${this.#notice.epochs} epochs, noticed within ${Math.round(this.#notice.maxMs)} ms`,
      `${wastedBytes} bytes wasted, ${reoffered} re-offers, ${skipped} skips at the add`,
      `${this.violations.length} violations, ${seconds(performance.now() - this.#begun)}`,
    ].join(', ')
  }

  async #runOne(schedule: Schedule): Promise<void> {
    const { settings } = this.#options
    const { name, replicas = 1, members = settings.gateways } = schedule
    this.#now = `before ${name}`
    const cluster = await this.#clusterFor(schedule)
    if (members > 0) {
      await cluster.resize(members)
      this.#client.questions.served()
    }
    this.#now = name
    this.#say(`${cluster.up.length} gateways, ${replicas} replicas`)
    await schedule.run({ ...this.#options, cluster, say: this.#say })
    const missing = this.#watcher.missing(AWAY_MS)
    if (missing.length > 0) this.#violated(`${missing.length} blocks are away at the end, such as ${missing[0]}`)
    const behind = this.#notice.behind(Date.now() - NOTICE_MS)
    if (behind.length > 0) this.#violated(`${behind.join(', ')} have not noticed the last change`)
    this.#schedules++
  }

  /** Its gateways must not find what others had in the same Redis, or on disk. */
  async #clusterFor({ replicas = 1, ownLockServers }: Schedule): Promise<Cluster> {
    const { settings, ownership, redis, lockServers, cut, endpoint, bucket, folder, ports, env } = this.#options
    const name = `${ownership}-replicas-${replicas}${ownLockServers ? '-own-lock-servers' : ''}`
    const last = this.#clusters.at(-1)
    if (last?.options.common.cluster === name) return last
    this.#client.forget()
    await last?.end()
    const { broken, timings, slots, blocks } = settings
    const [first = '', ...others] = lockServers.map(({ url }) => url)
    const cluster = new Cluster({
      common: { ownership, broken, replicas, timings, redis: redis.url, slots, cluster: name, endpoint, bucket },
      // One of them is behind the proxy for the gateway that may be cut off from it.
      lockServersOf: id => {
        if (!ownLockServers) return [redis.url]
        return [id === CUT_OFF ? cut.endpoint.replace('http:', 'redis:') : first, ...others]
      },
      ...{ env, folder, ports, blocks, watcher: this.#watcher, notice: this.#notice, counts: this.#counts },
      say: this.#say,
      onViolation: text => this.#violated(text),
    })
    this.#clusters.push(cluster)
    return cluster
  }

  readonly #say = (text: string) => {
    const seconds = ((performance.now() - this.#begun) / 1000).toFixed(1)
    console.error(`${seconds.padStart(6)} s  ${this.#now}: ${text}`)
  }

  #violated(text: string): void {
    this.violations.push(`${this.#now}: ${text}`)
    if (this.violations.length <= TOLD) this.#say(`VIOLATION: ${text}`)
  }
}

function describe({ block, from, to, longest, last, next }: Gap): string {
  const ms = (time: number) => Math.round(time)
  return `${block} was with ${last} until ${ms(from)} and with ${next} from ${ms(to)} on (at most ${ms(longest)} ms)`
}
