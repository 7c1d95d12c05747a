/**
 * The slow tail of an object store: one read of a hundred takes ten times as long as the others, for no reason of its own, and a query
 * of many reads waits for it. A read that takes longer than most did is begun once more; the first answer is taken, and the other read
 * is aborted. Dean and Barroso, The Tail at Scale, 2013.
 */
import { type LinkedSignal, linkSignals } from '../async/signals.ts'
import type { Host } from '../contracts/host.ts'
import { Latencies } from './latencies.ts'

export interface HedgeOptions {
  readonly host: Pick<Host, 'monotonic' | 'setTimer'>
  /** Of the last reads, such a part was faster than one that is begun once more. */
  readonly quantile: number
  /** Reads of the same bytes at once, at most. */
  readonly upTo: number
}

/** What a read is stopped with where another one was faster. */
const SLOWER = new DOMException('another read of the same bytes was faster', 'AbortError')
/** A store that is as fast has no tail worth a second read. */
const MIN_DELAY_MS = 5
/** Each read earns so much more than the part of slow reads, and each one that is begun once more costs 1. */
const EARNED = 1.5
/** How many may be begun once more at once, beyond what is earned: where all reads are slow, the store is, and more reads would not help it. */
const MAX_SAVED = 10

export class Hedge {
  /** All reads; those that were begun once more, each time; and those whose later read was the faster one. */
  readonly counts: { reads: number; again: number; won: number } = { reads: 0, again: 0, won: 0 }
  readonly #options: HedgeOptions
  readonly #latencies: Latencies
  #saved = MAX_SAVED

  constructor(options: HedgeOptions) {
    this.#options = options
    this.#latencies = new Latencies(options.quantile)
  }

  /**
   * What the first of the reads gives. Where one fails, the others go on; where all do, it is the error of the first that failed.
   *
   * @param bytes that are asked for: large reads take longer than small ones
   * @param read is called once, or a few times side by side; it must end when its signal aborts
   */
  read<T>(bytes: number, read: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { host, quantile, upTo } = this.#options
    this.counts.reads++
    this.#saved = Math.min(MAX_SAVED, this.#saved + EARNED * (1 - quantile))
    const usual = this.#latencies.of(bytes)
    const begun: { readonly link: LinkedSignal; readonly at: number }[] = []
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const errors: unknown[] = []
    let isOver = false
    let timer: Disposable | undefined
    const end = () => {
      isOver = true
      timer?.[Symbol.dispose]()
      for (const { link } of begun) {
        link.abort(SLOWER)
        link[Symbol.dispose]()
      }
    }
    const begin = async () => {
      const number = begun.length
      const [link, at] = [linkSignals(signal), host.monotonic()]
      begun.push({ link, at })
      if (usual !== undefined && begun.length < upTo)
        timer = host.setTimer(Math.max(MIN_DELAY_MS, usual), () => {
          if (this.#saved < 1) return
          this.#saved--
          this.counts.again++
          void begin()
        })
      try {
        const answer = await read(link.signal)
        if (isOver) return
        if (number > 0) this.counts.won++
        // What those would have taken that were begun before it is this at least; of later ones nothing is known.
        for (const each of begun.slice(0, number + 1)) this.#latencies.add(bytes, host.monotonic() - each.at)
        end()
        resolve(answer)
      } catch (error) {
        errors.push(error)
        if (isOver || errors.length < begun.length) return
        end()
        reject(errors[0])
      }
    }
    void begin()
    return promise
  }
}
