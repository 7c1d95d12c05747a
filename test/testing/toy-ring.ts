/** A small whole ownership plugin: what the ownership kit is tried on, and what its broken variants start from. */
import {
  type BlockId,
  type BlockMeta,
  blockIdTime,
  type Host,
  held,
  type Lease,
  type OwnershipChange,
  type OwnershipPlugin,
} from 'blockgate'

/** What the members of one toy cluster share. */
export class ToyCluster {
  readonly members: string[] = []
  readonly serves = new Map<string, ReadonlySet<BlockId>>()
  readonly holders = new Map<BlockId, string>()
  readonly listeners = new Set<(change: OwnershipChange) => void>()
  epoch = 0
  /** By how many hours the shares of the members have moved. */
  shift = 0

  /** What was whose is the other's. */
  change(): void {
    this.epoch++
    this.shift += 2
    for (const listener of this.listeners) listener({ epoch: this.epoch, affects: () => true })
  }
}

/** The blocks of every other two hours are the member's own. */
export function toyRing(cluster: ToyCluster = new ToyCluster()): OwnershipPlugin {
  let me = ''
  let stopped = false
  let timer: Disposable | undefined
  const isTarget = (block: BlockMeta) => (blockIdTime(block.ulid) / 3_600_000 + cluster.shift) % 4 < 2
  const heartbeat = (host: Host) => {
    timer = host.setTimer(3000, () => {
      if (!stopped) heartbeat(host)
    })
  }
  return {
    name: 'toy-ring',
    exclusive: false,
    epoch: () => cluster.epoch,
    async start(services) {
      me = services.instance.id
      cluster.members.push(me)
      heartbeat(services.host)
    },
    async stop() {
      stopped = true
      timer?.[Symbol.dispose]()
    },
    async claim(block, signal) {
      signal.throwIfAborted()
      const { epoch } = cluster
      if (isTarget(block)) return { status: 'granted', epoch, lease: held }
      return { status: 'denied', epoch, reason: 'not-owner', owners: ['someone-else'] }
    },
    watch(listener) {
      const mine = (change: OwnershipChange) => listener(change)
      cluster.listeners.add(mine)
      return { [Symbol.dispose]: () => void cluster.listeners.delete(mine) }
    },
    handover: {
      async publish(served) {
        cluster.serves.set(me, served)
      },
      async serve() {},
      release: async ({ superseding }) => (isTarget(superseding) ? 'kept' : 'released'),
      owners: block => [{ member: me, rank: 0, target: isTarget(block), serves: false, live: true }],
      members: () =>
        cluster.members.map(id => ({ id, zone: undefined, address: undefined, state: 'active', heartbeatAge: 0 })),
      standing: () => 'member',
      ready() {},
      report() {},
      counts: () => ({ storeErrors: 0, refusedExpiries: 0, broken: 0 }),
    },
  }
}

/** One holder a block, recorded in the cluster. */
export function toyLock(cluster: ToyCluster = new ToyCluster()): OwnershipPlugin {
  let me = ''
  return {
    name: 'toy-lock',
    exclusive: true,
    epoch: () => 0,
    async start({ instance }) {
      me = instance.id
    },
    async claim({ ulid }) {
      const holder = cluster.holders.get(ulid)
      if (holder !== undefined) return { status: 'denied', epoch: 0, reason: 'locked', owners: [holder] }
      cluster.holders.set(ulid, me)
      return { status: 'granted', epoch: 0, lease: lockOf(cluster, ulid, me) }
    },
  }
}

function lockOf(cluster: ToyCluster, id: BlockId, me: string): Lease {
  return {
    ...held,
    fence: ++cluster.epoch,
    async [Symbol.asyncDispose]() {
      if (cluster.holders.get(id) === me) cluster.holders.delete(id)
    },
  }
}
