/** Made-up days of a bucket: when blocks come, and when it cannot be listed. All is drawn from a seed. */
import { Random } from '../../simulation/random.ts'

export const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000]
export const CYCLE = 2 * HOUR

/** Begins on a whole two hours of the epoch, as Prometheus' blocks do. */
export interface Trace {
  readonly name: string
  /** When each block's upload ended, ms from the begin, in order. */
  readonly blocks: readonly number[]
  /** While listings fail: from and to, ms from the begin. */
  readonly outage: readonly [number, number] | undefined
  readonly ms: number
}

export const TRACES = { quiet, waves, bursts, outage } as const

/** A block each ten minutes on average, at any time. */
function quiet(seed: number, days: number): Trace {
  return trace('quiet', days, poisson(new Random(seed), 0, days * DAY, 10 * MINUTE))
}

/**
 * Every two hours sixty sidecars upload within ten minutes of the cut, and a compactor uploads ten blocks in the ten minutes
 * after that. One block in 250 comes at another time.
 */
function waves(seed: number, days: number): Trace {
  return trace('waves', days, wavesOf(new Random(seed), days))
}

/** A block each ten minutes, and three times a day for half an hour one each minute. */
function bursts(seed: number, days: number): Trace {
  const random = new Random(seed)
  const blocks = poisson(random, 0, days * DAY, 10 * MINUTE)
  for (let burst = 0; burst < 3 * days; burst++) {
    const from = random.between(0, days * DAY - 30 * MINUTE)
    blocks.push(...poisson(random, from, from + 30 * MINUTE, MINUTE))
  }
  return trace('bursts', days, blocks)
}

/** Waves, and a bucket that cannot be listed for an hour in the afternoon of the second day. Uploads fail, too, and come after it. */
function outage(seed: number, days: number): Trace {
  const random = new Random(seed)
  const [from, to] = [DAY + 13.75 * HOUR, DAY + 14.75 * HOUR]
  const blocks = wavesOf(random, days).map(at => (at >= from && at < to ? to + random.between(0, 5 * MINUTE) : at))
  return { ...trace('outage', days, blocks), outage: [from, to] }
}

function wavesOf(random: Random, days: number): number[] {
  const blocks = poisson(random, 0, days * DAY, 250 * (CYCLE / 70))
  for (let cut = 0; cut < days * DAY; cut += CYCLE) {
    for (let i = 0; i < 60; i++) blocks.push(cut + random.between(30 * SECOND, 10 * MINUTE))
    for (let i = 0; i < 10; i++) blocks.push(cut + random.between(10 * MINUTE, 20 * MINUTE))
  }
  return blocks
}

export function poisson(random: Random, from: number, to: number, mean: number): number[] {
  const times: number[] = []
  for (let at = from; at < to; times.push(at)) at += -mean * Math.log(1 - random.next())
  return times.slice(0, -1)
}

export function trace(name: string, days: number, blocks: readonly number[]): Trace {
  const ms = days * DAY
  return { name, blocks: blocks.filter(at => at < ms).sort((a, b) => a - b), outage: undefined, ms }
}
