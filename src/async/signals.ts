/** Signals and waiting, on a host's timers. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'

/** One signal of several that can be taken apart again: its listeners go when it is disposed. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal
  abort(reason: unknown): void
}

type Forward = () => void
/** Of each signal that many follow: how to tell each of those. */
const followers = new WeakMap<AbortSignal, (Forward | undefined)[]>()

/**
 * To be called for a signal that outlives thousands of linked ones. A listener that was removed still refers to the one after it, and the
 * last one to go takes its table along: once one of them is among V8's old objects, all that come later get there as well, with the blocks
 * that hang on them, and only a long collection takes them away. Places in a list refer to nothing.
 */
export function manyFollow(signal: AbortSignal): void {
  const places: (Forward | undefined)[] = []
  followers.set(signal, places)
  signal.addEventListener('abort', () => {
    for (const forward of places) forward?.()
  })
}

/** Puts `to` where `from` stands, or at the end. */
function put(places: (Forward | undefined)[], from: Forward | undefined, to: Forward | undefined): void {
  const at = places.indexOf(from)
  places[at < 0 ? places.length : at] = to
}

/**
 * A signal that aborts with the first of `parents`, or by `abort()`. Unlike AbortSignal.any it leaves nothing on a
 * long-lived parent once disposed, so one run's signal does not collect a listener per block.
 */
export function linkSignals(...parents: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController()
  const forward = () => {
    for (const parent of parents) if (parent?.aborted) controller.abort(parent.reason)
  }
  for (const parent of parents) {
    const places = followers.get(parent as AbortSignal)
    if (places) put(places, undefined, forward)
    else parent?.addEventListener('abort', forward)
  }
  forward()
  return {
    signal: controller.signal,
    abort: reason => controller.abort(reason),
    [Symbol.dispose]() {
      for (const parent of parents) {
        const places = followers.get(parent as AbortSignal)
        if (places) put(places, forward, undefined)
        else parent?.removeEventListener('abort', forward)
      }
    },
  }
}

/** Resolves after `ms` of the host's time; rejects with the signal's reason when it aborts first. */
export async function sleep(host: Host, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = host.setTimer(ms, resolve)
  try {
    await (signal ? orAborted(promise, signal) : promise)
  } finally {
    timer[Symbol.dispose]()
  }
}

/** Settles as `work` does, or rejects with the signal's reason, whichever is first. `work` itself goes on. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) {
      work.catch(() => {})
      return onAbort()
    }
    signal.addEventListener('abort', onAbort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** As orAborted, and rejects with what `late` gives once `ms` of the host's time are over. `signal` may be absent. */
export async function within<T>(
  host: Host,
  ms: number,
  signal: AbortSignal | undefined,
  late: () => unknown,
  work: Promise<T>,
): Promise<T> {
  const link = linkSignals(signal)
  const timer = host.setTimer(ms, () => link.abort(late()))
  try {
    return await orAborted(work, link.signal)
  } finally {
    timer[Symbol.dispose]()
    link[Symbol.dispose]()
  }
}

/** Waits until all of it has ended, and then rejects with the first that was rejected. */
export async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(work)
  await Promise.all(work)
}

export interface Limits {
  readonly host: Host
  /** How long a plugin may take for one answer, ms. */
  readonly stageTimeoutMs: number
}

/**
 * Settles as `work` does. What is answered after the limit, or after the abort, is not looked at.
 * @throws BlockgateError `stage-stuck` with `what` once the limit is over; the reason of `signal`
 */
export function limited<T>(
  { host, stageTimeoutMs: ms }: Limits,
  signal: AbortSignal,
  what: string,
  work: Promise<T>,
): Promise<T> {
  const late = () =>
    new BlockgateError(ErrorCode.stageStuck, `${what} timed out after ${ms / 1000} s (option stageTimeout)`)
  return within(host, ms, signal, late, work)
}
