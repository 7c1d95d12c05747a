/** A lock server as one process has it: what is used of a client of ioredis, and of the connections that it makes. */
import { commandOf, keysOf, type LockArguments } from '../support/lock-table.ts'
import type { Cluster } from './cluster.ts'
import type { LockServer } from './locks.ts'
import { Connection, type Route } from './network.ts'
import type { Running } from './running.ts'
import type { LockClient, LockConnection, LockOverride } from './world.ts'

interface Command {
  /** At the server. What it returns is done when the answer is there. */
  readonly run: () => () => void
  readonly reject: (error: unknown) => void
}

export function lockClient(cluster: Cluster, running: Running, server: LockServer, route: () => Route): LockClient {
  return {
    options: { host: server.name, port: 6379 },
    isCluster: false,
    duplicate: override => new SimLockConnection(cluster, running, server, route(), override),
  }
}

class SimLockConnection implements LockConnection {
  status = 'wait'
  readonly #cluster: Cluster
  readonly #running: Running
  readonly #server: LockServer
  readonly #override: LockOverride
  readonly #connection: Connection
  readonly #packet: Command[] = []
  readonly #listeners: [event: string, listener: (arg?: unknown) => void][] = []

  constructor(cluster: Cluster, running: Running, server: LockServer, route: Route, override: LockOverride) {
    this.#cluster = cluster
    this.#running = running
    this.#server = server
    this.#override = override
    this.#connection = new Connection({
      ...route,
      door: enter => server.door(enter),
      timeoutMs: override.commandTimeout,
      failure: message => new Error(message.includes('refused') ? 'Connection is closed.' : 'Command timed out'),
    })
  }

  /** Where it fails, it is tried again, and again. */
  async connect(times = 1): Promise<void> {
    if (times === 1) this.status = 'connecting'
    try {
      await this.#connection.request('lock connect', () => {})
      if (this.status !== 'end') this.status = 'ready'
    } catch (error) {
      if (times > 1) this.#tell('error', error)
      if (this.status === 'end') throw error
      this.status = 'reconnecting'
      const again = () => this.status === 'reconnecting' && void this.connect(times + 1).catch(() => {})
      this.#running.process.setTimer(this.#override.retryStrategy?.(times) ?? 1_000, again)
      throw error
    }
  }

  disconnect(): void {
    if (this.status === 'end') return
    this.status = 'end'
    this.#running.process.arrive(0, 'lock disconnected', () => this.#tell('end'))
  }

  on(event: string, listener: (arg?: unknown) => void): this {
    this.#listeners.push([event, listener])
    return this
  }

  /** What is waited for by this happens once. */
  once(event: string, listener: (arg?: unknown) => void): this {
    return this.on(event, listener)
  }

  eval(script: string, count: number, args: LockArguments): Promise<number> {
    const { locks, scheduler } = this.#cluster
    const [command, keys, value] = [commandOf(script), keysOf(count, args), args[count]]
    const sent = scheduler.now
    for (const key of keys) locks.sent(this.#running, command, key, value)
    if (this.status !== 'ready') return Promise.reject(new Error("Stream isn't writeable"))
    return new Promise((resolve, reject) => {
      if (this.#packet.length === 0) scheduler.after(0, `${this.#running.id} lock packet`, () => this.#send())
      const run = () => {
        const { table } = this.#server
        const free = keys.filter(key => table.get(key) === undefined)
        const done = table.eval(script, count, args)
        for (const key of free) if (table.get(key) === value) locks.granted(this.#running, key)
        return () => {
          if (done === count)
            for (const key of keys) locks.answered(this.#running, command, key, sent, this.#server.name)
          resolve(done)
        }
      }
      this.#packet.push({ run, reject })
    })
  }

  /** What was asked for in one turn of the event loop goes as one packet, and is answered by one. */
  #send(): void {
    const packet = this.#packet.splice(0)
    if (!this.#running.process.alive) return
    const answers = this.#connection.request('lock', () => packet.map(({ run }) => run()))
    answers.then(
      answered => {
        for (const answer of answered) answer()
      },
      error => {
        for (const { reject } of packet) reject(error)
      },
    )
  }

  #tell(event: string, arg?: unknown): void {
    for (const [name, listener] of this.#listeners) if (name === event) listener(arg)
  }
}
