/** The lock of a command on the `dir` of its config: two processes on one folder would remove what the other one is loading. */
import { linkSignals, orAborted, within } from '../async/signals.ts'
import type { ResolvedConfig } from '../config/config.ts'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import { lockFolder } from '../runtime/node.ts'

const UNLOCK_MS = 2_000
/** A warning is logged where the disk takes longer, ms. */
const LONG_MS = 30_000

/**
 * @param command its name, for whoever finds `dir` in use
 * @throws BlockgateError `dir-in-use`; `start-failed` where the disk does not answer; the reason of `signal`
 */
export async function lockDir(
  { dir, startTimeoutMs: ms }: ResolvedConfig,
  host: Host,
  command: string,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  using link = linkSignals(signal)
  const late = new BlockgateError(ErrorCode.startFailed, `dir "${dir}" must answer within ${ms} ms`)
  let timers: readonly Disposable[] = []
  const stopTimers = () => {
    for (const timer of timers) timer[Symbol.dispose]()
  }
  /** The time that lockFolder() waits for a process on another machine does not count. */
  const startTimers = (waitMs: number) => {
    stopTimers()
    timers = [
      host.setTimer(waitMs + ms, () => link.abort(late)),
      host.setTimer(waitMs + LONG_MS, () => host.log.warn('dir takes long to answer', { dir })),
    ]
  }
  startTimers(0)
  try {
    const options = { signal: link.signal, onWait: startTimers }
    return releasedSoon(host, await orAborted(lockFolder(dir, `blockgate ${command}`, host, options), link.signal))
  } finally {
    stopTimers()
  }
}

/** A disk that does not answer must not keep the process. */
function releasedSoon(host: Host, lock: AsyncDisposable): AsyncDisposable {
  const late = () => new Error(`it must be released within ${UNLOCK_MS} ms`)
  return {
    async [Symbol.asyncDispose]() {
      try {
        await within(host, UNLOCK_MS, undefined, late, Promise.resolve(lock[Symbol.asyncDispose]()))
      } catch (error) {
        host.log.error('the lock of dir was not released', { error: rawMessageOf(error) })
      }
    },
  }
}
