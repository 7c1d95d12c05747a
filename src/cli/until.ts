/** Waiting for others: asked again and again until it is so, or the time is up. */
import { sleep } from '../async/signals.ts'
import { isOwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'

const AGAIN_MS = 2_000

/**
 * The first answer that `isSo`, or the last one within `waitMs`; with 0 it asks once. A member store that is away for a
 * while is asked again, too.
 * @throws OwnershipUnavailable where it is still away at the end
 */
export async function until<T>(
  host: Host,
  waitMs: number,
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
): Promise<T> {
  const end = host.monotonic() + waitMs
  for (;;) {
    // Asked before: the last question is one that was put when the time was up, however long the answers take.
    const isLast = host.monotonic() >= end
    try {
      const answer = await ask()
      if (isSo(answer) || isLast) return answer
    } catch (error) {
      if (!isOwnershipUnavailable(error) || isLast) throw error
    }
    await sleep(host, Math.min(AGAIN_MS, Math.max(0, end - host.monotonic())))
  }
}
