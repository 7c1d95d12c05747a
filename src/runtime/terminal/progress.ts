/** A run while it goes on: a live line on a terminal, plain lines elsewhere. */
import type { Host } from '../../contracts/host.ts'
import { bytesText, countText, timeText } from '../../contracts/text.ts'
import type { Gateway } from '../../gateway.ts'
import type { RunProgress } from '../../sync/run-result.ts'
import { type Env, type Output, Screen } from './screen.ts'

export interface ProgressOptions {
  readonly output: Output
  readonly host: Host
  /** `TERM=dumb` makes plain lines. */
  readonly env: Env
  /** Called in place of a plain line where there is no terminal. */
  readonly onPlain?: ((progress: RunProgress) => void) | undefined
}

/** How often the live line is drawn; when the first plain line comes, and the others, in ms. */
const LIVE_MS = 100
const FIRST_PLAIN_MS = 1_000
const PLAIN_MS = 5_000

/** Shows the run that goes on, until disposed. On a terminal one line is drawn again and again; elsewhere lines follow. */
export function showProgress(gateway: Pick<Gateway, 'progress'>, options: ProgressOptions): Disposable {
  const { output, host, env } = options
  const screen = output instanceof Screen ? output : new Screen(output, env)
  const plain = options.onPlain ?? (progress => screen.write(`${line(progress)}\n`))
  let run: { readonly id: string; readonly began: number; readonly pace: Pace } | undefined

  const line = (progress: RunProgress): string => {
    const at = host.monotonic()
    if (run?.id !== progress.id) run = { id: progress.id, began: at, pace: new Pace() }
    return progressLine(progress, at - run.began, run.pace.rates({ at, done: progress.done, bytes: progress.bytes }))
  }
  const tick = () => {
    const { progress } = gateway
    if (!progress) screen.clear()
    else if (screen.live) screen.draw(line(progress))
    else plain(progress)
    timer = host.setTimer(screen.live ? LIVE_MS : PLAIN_MS, tick)
  }
  let timer = host.setTimer(screen.live ? LIVE_MS : FIRST_PLAIN_MS, tick)
  return {
    [Symbol.dispose]() {
      timer[Symbol.dispose]()
      screen.clear()
    },
  }
}

/**
 * `startup: 1,200 of 5,000 blocks (24%), about 38 s left, 2 failed, 1.2 GB at 35.0 MB/s, 32 in flight, 12 s`. While the bucket
 * is being listed, no total is known, and so neither a share nor a time that is left.
 */
export function progressLine(progress: RunProgress, elapsedMs: number, rates: Rates | undefined): string {
  const { reason, seen, listing, done, inFlight, failed, bytes } = progress
  const share = listing || seen === 0 ? '' : ` (${Math.floor((100 * done) / seen)}%)`
  const parts = [`${reason}: ${countText(done)} of ${countText(seen)} ${listing ? 'seen so far' : 'blocks'}${share}`]
  if (!listing && rates && rates.blocks > 0 && done < seen) {
    parts.push(`about ${timeText(((seen - done) / rates.blocks) * 1000)} left`)
  }
  if (failed > 0) parts.push(`${countText(failed)} failed`)
  if (bytes > 0) parts.push(bytesText(bytes) + (rates ? ` at ${bytesText(Math.round(rates.bytes))}/s` : ''))
  if (rates) parts.push(`${rates.blocks.toFixed(rates.blocks < 10 ? 1 : 0)} blocks/s`)
  parts.push(`${inFlight} in flight`, timeText(elapsedMs))
  return parts.join(', ')
}

interface Sample {
  /** Monotonic ms. */
  readonly at: number
  readonly done: number
  readonly bytes: number
}

/** A second. */
export interface Rates {
  readonly blocks: number
  readonly bytes: number
}

/** The rate is of these last ms, or of more where fewer than so many blocks were done in them. */
const WINDOW_MS = 10_000
const ENOUGH = 5
/** Samples closer together add nothing; of more than MOST the oldest are forgotten. */
const APART_MS = 500
const MOST = 600

/** How fast a run goes lately. Over the whole run it would be wrong: most blocks are skipped in the first seconds. */
export class Pace {
  #samples: Sample[] = []

  /** Notes where the run stands, and tells its rates; undefined while less than a second has been seen. */
  rates(now: Sample): Rates | undefined {
    const last = this.#samples.at(-1)
    if (!last || now.at - last.at >= APART_MS) this.#samples.push(now)
    if (this.#samples.length > MOST) this.#samples.shift()
    const from =
      this.#samples.findLast(s => now.at - s.at >= WINDOW_MS && now.done - s.done >= ENOUGH) ?? this.#samples[0]
    if (!from || now.at - from.at < 1_000) return undefined
    const seconds = (now.at - from.at) / 1000
    const rate = (before: number, after: number) => Math.max(0, after - before) / seconds
    return { blocks: rate(from.done, now.done), bytes: rate(from.bytes, now.bytes) }
  }
}
