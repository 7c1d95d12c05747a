/**
 * Lock servers for tests on a fake host, without a network: what `redlock({ clients })` takes in place of clients of ioredis. A
 * connection behaves as one of ioredis does with the options that it was made with: offline queue, retries, time-out to connect. It
 * knows no `commandTimeout`, so that whoever waits for ever is found out. Time is the host's: all waits end by `host.advance()`.
 *
 * @example
 * const { servers, clientsFor } = lockServers(3, host)
 * redlock({ store, clients: clientsFor('gw-1') })
 * servers[0].hung = true
 */
import type { Host } from 'blockgate'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import { type Argument, type Server, TestConnection, type Waiting } from './lock-connection.ts'
import { LockTable } from './lock-table.ts'

export interface LockServer {
  /** What it has locked now. */
  readonly table: LockTable
  /** False: it breaks its connections and refuses new ones. What it has locked stays; `empty()` takes that away. Default true. */
  up: boolean
  /** True: connections stand and nothing is answered, as under SIGSTOP; what has arrived is done once it is false. Default false. */
  hung: boolean
  /** Set: what each request is refused with, such as `LOADING Redis is loading the dataset in memory`. Default none. */
  refuses: string | undefined
  /** How long an answer is on its way, in ms; what was asked is done before. Default 0: no time passes. */
  answersAfter: number
  /** `acquire gw-1 key`, `extend …`, `release …` in the order in which they were done, whatever came of them. */
  readonly log: string[]
  /** Connections that stand now. */
  readonly connections: number
  /** As after a restart without persistence. */
  empty(): void
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
  readonly #names = new Map<string, string>()
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

  empty(): void {
    this.table.empty()
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

  receive(member: string, script: string | undefined, hash: string, args: readonly Argument[], waiting: Waiting): void {
    if (!this.reaches(member)) return
    const [keyCount, ...rest] = args
    const request = () => {
      const answer = this.#execute(member, script, hash, Number(keyCount), rest)
      const arrive = () => {
        if (!this.reaches(member)) return
        if (answer instanceof Error) waiting.reject(answer)
        else waiting.resolve(answer)
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
      duplicate: (override: object) => new TestConnection(this, member, { ...options, ...override }),
    }
  }

  #execute(
    member: string,
    script: string | undefined,
    hash: string,
    keyCount: number,
    rest: readonly Argument[],
  ): number | Error {
    if (this.refuses !== undefined) return Object.assign(new Error(this.refuses), { name: 'ReplyError' })
    if (script !== undefined) this.#names.set(hash, nameOf(script))
    try {
      const { table } = this
      const done = script === undefined ? table.evalsha(hash, keyCount, rest) : table.eval(script, hash, keyCount, rest)
      this.log.push(`${this.#names.get(hash)} ${member} ${rest.slice(0, keyCount).join(' ')}`)
      return done
    } catch (error) {
      return error as Error
    }
  }
}

function nameOf(script: string): string {
  if (script.includes('"exists"')) return 'acquire'
  return script.includes('"del"') ? 'release' : 'extend'
}
