/** One run: schedule after schedule, and all that was seen on the way. */
import { performance } from 'node:perf_hooks'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { addCounts, type Counts, noCounts } from './counters.ts'
import type { Gap } from './coverage.ts'
import { historyOf } from './history.ts'
import { CUT_OFF } from './lock-schedules.ts'
import { Notice } from './notice.ts'
import type { Report } from './report.ts'
import type { Breakable, Schedule } from './schedule.ts'
import type { Screen } from './screen.ts'
import { crashBoundMs, type Settings } from './settings.ts'
import { Watcher } from './watcher.ts'

type Server = Breakable & { readonly url: string }

export interface ChaosOptions {
  readonly settings: Settings
  /** The name of the plugin. */
  readonly ownership: string
  readonly schedules: readonly Schedule[]
  readonly screen: Screen
  readonly folder: string
  readonly redis: Server
  readonly lockServers: readonly Server[]
  readonly cut: { down(): Promise<void>; up(): Promise<void>; readonly endpoint: string }
  /** One for each gateway. */
  readonly ports: readonly number[]
  readonly endpoint: string
  readonly bucket: string
  readonly env: NodeJS.ProcessEnv
}

/** A change is to be noticed within this. */
const NOTICE_MS = 1_000
/** Stories of more than this many violations say nothing new. */
const TOLD = 5
/** A block that nobody had for so long at the end of a schedule is away, and not between two answers. */
const AWAY_MS = 3_000
/** Two gateways: the first one up must not load the world. */
const MIN_MEMBERS = 2

export async function chaos(options: ChaosOptions): Promise<Report> {
  const { settings, schedules, screen } = options
  const begun = performance.now()
  const violations: string[] = []
  const total = { counts: noCounts(), adds: 0, strangers: 0 }
  const done: { name: string; seconds: number }[] = []
  let now = 'start'
  const onViolation = (text: string) => {
    violations.push(`${now}: ${text}`)
    if (violations.length <= TOLD) screen.say(`VIOLATION: ${now}: ${text}`)
  }
  const bound = crashBoundMs(settings.timings)
  const watcher = new Watcher({
    overlapMs: settings.timings.handoverDelayMs,
    crashBoundMs: bound,
    onViolation(text, gap) {
      onViolation(`${describe(gap)} ${text}`)
      if (violations.length > 1) return
      const ports = new Map(watcher.gateways.map(id => [id, portOf(options, id)]))
      void historyOf(gap.block, ports).then(lines => lines.forEach(screen.say))
    },
  })
  const notice = new Notice()
  let cluster: Cluster | undefined
  const endCluster = async () => {
    if (!cluster) return
    for (const id of cluster.up) await addCounts(cluster.counts, portOf(options, id)).catch(() => {})
    await cluster.end()
    add(total.counts, cluster.counts)
    total.adds += cluster.adds
    total.strangers += cluster.strangers
    cluster = undefined
  }
  try {
    for (const schedule of schedules) {
      const name = clusterName(options, schedule)
      if (cluster?.options.common.cluster !== name) {
        await endCluster()
        cluster = newCluster(options, schedule, { watcher, notice, onViolation })
      }
      now = `before ${schedule.name}`
      const members = schedule.members(settings)
      if (members > 0) await cluster.resize(members)
      now = schedule.name
      const from = performance.now()
      screen.say(`${schedule.name}: ${cluster.up.length} gateways, ${schedule.replicas} replicas`)
      await schedule.run({ ...options, cluster, say: screen.say })
      const missing = watcher.missing(AWAY_MS)
      if (missing.length > 0) onViolation(`${missing.length} blocks are away at the end, such as ${missing[0]}`)
      const behind = notice.behind(Date.now() - NOTICE_MS)
      if (behind.length > 0) onViolation(`${behind.join(', ')} have not noticed the last change`)
      const seconds = (performance.now() - from) / 1000
      done.push({ name: schedule.name, seconds })
      screen.say(`${schedule.name} took ${seconds.toFixed(1)} s; ${watcher.plannedGaps} gaps so far`)
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    if (violations.length >= TOLD) screen.say(`${now} was given up: ${text}`)
    onViolation(text)
  } finally {
    await endCluster()
  }
  if (notice.maxMs > NOTICE_MS)
    onViolation(`a change must be noticed within ${NOTICE_MS} ms: it took ${notice.maxMs} ms`)
  return {
    ownership: options.ownership,
    gateways: settings.gateways,
    blocks: settings.blocks,
    schedules: done,
    answers: watcher.answers,
    slowestAnswerMs: watcher.slowestMs,
    unanswered: watcher.failures,
    gaps: watcher.plannedGaps,
    unsure: watcher.unsure,
    crashGaps: watcher.crashGaps,
    longestCrashMs: watcher.longestCrashMs,
    crashBoundMs: bound,
    adds: total.adds,
    nonOwnerAdds: total.strangers,
    epochs: notice.epochs,
    noticed: notice.count,
    noticeMaxMs: notice.maxMs,
    counts: total.counts,
    violations,
    seconds: (performance.now() - begun) / 1000,
  }
}

/** Its gateways must not find what others had in the same Redis, or on disk. */
function clusterName({ ownership }: ChaosOptions, { replicas, ownLockServers }: Schedule): string {
  return `${ownership}-replicas-${replicas}${ownLockServers ? '-own-lock-servers' : ''}`
}

function newCluster(
  options: ChaosOptions,
  schedule: Schedule,
  ears: { readonly watcher: Watcher; readonly notice: Notice; readonly onViolation: (text: string) => void },
): Cluster {
  const { settings, ownership, screen, folder, redis, ports, endpoint, bucket, env } = options
  const { broken, timings, blocks, slots } = settings
  const { replicas } = schedule
  const common: ClusterOptions['common'] = {
    ownership,
    broken,
    replicas,
    minMembers: MIN_MEMBERS,
    timings,
    redis: redis.url,
    slots,
    cluster: clusterName(options, schedule),
    endpoint,
    bucket,
  }
  const lockServersOf = (id: string) => lockServersFor(options, schedule, id)
  const told = { ...ears, say: screen.say, status: screen.status }
  return new Cluster({ common, lockServersOf, env, folder, ports, blocks, ...told })
}

/** One of them is behind the proxy for the gateway that may be cut off from it. */
function lockServersFor(options: ChaosOptions, { ownLockServers }: Schedule, id: string): readonly string[] {
  const { redis, lockServers, cut } = options
  if (!ownLockServers) return [redis.url]
  const [first = '', ...others] = lockServers.map(({ url }) => url)
  return [id === CUT_OFF ? cut.endpoint.replace('http:', 'redis:') : first, ...others]
}

function describe({ block, from, to, longest, last, next }: Gap): string {
  const ms = (time: number) => Math.round(time)
  return `${block} was with ${last} until ${ms(from)} and with ${next} from ${ms(to)} on (at most ${ms(longest)} ms)`
}

function portOf({ ports }: ChaosOptions, id: string): number {
  return ports[Number(id.split('-')[1]) - 1] ?? 0
}

function add(into: Counts, more: Counts): void {
  for (const name of Object.keys(into) as (keyof Counts)[]) into[name] += more[name]
}
