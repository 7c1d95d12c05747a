/** A lock server as one process has it: what is used of a client of ioredis, and of the connections that it makes. */
import { commandOf, type LockArguments } from '../support/lock-table.ts'
import type { LockServer } from './lock-server.ts'
import { Connection, type Route } from './network.ts'
import type { LockClient, LockConnection, Running, World } from './world.ts'

type Listener = (arg?: unknown) => void

interface Command {
  /** At the server. What it returns is done when the answer is there. */
  readonly run: () => () => void
  readonly reject: (error: unknown) => void
}

interface Override {
  readonly commandTimeout?: number
  readonly retryStrategy?: (times: number) => number
}

export function lockClient(world: World, running: Running, server: LockServer, route: () => Route): LockClient {
  return {
    options: { host: server.name, port: 6379 },
    isCluster: false,
    duplicate: override => new SimLockConnection(world, running, server, route(), override),
  }
}

class SimLockConnection implements LockConnection {
  status = 'wait'
  readonly #world: World
  readonly #running: Running
  readonly #server: LockServer
  readonly #override: Override
  readonly #connection: Connection
  readonly #packet: Command[] = []
  readonly #listeners: [event: string, listener: Listener, once: boolean][] = []

  constructor(world: World, running: Running, server: LockServer, route: Route, override: Override) {
    this.#world = world
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

  async connect(): Promise<void> {
    this.status = 'connecting'
    try {
      await this.#connection.request('lock connect', () => {})
      this.#becomes('ready')
    } catch (error) {
      this.#again(1)
      throw error
    }
  }

  disconnect(reconnect = false): void {
    if (this.status === 'end') return
    if (reconnect) {
      this.#again(1)
      return
    }
    this.status = 'end'
    this.#running.process.arrive(0, 'lock disconnected', () => this.#tell('end'))
  }

  on(event: string, listener: Listener): this {
    this.#listeners.push([event, listener, false])
    return this
  }

  once(event: string, listener: Listener): this {
    this.#listeners.push([event, listener, true])
    return this
  }

  eval(script: string, _keyCount: number, args: LockArguments): Promise<number> {
    const { locks, scheduler } = this.#world
    const [command, key, value] = [commandOf(script), String(args[0]), args[1]]
    const sent = scheduler.now
    locks.sent(this.#running, command, key)
    if (this.status !== 'ready') return Promise.reject(new Error("Stream isn't writeable"))
    return new Promise((resolve, reject) => {
      if (this.#packet.length === 0) scheduler.after(0, `${this.#running.id} lock packet`, () => this.#send())
      this.#packet.push({
        reject,
        run: () => {
          const { table } = this.#server
          const free = table.get(key) === undefined
          const done = table.eval(script, args)
          if (free && table.get(key) === value) locks.granted(this.#running, key)
          return () => {
            if (done === 1) locks.answered(this.#running, command, key, sent)
            resolve(done)
          }
        },
      })
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

  /** Tries to connect again, and again. */
  #again(times: number): void {
    this.status = 'reconnecting'
    const wait = this.#override.retryStrategy?.(times) ?? 1_000
    this.#running.process.setTimer(wait, () => {
      if (this.status !== 'reconnecting') return
      this.#connection
        .request('lock connect', () => {})
        .then(
          () => this.#becomes('ready'),
          error => {
            this.#tell('error', error)
            if (this.status === 'reconnecting') this.#again(times + 1)
          },
        )
    })
  }

  #becomes(status: 'ready'): void {
    if (this.status === 'end') return
    this.status = status
    this.#tell(status)
  }

  #tell(event: string, arg?: unknown): void {
    for (const entry of [...this.#listeners]) {
      const [name, listener, once] = entry
      if (name !== event) continue
      if (once) this.#listeners.splice(this.#listeners.indexOf(entry), 1)
      listener(arg)
    }
  }
}
