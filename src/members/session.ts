/** One process at the member store: it joins, sends heartbeats, and makes its writes in one order. */
import { sleep } from '../async/signals.ts'
import { Turns } from '../async/turns.ts'
import type { BlockId } from '../contracts/block.ts'
import { BlockgateError, ErrorCode, OwnershipUnavailable } from '../contracts/errors.ts'
import type { Host } from '../contracts/host.ts'
import type { Epoch, MemberStats } from '../contracts/ownership.ts'
import type { StoreCalls } from './calls.ts'
import type {
  AdvertisedChange,
  Heartbeat,
  HeartbeatReply,
  JoinRequest,
  MemberStore,
  Stamp,
  WriteStatus,
} from './contract.ts'
import { changeEpoch } from './epoch-spans.ts'
import type { Served } from './served.ts'

/** A client that lost its connection may send a write twice: the second one is stale, and the next attempt is past it. */
const MAX_STALE = 4
/** Others may join or leave between the read and the join. After so many attempts the next heartbeat tries again. */
const JOIN_ATTEMPTS = 5
/** To join, to publish, and the heartbeat that says so each take a round, and in each the store may have lost this process again. */
const ROUNDS = 3
/** Heartbeats whose delays are remembered: five minutes at the default times. */
const MAX_DELAYS = 60

export interface SessionOptions {
  readonly store: MemberStore
  readonly calls: StoreCalls
  readonly host: Host
  readonly served: Served
  readonly heartbeatMs: number
  /** What the member entry says of this process. `process` is random: it tells a repeated first join from a second process. */
  readonly entry: Pick<JoinRequest, 'id' | 'zone' | 'address' | 'process' | 'fingerprint' | 'bucket'>
  /** Ends the waiting. */
  readonly closed: AbortSignal
  /** The epoch of an answer, as soon as it comes. */
  readonly onEpoch: (epoch: Epoch) => void
  /** The store has lost this process, or a newer process has its id. */
  readonly onLost: () => void
}

/**
 *   new → joined ⇄ lost (down, forgotten, or gone from the store)
 *            ↘       ↘
 *             superseded
 */
export class Session {
  /** The member's. */
  readonly id: string
  readonly calls: StoreCalls
  readonly #options: SessionOptions
  readonly #turns = new Turns<'writes'>()
  /** 0 before the first join. */
  incarnation = 0
  /** The largest epoch that any answer told. */
  seen: Epoch = 0
  /** A newer process has the id: there is no way back. */
  superseded = false
  #sequence = 0
  #joined = false
  #closed = false
  #stats: MemberStats | undefined
  /** When the heartbeat became due that has not begun, on the monotonic clock. */
  #due: number | undefined
  readonly #delays: number[] = []

  constructor(options: SessionOptions) {
    this.#options = options
    this.id = options.entry.id
    this.calls = options.calls
  }

  /** The store has an entry of this process that is up, as far as is known. */
  get joined(): boolean {
    return this.#joined && !this.superseded
  }

  see(epoch: Epoch): void {
    this.seen = Math.max(this.seen, epoch)
  }

  supersede(): void {
    if (this.superseded) return
    this.superseded = true
    this.#options.onLost()
  }

  /** Runs one job at a time, in the order in which they were asked for. */
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
   * Makes one stamped write, inside a turn. Each attempt has a sequence of its own: a write whose answer was lost may land later, and
   * is refused once a newer one has landed.
   * @throws OwnershipUnavailable where this process is not a member now; what `call` rejects with
   */
  async write<T extends Answer>(call: (stamp: Stamp) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.superseded) throw new OwnershipUnavailable('a newer process has the id of this member')
      if (!this.#joined) throw new OwnershipUnavailable('this process is not a member now')
      const answer = await call({ id: this.id, incarnation: this.incarnation, sequence: ++this.#sequence })
      const status = typeof answer === 'string' ? answer : answer.status
      if (status === 'missing' || status === 'down') {
        this.#joined = false
        this.#options.onLost()
      }
      if (status === 'superseded') this.supersede()
      if (status !== 'stale' || attempt === MAX_STALE) return answer
    }
  }

  writeAdvertised(change: AdvertisedChange): Promise<WriteStatus> {
    const { store, calls } = this.#options
    return this.write(stamp => calls.make(() => store.serve(stamp, change)))
  }

  readAdvertised(): Promise<ReadonlySet<BlockId>> {
    const { store, calls } = this.#options
    return calls.make(() => store.advertised(this.id))
  }

  /** Sent with the next heartbeat. */
  report(stats: MemberStats): void {
    this.#stats = stats
  }

  /** A heartbeat is due since `at`, on the monotonic clock. */
  due(at: number): void {
    this.#due ??= at
  }

  /** How late a heartbeat began, ms: the most of the last 60, and of one that has not begun. */
  get delayMs(): number {
    return Math.max(this.#waitedMs, ...this.#delays)
  }

  get #waitedMs(): number {
    return this.#due === undefined ? 0 : this.#options.host.monotonic() - this.#due
  }

  /**
   * Joins where needed, sends a heartbeat, and publishes what is served where the store does not have it.
   * @throws BlockgateError `member-refused` where another process lives under the id, or works on another bucket
   * @throws OwnershipUnavailable where it must be tried again later
   */
  heartbeat(): Promise<void> {
    const { served, host, closed } = this.#options
    return this.inTurn(async () => {
      for (let round = 1; round <= ROUNDS && !this.superseded && !closed.aborted; round++) {
        if (!this.#joined) await this.#join()
        if (this.superseded) return
        const { status, storeId } = await this.#writeHeartbeat()
        if (status === 'missing' || status === 'down') continue
        if (status !== 'ok' || !served.mustTell(storeId)) return
        await served.tell(host, this, storeId)
      }
    })
  }

  async #writeHeartbeat(): Promise<HeartbeatReply> {
    const { store, calls, served, onEpoch } = this.#options
    if (this.#due !== undefined) this.#delays.push(this.#waitedMs)
    if (this.#delays.length > MAX_DELAYS) this.#delays.shift()
    this.#due = undefined
    const request = { storeId: served.counts ? served.told : '', stats: this.#stats, seen: this.seen }
    const reply = await this.write(stamp => calls.make(() => store.heartbeat(stamp, request)))
    this.see(reply.epoch)
    onEpoch(reply.epoch)
    return reply
  }

  /** Joins, or comes back; or finds that it is superseded. */
  async #join(): Promise<void> {
    const { store, calls, served, entry, onEpoch, host } = this.#options
    for (let attempt = 1; attempt <= JOIN_ATTEMPTS; attempt++) {
      const replaces = this.incarnation === 0 ? await this.#replaced() : 0
      const order = { incarnation: this.incarnation, sequence: ++this.#sequence, replaces, seen: this.seen }
      const now = () => host.now()
      const change = { cause: `${this.id} joined`, member: this.id, by: this.id, at: now() }
      const write = (trace?: string) => calls.make(() => store.join({ ...entry, ...order, trace }))
      const reply = await changeEpoch(change, write, ({ status }) => status === 'joined', now)
      if (reply.status === 'superseded') return this.supersede()
      if (reply.status === 'other-bucket') throw otherBucket(entry.bucket, reply)
      if (reply.status !== 'joined') continue
      this.incarnation = reply.incarnation
      this.#joined = true
      this.see(reply.epoch)
      // Whatever was claimed before is gone.
      served.lost()
      return onEpoch(reply.epoch)
    }
    throw new OwnershipUnavailable(`the entry of this member changed during each of ${JOIN_ATTEMPTS} joins`)
  }

  /** The incarnation of the entry that a first join takes the place of; 0 for none. Waits until no process is alive under it. */
  async #replaced(): Promise<number> {
    const { heartbeatMs, host, closed } = this.#options
    const before = await this.#stored()
    if (!before.entry) return 0
    const { process, state, incarnation } = before.entry
    // It is of this process where the answer to a join was lost.
    if (
      process === this.#options.entry.process ||
      state === 'down' ||
      !before.heartbeat ||
      before.heartbeat.age >= 2 * heartbeatMs
    ) {
      return incarnation
    }
    await sleep(host, 1.5 * heartbeatMs, closed)
    const after = await this.#stored()
    if (!after.entry) return 0
    if (after.entry.state !== 'down' && moved(before.heartbeat, after.heartbeat)) {
      throw refused(`instance.id must be of one process alone: another one is running as "${this.id}"`)
    }
    return after.entry.incarnation
  }

  async #stored() {
    const { store, calls } = this.#options
    const [entries, { heartbeats }] = await Promise.all([
      calls.make(() => store.entries()),
      calls.make(() => store.heartbeats()),
    ])
    this.see(entries.epoch)
    return { entry: entries.members.get(this.id), heartbeat: heartbeats.get(this.id) }
  }
}

type Answer =
  | WriteStatus
  | 'older'
  | 'epoch'
  | 'frozen'
  | { readonly status: WriteStatus | 'down' | 'epoch' | 'frozen' }

function moved(before: Heartbeat, after: Heartbeat | undefined): boolean {
  return after !== undefined && (after.incarnation !== before.incarnation || after.sequence !== before.sequence)
}

function otherBucket(mine: string, { member, bucket }: { readonly member: string; readonly bucket: string }) {
  return refused(
    `bucket must be the one of the other members: current value is ${mine}, "${member}" has ${bucket}; where both lead to one bucket, give all members one \`identity\` (s3() has it as an option)`,
  )
}

function refused(message: string): BlockgateError {
  return new BlockgateError(ErrorCode.memberRefused, message)
}
