/**
 * Long work in slices. Promises that are settled already go on without the event loop: a loop over 200,000 blocks that only
 * awaits such promises holds up every timer, every answer and this gateway's heartbeat until it is through.
 */
import type { Host } from '../contracts/host.ts'

/** How long the event loop may wait for one slice, ms. A socket gives some 64 KiB a turn: with longer slices a reply of 4 MB takes seconds. */
const SLICE_MS = 2
/** A slice where the clock stands still while we compute, as on Workers: so many steps, of some 50 µs each. */
const SLICE_STEPS = 128
/** Items that make one step of a loop whose body takes no time to speak of. */
const ITEMS = 16
/** What a loop over items gets of each turn also where others have used the slice up, in ms and in steps. */
const SHARE_MS = 1
const SHARE_STEPS = 32

interface Slice {
  /** Which one: those who wait for the end of the same slice share the next one. */
  number: number
  /** When it began, ms of the monotonic clock. */
  since: number
  /** Where the clock stood at the last step, and how many steps were made since it moved. */
  at: number
  steps: number
}

const slices = new WeakMap<Host, Slice>()

/**
 * Called after each step of long work: undefined while it may go on, or else what must be awaited first. All who work on one
 * host share its slices. A step is what may take about 50 µs: one block on its way through the stages, or 16 turns of a plain loop;
 * `steps` is how many were made since the last call.
 * Without a host, as in a stage that was not started, there is no pause.
 * @example for (const block of blocks) { decide(block); await pause(host) }
 */
export function pause(host: Host | undefined, steps = 1): Promise<void> | undefined {
  if (!host) return undefined
  const now = host.monotonic()
  const slice = slices.get(host) ?? { number: 0, since: now, at: now, steps: 0 }
  slices.set(host, slice)
  if (now !== slice.at) {
    slice.at = now
    slice.steps = 0
  }
  slice.steps += steps
  if (slice.steps < SLICE_STEPS && now - slice.since < SLICE_MS) return undefined
  return next(host, slice, slice.number)
}

async function next(host: Host, slice: Slice, number: number): Promise<void> {
  await host.nextTurn()
  if (slice.number !== number) return
  slice.number++
  slice.since = host.monotonic()
  slice.steps = 0
}

/**
 * One loop over items. Beside a run that uses every slice up, a step a turn would be all that it gets: 100,000 ids of another member
 * would be read for a minute.
 */
class Share {
  readonly #host: Host | undefined
  #since: number
  #steps = 0

  constructor(host: Host | undefined) {
    this.#host = host
    this.#since = host?.monotonic() ?? 0
  }

  step(): Promise<void> | undefined {
    this.#steps++
    const spent = (this.#host?.monotonic() ?? 0) - this.#since
    if (spent === 0 ? this.#steps < SHARE_STEPS : spent < SHARE_MS) return undefined
    return this.#pause()
  }

  /** After the last item, and between two passes: many short loops, one after another, are a long one. */
  end(): Promise<void> | undefined {
    this.#steps++
    return this.#pause()
  }

  #pause(): Promise<void> | undefined {
    const turn = pause(this.#host, this.#steps)
    this.#steps = 0
    return turn?.then(() => {
      this.#since = this.#host?.monotonic() ?? 0
    })
  }
}

/** Calls `fn` for each item, with pauses. What is iterated over may change meanwhile, as far as its iterator bears that. */
export async function inSlices<T>(host: Host | undefined, items: Iterable<T>, fn: (item: T) => void): Promise<void> {
  const share = new Share(host)
  let count = 0
  for (const item of items) {
    fn(item)
    if (++count % ITEMS === 0) await share.step()
  }
  const turn = share.end()
  if (turn) await turn
}

/** A sorted copy, with pauses. Items that compare equal keep their order. */
export async function sortInSlices<T>(
  host: Host | undefined,
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  const share = new Share(host)
  let from: T[] = []
  for (let at = 0; at < items.length; at += ITEMS) {
    for (const item of items.slice(at, at + ITEMS).sort(compare)) from.push(item)
    await share.step()
  }
  for (let width = ITEMS; width < from.length; width *= 2) {
    const to: T[] = []
    for (let left = 0; left < from.length; left += 2 * width) {
      const middle = Math.min(left + width, from.length)
      const end = Math.min(middle + width, from.length)
      for (let l = left, r = middle; l < middle || r < end; ) {
        to.push(
          r >= end || (l < middle && compare(from[l] as T, from[r] as T) <= 0) ? (from[l++] as T) : (from[r++] as T),
        )
        if (to.length % ITEMS === 0) await share.step()
      }
    }
    from = to
    const turn = share.end()
    if (turn) await turn
  }
  return from
}
