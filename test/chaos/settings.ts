/** What a chaos run is told, and the times that everything in it waits for. */
import { parseArgs } from 'node:util'

export interface Timings {
  readonly heartbeatMs: number
  readonly expireAfterMs: number
  readonly handoverDelayMs: number
  /** Of a lock. */
  readonly ttlMs: number
  /** How often a gateway lists the bucket. */
  readonly everyMs: number
  /** How long Redis is away. */
  readonly awayMs: number
}

/** The plugins' own defaults. */
const FULL: Timings = {
  heartbeatMs: 3_000,
  expireAfterMs: 15_000,
  handoverDelayMs: 30_000,
  ttlMs: 30_000,
  everyMs: 180_000,
  awayMs: 60_000,
}
/** The same proportions where the protocol has any, shorter: the protocol has no lower bound but "a few heartbeats". */
const QUICK: Timings = {
  heartbeatMs: 1_000,
  expireAfterMs: 5_000,
  handoverDelayMs: 2_000,
  ttlMs: 3_000,
  everyMs: 30_000,
  awayMs: 60_000,
}
const SHORT: Timings = { ...QUICK, awayMs: 15_000 }

export interface Settings {
  readonly short: boolean
  /** Without hand-over. */
  readonly broken: boolean
  /** One schedule. */
  readonly only: string | undefined
  /** The plugin, or `all`. */
  readonly ownership: string
  /** The most that run at once. */
  readonly gateways: number
  readonly blocks: number
  /** Of plugins that lease slots. */
  readonly slots: number
  /** Added to every request to the bucket. */
  readonly latencyMs: number
  readonly timings: Timings
}

/** What one gateway process is told, in the variable CHAOS. */
export interface GatewaySettings extends Pick<Settings, 'ownership' | 'broken' | 'timings' | 'slots'> {
  readonly id: string
  readonly port: number
  readonly dir: string
  readonly replicas: number
  readonly redis: string
  /** Of plugins with locks. */
  readonly lockServers: readonly string[]
  readonly cluster: string
  readonly endpoint: string
  readonly bucket: string
}

/** What a gateway process tells, as lines of JSON on its standard output. */
export type GatewayEvent =
  /** It has read the member entries of this epoch, at this time of the wall clock. */
  | { readonly event: 'epoch'; readonly epoch: number; readonly at: number }
  /** An add was begun: by a target owner of the block, or not, by the answers of the plugin at this version. */
  | { readonly event: 'add'; readonly block: string; readonly owner: boolean; readonly epoch: number }

/** @throws Error with what must be */
export function settingsOf(argv: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      short: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      broken: { type: 'boolean', default: false },
      only: { type: 'string' },
      ownership: { type: 'string', default: 'all' },
      blocks: { type: 'string' },
    },
  })
  const { short, full, broken, only, ownership } = values
  if (short && full) throw new Error('--short and --full must not be given together')
  const blocks = Number(values.blocks ?? (short ? 300 : 2_000))
  if (!Number.isSafeInteger(blocks) || blocks < 10) throw new Error('--blocks must be a whole number >= 10')
  const size = { gateways: short ? 4 : 5, slots: short ? 64 : 256, blocks, latencyMs: 30 }
  return { short, broken, only, ownership, ...size, timings: full ? FULL : short ? SHORT : QUICK }
}

/** Reading and loading what a crashed gateway had, beside other work, on a slow machine. */
const LOAD_MS = 30_000

/**
 * For how long a block of a crashed gateway may be away: until its heartbeat counts as gone (two reads, each a heartbeat after the other,
 * before the count begins, and one after it), and the load.
 */
export function crashBoundMs({ heartbeatMs, expireAfterMs }: Timings): number {
  return expireAfterMs + 3 * heartbeatMs + LOAD_MS
}
