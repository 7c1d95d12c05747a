/** The lock servers of the option `clients`: what is wrong with it, and a connection to each that answers in bounded time or fails. */
import { BlockgateError, backoffMs, ErrorCode, type Host, type Problem } from 'blockgate'
import { elapsed, type Mark, mark } from 'blockgate/members'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import { BACKOFF, type Connection, closed, databaseCheck, failFast, opener } from '../../store/redis/fail-fast.ts'
import { Failures } from '../../store/redis/failures.ts'
import { type Address, addressOf, isClient, placeOf, secretsOf, withoutUser } from '../../store/redis/options.ts'
import type { LockClient } from './locks.ts'

export interface LockServersOptions {
  /** As `clientProblems()` lets pass. */
  readonly clients: readonly (string | RedisClient)[]
  readonly host: Host
  /** For each answer, and for a connection. */
  readonly timeoutMs: number
}

/** Connections of one process to all its lock servers. They come back by themselves until `stop()`. */
export class LockServers {
  readonly clients: readonly LockClient[]
  readonly #servers: readonly LockServer[]

  private constructor(servers: readonly LockServer[]) {
    this.clients = servers
    this.#servers = servers
  }

  /** Resolves when each server has been reached, or not within the time-out. Rejects for no server that is away. */
  static async open({ clients, ...options }: LockServersOptions): Promise<LockServers> {
    const servers = await Promise.all(clients.map(client => LockServer.make(client, options)))
    await Promise.all(servers.map(server => server.connect()))
    return new LockServers(servers)
  }

  /** Closes the connections; what waits for an answer fails. Safe twice. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map(server => server.stop()))
  }
}

/** A second, and never more than a sixth of the TTL: a renewal after a third of it that fails can be tried again. */
export function requestTimeoutMs(ttlMs: number): number {
  return Math.min(1_000, ttlMs / 6)
}

/** What is wrong with the option `clients`; a user or a password is left out of what it says. */
export function clientProblems(clients: unknown): readonly Problem[] {
  if (!Array.isArray(clients) || clients.length === 0)
    return [{ path: 'clients', must: 'be a list of lock servers, such as [url]', value: shown(clients) }]
  const count = { path: 'clients', must: 'be an odd number (1 or 3)', value: clients.length }
  const entries = clients.map((client: unknown, i): Problem | undefined => {
    const path = `clients[${i}]`
    const value = shown(client)
    const server = serverOf(client)
    if (server === undefined) return { path, must: CLIENT_MUST, value }
    const twin = clients.findIndex(other => serverOf(other) === server)
    if (twin === i) return undefined
    return { path, must: `be another server than clients[${twin}]: each has one vote`, value: shown(client) }
  })
  return [...(clients.length % 2 === 0 ? [count] : []), ...entries.filter(problem => problem !== undefined)]
}

const CLIENT_MUST =
  'be a redis:// or rediss:// URL with a host and nothing behind the database, or a client of ioredis for one Redis'

/** The part of ioredis' Redis that locks need. */
interface LockConnection extends Connection {
  evalsha(hash: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown>
  eval(script: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown>
}

class LockServer implements LockClient {
  readonly #host: Host
  readonly #timeoutMs: number
  readonly #place: string
  readonly #failures: Failures
  readonly #connection: LockConnection
  readonly #checkDatabase: () => void
  /** Tries to connect since it answered last. */
  #attempts = 0
  /** When the first request was sent that was not answered, nor any after it. */
  #silent: Mark | undefined
  #away = false
  #stopped = false

  private constructor(
    address: Address | RedisClient,
    { host, timeoutMs }: Omit<LockServersOptions, 'clients'>,
    open: (override: object) => LockConnection,
  ) {
    this.#host = host
    this.#timeoutMs = timeoutMs
    this.#place = placeOf(address)
    this.#failures = new Failures(this.#place, secretsOf(address))
    const again = () => backoffMs(host, BACKOFF, ++this.#attempts)
    // Many locks are taken and renewed at once: they go as one packet.
    this.#connection = open({ ...failFast(timeoutMs, again), enableAutoPipelining: true })
    // Without a listener ioredis writes to the console.
    this.#connection.on('error', error => this.#failures.connectionFailed(error))
    this.#checkDatabase = databaseCheck(this.#connection)
  }

  /** Loads ioredis for a URL; nothing is connected yet. */
  static async make(client: string | RedisClient, options: Omit<LockServersOptions, 'clients'>): Promise<LockServer> {
    const address = typeof client === 'string' ? addressOf(client) : client
    if (!address) throw new BlockgateError(ErrorCode.startFailed, `clients must each ${CLIENT_MUST}`, { at: 'redlock' })
    return new LockServer(address, options, await opener<LockConnection>(address))
  }

  async connect(): Promise<void> {
    // Where it fails, an 'error' event has said why, and it is tried again.
    await this.#inTime(this.#connection.connect()).catch(() => {})
  }

  evalsha(hash: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown> {
    return this.#answer('evalsha', () => this.#connection.evalsha(hash, keyCount, args))
  }

  eval(script: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown> {
    return this.#answer('eval', () => this.#connection.eval(script, keyCount, args))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await closed(this.#connection)
  }

  async #answer(doing: string, ask: () => Promise<unknown>): Promise<unknown> {
    this.#silent ??= mark(this.#host)
    try {
      this.#checkDatabase()
      const reply = await this.#inTime(ask())
      this.#checkDatabase()
      if (typeof reply !== 'number') throw new Error(`the answer must be a number: it is a ${typeof reply}`)
      this.#answered()
      return reply
    } catch (error) {
      const text = error instanceof Error ? error.message : ''
      // An answer, too: the script is to be sent as text.
      if (text.startsWith('NOSCRIPT')) {
        this.#answered()
        throw error
      }
      if (text !== TIMED_OUT) this.#silent = undefined
      else if (elapsed(this.#silent ?? mark(this.#host), mark(this.#host)) >= 2 * this.#timeoutMs) this.#reconnect()
      const failure = this.#failures.unavailable(doing, error)
      const fields = { server: this.#place, error: failure.message }
      if (!this.#away && !this.#stopped) this.#host.log.warn('a lock server does not do what it must', fields)
      this.#away = true
      throw failure
    }
  }

  /**
   * An address that nobody is behind any more breaks no connection by itself. But a server that only hung does what it was asked
   * before, so what is released after a time-out must go the same way, or a lock that nobody has would stand until its end.
   */
  #reconnect(): void {
    this.#silent = undefined
    if (!this.#stopped && this.#connection.status === 'ready') this.#connection.disconnect(true)
  }

  #answered(): void {
    this.#attempts = 0
    this.#silent = undefined
    this.#failures.connected()
    if (this.#away) this.#host.log.info('a lock server answers again', { server: this.#place })
    this.#away = false
  }

  /** Whatever a client of the user's own does with its requests, such as keeping them until its server is back. */
  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = this.#host.setTimer(this.#timeoutMs, () => reject(new Error(TIMED_OUT)))
    try {
      return await Promise.race([answer, promise])
    } finally {
      timer[Symbol.dispose]()
    }
  }
}

/** As ioredis says it. */
const TIMED_OUT = 'Command timed out'

/** The same for the same server; undefined for what is none. */
function serverOf(client: unknown): string | undefined {
  if (typeof client === 'string') {
    const address = addressOf(client)
    return address && placeOf(address).toLowerCase()
  }
  if (!isClient(client)) return undefined
  const { sentinels } = client.options as { readonly sentinels?: unknown }
  // Every Sentinel may call its Redis `mymaster`.
  return placeOf(client).toLowerCase() + (Array.isArray(sentinels) ? JSON.stringify(sentinels) : '')
}

/** Nothing of an object: a client has a password. */
function shown(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? 'an object' : withoutUser(value)
}
