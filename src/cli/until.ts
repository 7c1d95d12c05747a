/** Waiting for others: to ask again and again until the answer fits, or the time is up. */
import { sleep } from '../async/signals.ts'
import { isOwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'

const AGAIN_MS = 2_000

/**
 * The first answer that `isSo`, or the last one within `waitMs`; with 0 it asks once. It also asks again while the member
 * store cannot be reached.
 * @throws OwnershipUnavailable where it cannot be reached at the end
 */
export async function until<T>(
  host: Host,
  waitMs: number,
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
): Promise<T> {
  const end = host.monotonic() + waitMs
  for (;;) {
    // Decided before the question: the last one is asked when the time is up, however long the answers take.
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
