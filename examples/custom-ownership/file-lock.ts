import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  type BlockMeta,
  type Claim,
  checkOptions,
  type Lease,
  LeaseLost,
  type OwnershipChange,
  type OwnershipPlugin,
  OwnershipUnavailable,
} from 'blockgate'
import * as v from 'valibot'
import { holderOf, type LockFile, takeLock } from './lock-file.ts'

export interface FileLockOptions {
  /** A folder on a local disk, the same for all processes. */
  readonly dir: string
  /** Blocks fall into so many buckets, each a lock; the same in all processes. */
  readonly buckets: number
  /** How many of them this process takes, at most. */
  readonly most: number
}

export interface FileLock extends OwnershipPlugin {
  /** Looks at all locks, as it does every second: tells of those that were lost, or have another holder. */
  look(): Promise<void>
}

interface Held {
  readonly lock: LockFile
  readonly controller: AbortController
}

const LOOK_MS = 1_000

/** Processes of one machine share the blocks: each owns those whose buckets it was the first to lock, until it stops. */
export function fileLock(options: FileLockOptions): FileLock {
  const { dir, buckets, most } = options
  const held = new Map<number, Held>()
  const taking = new Map<number, Promise<Held | undefined>>()
  const holders = new Map<number, string | undefined>()
  const listeners = new Set<(change: OwnershipChange) => void>()
  let me = ''
  let epoch = 1
  let timer: Disposable | undefined
  let last: Promise<unknown> = Promise.resolve()

  const folderOf = (bucket: number) => join(dir, String(bucket))

  const lose = (bucket: number, { controller }: Held) => {
    if (held.get(bucket)?.controller === controller) held.delete(bucket)
    controller.abort(new LeaseLost(`somebody has deleted the lock of bucket ${bucket}`, { at: 'file-lock' }))
  }

  const leaseOf = (bucket: number, mine: Held): Lease => ({
    fence: mine.lock.fence,
    signal: mine.controller.signal,
    assertHeld() {
      // Looks at the file: what this process remembers may be old.
      if (!mine.lock.isHeld()) lose(bucket, mine)
      mine.controller.signal.throwIfAborted()
    },
    // The bucket stays locked: what was loaded is claimed again in the next run.
    async [Symbol.asyncDispose]() {},
  })

  const take = async (bucket: number): Promise<Held | undefined> => {
    if (held.size >= most) return undefined
    const lock = await takeLock(folderOf(bucket), me)
    if (!lock) return undefined
    const mine = { lock, controller: new AbortController() }
    held.set(bucket, mine)
    holders.set(bucket, me) // no news
    return mine
  }

  /**
   * One try for a bucket, however many of its blocks are claimed at once, and one bucket after another: else two processes that try
   * the same ones could both count what they do not get, and leave the rest to nobody.
   */
  const heldOrTaken = (bucket: number): Promise<Held | undefined> => {
    const known = held.get(bucket)
    if (known) return Promise.resolve(known)
    const begun = taking.get(bucket)
    if (begun) return begun
    const tried = last.then(() => take(bucket)).finally(() => taking.delete(bucket))
    taking.set(bucket, tried)
    last = tried.catch(() => {}) // told to whoever claims
    return tried
  }

  const look = async () => {
    for (const [bucket, mine] of [...held]) if (!mine.lock.isHeld()) lose(bucket, mine)
    const changed = new Set<number>()
    const compare = async (bucket: number) => {
      const holder = await holderOf(folderOf(bucket))
      if (holders.get(bucket) !== holder) changed.add(bucket)
      holders.set(bucket, holder)
    }
    await Promise.all(Array.from({ length: buckets }, (_, bucket) => compare(bucket)))
    if (changed.size === 0) return
    epoch++ // before the listeners are told: who asks again gets the new answer
    const affects = ({ ulid }: BlockMeta) => changed.has(bucketOf(ulid, buckets))
    for (const listener of listeners) listener({ epoch, affects })
  }

  return {
    name: 'file-lock',
    exclusive: true,
    check: () => {
      const count = v.pipe(v.number(), v.integer('be an integer'), v.minValue(1, 'be >= 1'))
      return checkOptions(options, {
        dir: v.pipe(v.string(), v.minLength(1, 'not be empty')),
        buckets: count,
        most: count,
      })
    },
    async start({ instance, host, observer }) {
      // Two processes may have been given one id.
      me = `${instance.id} ${randomUUID()}`
      if (observer) return
      const arm = () => {
        timer = host.setTimer(LOOK_MS, () => {
          arm()
          look().catch(error => host.log.warn('the locks cannot be read', { error: String(error) }))
        })
      }
      arm()
    },
    async stop() {
      timer?.[Symbol.dispose]()
      await Promise.allSettled(taking.values())
      await Promise.all([...held.values()].map(({ lock }) => lock.release()))
      held.clear()
    },
    epoch: () => epoch,
    async claim(block, signal): Promise<Claim> {
      signal.throwIfAborted()
      const bucket = bucketOf(block.ulid, buckets)
      try {
        const mine = await heldOrTaken(bucket)
        if (mine?.lock.isHeld()) return { status: 'granted', epoch, lease: leaseOf(bucket, mine) }
        const holder = await holderOf(folderOf(bucket))
        return { status: 'denied', epoch, reason: 'not-locked', owners: holder ? [holder.split(' ')[0] ?? ''] : [] }
      } catch (cause) {
        // Not knowing is no answer: nothing is added, and nothing that is loaded is dropped.
        throw new OwnershipUnavailable(`the locks in ${dir} must be readable and writable`, { cause, at: 'file-lock' })
      }
    },
    watch(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    look,
  }
}

function bucketOf(ulid: string, buckets: number): number {
  let hash = 0
  for (const letter of ulid) hash = (hash * 31 + letter.charCodeAt(0)) % 0x1_0000_0000
  return hash % buckets
}
