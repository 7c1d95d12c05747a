/**
 * Calls of a listing to the file system: now, while what they ask for is in memory, as a call through the thread pool costs thrice the CPU;
 * through the thread pool where one was slow, where the event loop has waited for long enough, and always on a file system of the network:
 * NFS may wait for its server for ever, and the whole process with it.
 */
import type { Host } from 'blockgate'

/** How long the event loop may wait for calls, ms. */
const TURN_MS = 2
/** A call that took longer was not in memory, ms. */
const SLOW_MS = 0.5
/** So many go through the thread pool after a slow one. */
const LATER = 64

/** Types by statfs(2) of file systems on disks of the machine, or in its memory: ext, xfs, btrfs, zfs, f2fs, tmpfs, overlayfs. */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0x01021994, 0x794c7630,
])

export class Pace {
  /** Without one, all calls go through the thread pool. */
  #host: Pick<Host, 'monotonic'> | undefined
  #later = 0
  /** When a call last came back from the thread pool, or the first one was made. */
  #turn: number | undefined

  /** `type` is that of the file system by statfs(2); undefined where it is not known. */
  begin(host: Pick<Host, 'monotonic'>, type: number | undefined): void {
    this.#host = type !== undefined && LOCAL.has(type) ? host : undefined
  }

  /** What `now` gives, or `later`: the same, by another way. */
  async call<T>(now: () => T, later: () => Promise<T>): Promise<T> {
    const host = this.#host
    if (!host) return await later()
    const began = host.monotonic()
    this.#turn ??= began
    if (this.#later === 0 && began - this.#turn <= TURN_MS) {
      try {
        return now()
      } finally {
        if (host.monotonic() - began > SLOW_MS) this.#later = LATER
      }
    }
    this.#later = Math.max(0, this.#later - 1)
    try {
      return await later()
    } finally {
      this.#turn = host.monotonic()
    }
  }
}
