/** Gateways that share slots or a ring: a store, lock servers, and plugins without blocks. */
import type { OwnershipPlugin } from 'blockgate'
import type { SlotStore } from 'blockgate/members'
import { redisStore } from 'blockgate/plugins/store/redis'
import { services } from 'blockgate/testing'
import { type RedisServer, startRedis } from '../../test/support/redis.ts'
import { CLUSTER, host, type MemberSettings, startMember } from './member.ts'
import { MemberProcess } from './member-process.ts'

export interface ClusterOptions extends MemberSettings {
  /** Lock servers; none: a ring. */
  readonly servers: number
}

const { signal } = new AbortController()

export class Cluster implements AsyncDisposable {
  readonly redis: RedisServer
  readonly locks: readonly RedisServer[]
  /** One that only looks. */
  readonly observer: SlotStore
  readonly #settings: MemberSettings
  readonly #members: OwnershipPlugin[] = []
  readonly #processes: MemberProcess[] = []

  private constructor(redis: RedisServer, locks: readonly RedisServer[], settings: MemberSettings) {
    this.redis = redis
    this.locks = locks
    this.observer = redisStore({ cluster: CLUSTER, url: redis.url })
    this.#settings = settings
  }

  static async start({ servers, ...settings }: ClusterOptions): Promise<Cluster> {
    const [redis, ...locks] = await Promise.all(Array.from({ length: 1 + servers }, () => startRedis()))
    const cluster = new Cluster(redis as RedisServer, locks, settings)
    await cluster.observer.start?.(services({ host: host(), observer: true }))
    return cluster
  }

  /** In this process, as a gateway would start it. */
  async join(id: string): Promise<OwnershipPlugin> {
    const plugin = await startMember({ id, ...this.#urls, settings: this.#settings })
    this.#members.push(plugin)
    return plugin
  }

  /** One that can be killed. It has not joined yet. */
  async process(id: string): Promise<MemberProcess> {
    const process = await MemberProcess.start({ id, ...this.#urls, settings: this.#settings })
    this.#processes.push(process)
    return process
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(process => process.kill()))
    await Promise.all([...this.#members, this.observer].map(part => part.stop?.(signal)))
    await Promise.all([this.redis, ...this.locks].map(server => server.stop()))
  }

  get #urls(): { readonly store: string; readonly clients: readonly string[] } {
    return { store: this.redis.url, clients: this.locks.map(({ url }) => url) }
  }
}
