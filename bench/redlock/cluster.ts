/** Gateways of one process that share slots or a ring: a store, lock servers, and plugins without blocks. */
import type { Log, OwnershipPlugin } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { hashRing } from 'blockgate/plugins/ownership/hash-ring'
import { type RedlockOptions, redlock } from 'blockgate/plugins/ownership/redlock'
import { redisStore } from 'blockgate/plugins/store/redis'
import { nodeHost, nodeLog } from 'blockgate/runtime/node'
import { services } from 'blockgate/testing'
import { type RedisServer, startRedis } from '../../test/support/redis.ts'

const CLUSTER = 'bench'
/** Members are set down on purpose here. */
const log: Log = { ...nodeLog(), info: () => {}, warn: () => {} }
const { signal } = new AbortController()

export interface ClusterOptions extends Omit<RedlockOptions, 'store' | 'clients'> {
  /** Lock servers; none: a ring. */
  readonly servers: number
}

export class Cluster implements AsyncDisposable {
  readonly redis: RedisServer
  readonly locks: readonly RedisServer[]
  /** One that only looks. */
  readonly observer: SlotStore
  readonly #options: ClusterOptions
  readonly #members = new Map<string, OwnershipPlugin>()

  private constructor(redis: RedisServer, locks: readonly RedisServer[], options: ClusterOptions) {
    this.redis = redis
    this.locks = locks
    this.observer = redisStore({ cluster: CLUSTER, url: redis.url })
    this.#options = options
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const [redis, ...locks] = await Promise.all(Array.from({ length: 1 + options.servers }, () => startRedis()))
    const cluster = new Cluster(redis as RedisServer, locks, options)
    await cluster.observer.start?.(services({ host: nodeHost({ log }), observer: true }))
    return cluster
  }

  /** Started as a gateway would start it; `port` gives the way to a server. */
  async join(id: string, port = (server: RedisServer) => server.port): Promise<OwnershipPlugin> {
    const url = (server: RedisServer) => `redis://127.0.0.1:${port(server)}`
    const { servers, slots, ttl, ...shared } = this.#options
    const options = { ...shared, store: redisStore({ cluster: CLUSTER, url: url(this.redis) }) }
    const plugin = servers === 0 ? hashRing(options) : redlock({ ...options, slots, ttl, clients: this.locks.map(url) })
    this.#members.set(id, plugin)
    await plugin.start?.(services({ host: nodeHost({ log }), instance: { id, zone: undefined } }))
    return plugin
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#members.values(), this.observer].map(part => part.stop?.(signal)))
    await Promise.all([this.redis, ...this.locks].map(server => server.stop()))
  }
}
