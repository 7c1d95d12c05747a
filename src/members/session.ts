/** One process at the member store: its incarnation, the order of its writes, and what their answers say of it. */
import { Turns } from '../async/turns.ts'
import { OwnershipUnavailable } from '../contracts/errors.ts'
import type { Epoch } from '../contracts/ownership.ts'
import type { Stamp, WriteStatus } from './contract.ts'

/** A write is stale only where a newer one of this process landed; the next one is past it. */
const MAX_STALE = 4

/**
 *   new → joined ⇄ lost (down, forgotten, or gone from the store)
 *            ↘       ↘
 *             superseded
 */
export class Session {
  readonly id: string
  /** Tells a repeated first join of this process from another process with the same id. */
  readonly process: string
  readonly #turns = new Turns<'writes'>()
  readonly #onChange: () => void
  #incarnation = 0
  #sequence = 0
  #seen: Epoch = 0
  #joined = false
  #superseded = false
  #closed = false

  /** `onChange` is called after the process was lost or superseded. */
  constructor(id: string, process: string, onChange: () => void) {
    this.id = id
    this.process = process
    this.#onChange = onChange
  }

  /** 0 before the first join. */
  get incarnation(): number {
    return this.#incarnation
  }

  /** The store has a record of this process that is up, as far as is known. */
  get joined(): boolean {
    return this.#joined && !this.#superseded
  }

  get superseded(): boolean {
    return this.#superseded
  }

  /** The largest epoch that any answer told. */
  get seen(): Epoch {
    return this.#seen
  }

  see(epoch: Epoch): void {
    if (epoch > this.#seen) this.#seen = epoch
  }

  /** Burnt with each use: a write whose answer was lost may land later, and is refused once a newer one has landed. */
  nextSequence(): number {
    return ++this.#sequence
  }

  welcome(incarnation: number): void {
    this.#incarnation = incarnation
    this.#joined = true
  }

  /** The record is gone, or says down: join again. */
  lose(): void {
    if (!this.#joined) return
    this.#joined = false
    this.#onChange()
  }

  /** A newer process has the id: there is no way back. */
  supersede(): void {
    if (this.#superseded) return
    this.#superseded = true
    this.#onChange()
  }

  /** One at a time, in the order in which they were asked for. */
  inTurn<T>(job: () => Promise<T>): Promise<T> {
    return this.#turns.run('writes', async () => {
      if (this.#closed) throw new OwnershipUnavailable('the ownership plugin has stopped')
      return job()
    })
  }

  /** Jobs that have not begun are rejected. */
  close(): void {
    this.#closed = true
  }

  /**
   * One stamped write, inside a turn; `call` makes it.
   * @throws OwnershipUnavailable where this process is not a member now; what `call` rejects with
   */
  async write<T extends Answer>(call: (stamp: Stamp) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.#superseded) throw new OwnershipUnavailable('a newer process has the id of this member')
      if (!this.#joined) throw new OwnershipUnavailable('this process is not a member now')
      const answer = await call({ id: this.id, incarnation: this.#incarnation, sequence: this.nextSequence() })
      const status = typeof answer === 'string' ? answer : answer.status
      if (status === 'missing' || status === 'down') this.lose()
      if (status === 'superseded') this.supersede()
      if (status !== 'stale' || attempt === MAX_STALE) return answer
    }
  }
}

type Answer = WriteStatus | 'older' | { readonly status: WriteStatus | 'down' | 'epoch' | 'frozen' }
