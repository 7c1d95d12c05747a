/** Leases of placement: nothing is locked, so what is held is judged by the last look whenever somebody asks. */
import type { BlockMeta } from '../contracts/block.ts'
import { LeaseLost } from '../contracts/errors.ts'
import type { Lease } from '../contracts/ownership.ts'
import type { Assign } from './assigned.ts'
import type { Membership } from './membership.ts'

/** What a grant stands on beside the record: a lock, for plugins that have one. */
export interface LeasedLock {
  readonly fence: number
  readonly valid: boolean
  /** Aborts when it is not valid any more. */
  readonly signal: AbortSignal
}

interface Granted {
  readonly block: BlockMeta
  readonly lock: LeasedLock | undefined
  readonly controller: AbortController
}

export class Leases {
  readonly #membership: Membership
  readonly #assign: Assign
  readonly #granted = new Set<Granted>()

  constructor(membership: Membership, assign: Assign) {
    this.#membership = membership
    this.#assign = assign
    membership.watch(() => this.#check())
    membership.onLook(() => this.#check())
  }

  /** A lease that is lost for a load that has begun only where another live member serves the block. */
  grant(block: BlockMeta, lock?: LeasedLock): Lease {
    const granted: Granted = { block, lock, controller: new AbortController() }
    const onLost = () => this.#check()
    lock?.signal.addEventListener('abort', onLost)
    const { signal } = granted.controller
    this.#granted.add(granted)
    return {
      fence: lock?.fence,
      signal,
      assertHeld: (before = 'commit') => {
        signal.throwIfAborted()
        const why = this.#lost(granted, before)
        if (why !== undefined) throw new LeaseLost(why)
      },
      [Symbol.asyncDispose]: async () => {
        lock?.signal.removeEventListener('abort', onLost)
        this.#granted.delete(granted)
      },
    }
  }

  #check(): void {
    for (const granted of this.#granted) {
      const { controller } = granted
      const why = controller.signal.aborted ? undefined : this.#lost(granted, 'commit')
      if (why !== undefined) controller.abort(new LeaseLost(why))
    }
  }

  /**
   * What is not known begins no load: then nothing is wasted. It ends none: a copy too many is harmless, a load that is thrown away
   * again and again is not.
   */
  #lost({ block, lock }: Granted, before: 'load' | 'commit'): string | undefined {
    const { known, me, session } = this.#membership
    if (session?.superseded) return before === 'load' ? 'a newer process has the id of this member' : undefined
    if (lock?.valid === false && before === 'load') return 'the lock of the slot is not valid any more'
    if (!known) return before === 'load' ? 'it is not known now who owns the block' : undefined
    const { targets, failoverOwner } = this.#assign(block, known.record)
    if (lock?.valid !== false && (targets.includes(me) || failoverOwner === me)) return undefined
    if (before === 'load') return `the block belongs to ${targets.join(', ') || 'nobody'}`
    const server = [...known.live].find(id => id !== me && this.#membership.serves(id, block.ulid))
    return server && `the block belongs to ${targets.join(', ') || 'nobody'}, and ${server} serves it`
  }
}
