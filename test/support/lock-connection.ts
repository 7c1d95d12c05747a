/** One connection of a client of ioredis to a lock server of lock-servers.ts. */
import { createHash } from 'node:crypto'
import type { Host } from 'blockgate'

/** A part of a command. */
export type Argument = string | number

/** Of a request that was sent: whoever waits for it. */
export interface Waiting {
  resolve(value: number): void
  reject(error: Error): void
}

/** What a connection knows of the other end. */
export interface Server {
  readonly name: string
  readonly host: Host
  readonly up: boolean
  reaches(member: string): boolean
  accept(connection: TestConnection): void
  close(connection: TestConnection): void
  /** Whoever waits is answered when it is done, or never. `script`: of an EVAL. */
  receive(member: string, script: string | undefined, hash: string, args: readonly Argument[], waiting: Waiting): void
}

type Options = Readonly<Record<string, unknown>>

/** The part of a connection of ioredis that lock servers are asked by. */
export class TestConnection {
  status = 'wait'
  readonly options: Options
  readonly #server: Server
  readonly #member: string
  readonly #listeners = new Map<string, Set<(arg: unknown) => void>>()
  readonly #waiting = new Set<Waiting>()
  readonly #offline: (() => void)[] = []
  #timer: Disposable | undefined
  #attempts = 0

  constructor(server: Server, member: string, options: Options) {
    this.#server = server
    this.#member = member
    this.options = options
    if (options.lazyConnect !== true) this.connect().catch(() => {})
  }

  on(event: string, listener: (arg: unknown) => void): this {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return this
  }

  once(event: string, listener: (arg: unknown) => void): this {
    const own = (arg: unknown) => {
      this.#listeners.get(event)?.delete(own)
      listener(arg)
    }
    return this.on(event, own)
  }

  async connect(): Promise<void> {
    this.status = 'connecting'
    await undefined
    if (this.status !== 'connecting') throw closed()
    const { name, host, up } = this.#server
    if (up && this.#server.reaches(this.#member)) return this.#ready()
    if (!up) {
      this.#emit('error', coded('ECONNREFUSED', `connect ECONNREFUSED ${name}:6379`))
      this.#retry()
      throw closed()
    }
    const { promise, reject } = Promise.withResolvers<void>()
    this.#timer = host.setTimer(Number(this.options.connectTimeout ?? 10_000), () => {
      this.#emit('error', coded('ETIMEDOUT', 'connect ETIMEDOUT'))
      this.#retry()
      reject(closed())
    })
    return promise
  }

  disconnect(reconnect = false): void {
    if (this.status === 'end') return
    this.#close()
    if (reconnect) {
      this.#retry()
      return
    }
    this.status = 'end'
    for (const event of ['close', 'end']) this.#emit(event, undefined)
  }

  /** By the other end. */
  broken(): void {
    this.#close()
    this.#emit('close', undefined)
    this.#retry()
  }

  evalsha(hash: string, ...args: (Argument | readonly Argument[])[]): Promise<number> {
    return this.#send(undefined, hash, args.flat())
  }

  eval(script: string, ...args: (Argument | readonly Argument[])[]): Promise<number> {
    return this.#send(script, createHash('sha1').update(script).digest('hex'), args.flat())
  }

  #send(script: string | undefined, hash: string, args: readonly Argument[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const settled = (settle: () => void) => {
        if (this.#waiting.delete(waiting)) settle()
      }
      const waiting: Waiting = {
        resolve: value => settled(() => resolve(value)),
        reject: error => settled(() => reject(error)),
      }
      const send = () => {
        this.#waiting.add(waiting)
        this.#server.receive(this.#member, script, hash, args, waiting)
      }
      if (this.status === 'ready') send()
      else if (this.status === 'end') reject(closed())
      else if (this.options.enableOfflineQueue !== false) this.#offline.push(send)
      else reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"))
    })
  }

  #ready(): void {
    this.#attempts = 0
    this.status = 'ready'
    this.#server.accept(this)
    this.#emit('ready', undefined)
    for (const send of this.#offline.splice(0)) send()
  }

  #close(): void {
    this.#timer?.[Symbol.dispose]()
    this.#server.close(this)
    this.status = 'close'
    for (const waiting of [...this.#waiting]) waiting.reject(closed())
  }

  #retry(): void {
    const strategy = this.options.retryStrategy ?? ((times: number) => Math.min(times * 50, 2000))
    const delay = (strategy as (times: number) => unknown)(++this.#attempts)
    this.status = 'reconnecting'
    if (typeof delay === 'number')
      this.#timer = this.#server.host.setTimer(delay, () => void this.connect().catch(() => {}))
    else this.disconnect()
  }

  #emit(event: string, arg: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(arg)
  }
}

function closed(): Error {
  return new Error('Connection is closed.')
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
