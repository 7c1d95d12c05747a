/**
 * Lock servers for tests on a fake host, without a network: what `redlock({ clients })` takes in place of clients of ioredis. A
 * connection knows no `commandTimeout`, so that whoever waits for ever is found out. Time is the host's: all waits end by
 * `host.advance()`.
 *
 * @example
 * const { servers, clientsFor } = lockServers(3, host)
 * redlock({ store, clients: clientsFor('gw-1') })
 * servers[0].hung = true
 */
import type { Host } from 'blockgate'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import { type ConnectionOptions, type LockRequest, type Server, TestConnection } from './lock-connection.ts'
import { commandOf, keysOf, type LockArguments, LockTable } from './lock-table.ts'

export interface LockServer {
  /** What it has locked now; `table.empty()` is a restart without persistence. */
  readonly table: LockTable
  /** False: it breaks its connections and refuses new ones. What it has locked stays. Default true. */
  up: boolean
  /** True: connections stand and nothing is answered, as under SIGSTOP; what has arrived is done once it is false. Default false. */
  hung: boolean
  /** Set: what each request is refused with, such as `LOADING Redis is loading the dataset in memory`. Default none. */
  refuses: string | undefined
  /** How long an answer is on its way, in ms; what was asked is done before. Default 0: no time passes. */
  answersAfter: number
  /** `acquire gw-1 key`, `extend …`, `release …` in the order in which they were done, whatever came of them; of several keys a line each. */
  readonly log: string[]
  /** Connections that stand now. */
  readonly connections: number
  /** Nothing gets through between this member and this server, in either direction, and nobody is told. */
  cut(member: string): void
  mend(member: string): void
}

export interface LockServers {
  readonly servers: readonly LockServer[]
  /** For the option `clients` of one member: one for each server. */
  clientsFor(member: string): readonly RedisClient[]
}

/** Servers `lock-0:6379`, `lock-1:6379`, …: up, and empty. */
export function lockServers(count: number, host: Host): LockServers {
  const servers = Array.from({ length: count }, (_, i) => new TestServer(`lock-${i}`, host))
  return { servers, clientsFor: member => servers.map(server => server.clientOf(member)) }
}

class TestServer implements LockServer, Server {
  readonly name: string
  readonly host: Host
  readonly table: LockTable
  readonly log: string[] = []
  refuses: string | undefined
  answersAfter = 0
  #up = true
  #hung = false
  readonly #standing = new Set<TestConnection>()
  readonly #cut = new Set<string>()
  readonly #arrived: (() => void)[] = []

  constructor(name: string, host: Host) {
    this.name = name
    this.host = host
    this.table = new LockTable(() => host.monotonic())
  }

  get up(): boolean {
    return this.#up
  }
  set up(up: boolean) {
    this.#up = up
    if (up) return
    this.#arrived.length = 0
    for (const connection of [...this.#standing]) connection.broken()
  }

  get hung(): boolean {
    return this.#hung
  }
  set hung(hung: boolean) {
    this.#hung = hung
    if (!hung) for (const request of this.#arrived.splice(0)) request()
  }

  get connections(): number {
    return this.#standing.size
  }

  cut(member: string): void {
    this.#cut.add(member)
  }

  mend(member: string): void {
    this.#cut.delete(member)
  }

  reaches(member: string): boolean {
    return !this.#cut.has(member)
  }

  accept(connection: TestConnection): void {
    this.#standing.add(connection)
  }

  close(connection: TestConnection): void {
    this.#standing.delete(connection)
  }

  receive(member: string, [script, count, args]: LockRequest, answer: (done: number | Error) => void): void {
    if (!this.reaches(member)) return
    const request = () => {
      const done = this.#execute(member, script, count, args)
      const arrive = () => {
        if (this.reaches(member)) answer(done)
      }
      if (this.answersAfter > 0) this.host.setTimer(this.answersAfter, arrive)
      else arrive()
    }
    if (this.#hung) this.#arrived.push(request)
    else request()
  }

  clientOf(member: string): RedisClient {
    const options = { host: this.name, port: 6379 }
    return {
      options,
      isCluster: false,
      duplicate: (override: ConnectionOptions) => new TestConnection(this, member, override),
    }
  }

  #execute(member: string, script: string, count: number, args: LockArguments): number | Error {
    if (this.refuses !== undefined) return Object.assign(new Error(this.refuses), { name: 'ReplyError' })
    for (const key of keysOf(count, args)) this.log.push(`${commandOf(script)} ${member} ${key}`)
    return this.table.eval(script, count, args)
  }
}
