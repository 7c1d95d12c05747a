/** The store that all members share, as it truly is: one table behind one clock, and what may happen to it as a whole. */
import type { BlockId, Epoch } from 'blockgate'
import { MemberTable } from 'blockgate/members'
import type { LockTable } from '../support/lock-table.ts'
import type { Cluster } from './cluster.ts'
import type { LockServer } from './locks.ts'
import type { Running } from './running.ts'

const WALL_START = Date.UTC(2026, 0, 1)

export interface Snapshot {
  readonly members: ReturnType<MemberTable['snapshot']>
  /** Of the lock server that is the same Redis. */
  readonly locks: ReturnType<LockTable['snapshot']> | undefined
}

export class StoreServer {
  readonly table: MemberTable
  up = true
  /** Of each epoch: the members that counted for placement. */
  readonly placed = new Map<Epoch, ReadonlySet<string>>()
  /** Of each epoch: the placement that was published last. */
  readonly published = new Map<Epoch, Epoch | undefined>()
  readonly #cluster: Cluster
  readonly #watchers = new Set<() => void>()
  #stores = 1
  /** The last that was told. */
  #epoch: Epoch = 0
  /** Of the server's clock against true time. Another server has another clock. */
  #skew = 0

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    const options = { clock: () => WALL_START + cluster.scheduler.now + this.#skew, storeId: 'store-1' }
    this.table = cluster.variant.table?.(options) ?? new MemberTable(options)
    this.table.onEpoch(() => {
      const { epoch, cause, members, placement } = this.table.entries()
      for (const watcher of this.#watchers) watcher()
      if (epoch === this.#epoch) return
      this.#epoch = epoch
      cluster.note('store', 'epoch', cause)
      this.placed.set(epoch, new Set([...members.values()].filter(m => m.placed && !m.draining).map(m => m.id)))
      this.published.set(epoch, placement?.version)
      cluster.watch.epoch()
    })
  }

  watch(watcher: () => void): Disposable {
    this.#watchers.add(watcher)
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) }
  }

  snapshot(): Snapshot {
    return { members: this.table.snapshot(), locks: this.#locks?.table.snapshot() }
  }

  empty(): void {
    this.#lose(table => table.clear(this.#nextId()))
    if (this.#locks) this.#cluster.locks.lose(this.#locks, ({ table }) => table.empty())
  }

  failOver({ members, locks }: Snapshot, skew: number): void {
    this.#skew = skew
    this.#lose(table => table.restore(members, this.#nextId()))
    if (this.#locks && locks) this.#cluster.locks.lose(this.#locks, ({ table }) => table.restore(locks))
  }

  /** For the members this process is one of them, and up. */
  knows(running: Running): boolean {
    const entry = this.table.entries().members.get(running.id)
    return entry !== undefined && entry.state !== 'down' && entry.incarnation === running.incarnation
  }

  /** The store has the process's claim on one of these blocks. */
  claims(running: Running, ids: readonly BlockId[]): boolean {
    if (!this.knows(running)) return false
    const claims = this.table.advertised(running.id)
    return ids.some(id => claims.has(id))
  }

  /** The process's claims that a release may count. */
  counted(running: Running): ReadonlySet<BlockId> {
    const told = this.table.heartbeats().heartbeats.get(running.id)?.storeId
    const counts = told === this.table.entries().storeId && this.knows(running)
    return counts ? this.table.advertised(running.id) : new Set()
  }

  #lose(change: (table: MemberTable) => void): void {
    const before = { record: this.table.entries(), slots: this.table.slots(undefined) }
    change(this.table)
    if (before.slots) this.#cluster.rules.forgot({ ...before, slots: before.slots })
  }

  /** The lock server that is this Redis. */
  get #locks(): LockServer | undefined {
    return this.#cluster.options.leases?.inStore ? this.#cluster.locks.servers[0] : undefined
  }

  #nextId(): string {
    this.#cluster.note('store', 'is a new one')
    return `store-${++this.#stores}`
  }
}
