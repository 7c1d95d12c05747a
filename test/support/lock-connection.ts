/** One connection of a client of ioredis to a lock server of lock-servers.ts. It behaves by the options that it was made with. */
import type { Host } from 'blockgate'
import type { LockArguments } from './lock-table.ts'

/** What EVAL is given. */
export type LockRequest = readonly [script: string, keyCount: number, args: LockArguments]

/** What a connection knows of the other end. */
export interface Server {
  readonly name: string
  readonly host: Host
  readonly up: boolean
  reaches(member: string): boolean
  accept(connection: TestConnection): void
  close(connection: TestConnection): void
  /** `answer` is called when it is done, or never. */
  receive(member: string, request: LockRequest, answer: (done: number | Error) => void): void
}

export interface ConnectionOptions {
  readonly connectTimeout?: number
  readonly socketTimeout?: number
  readonly retryStrategy?: (times: number) => number
}

export class TestConnection {
  status = 'wait'
  readonly #server: Server
  readonly #member: string
  readonly #options: ConnectionOptions
  readonly #listeners = new Map<string, ((arg: unknown) => void)[]>()
  /** Requests that were sent and not answered. */
  readonly #waiting = new Set<(done: number | Error) => void>()
  #timer: Disposable | undefined
  #silence: Disposable | undefined
  #attempts = 0

  constructor(server: Server, member: string, options: ConnectionOptions) {
    this.#server = server
    this.#member = member
    this.#options = options
  }

  on(event: string, listener: (arg: unknown) => void): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener])
    return this
  }

  /** Nothing happens twice that is waited for by this. */
  once(event: string, listener: (arg: unknown) => void): this {
    return this.on(event, listener)
  }

  async connect(): Promise<void> {
    this.status = 'connecting'
    await undefined
    if (this.status !== 'connecting') throw closed()
    const { name, host, up } = this.#server
    if (up && this.#server.reaches(this.#member)) {
      this.#attempts = 0
      this.status = 'ready'
      this.#server.accept(this)
      return
    }
    const { promise, reject } = Promise.withResolvers<void>()
    const fail = (code: string, message: string) => {
      this.#emit('error', Object.assign(new Error(message), { code }))
      this.#retry()
      reject(closed())
    }
    if (!up) fail('ECONNREFUSED', `connect ECONNREFUSED ${name}:6379`)
    else {
      const ms = this.#options.connectTimeout ?? 10_000
      this.#timer = host.setTimer(ms, () => fail('ETIMEDOUT', 'connect ETIMEDOUT'))
    }
    return promise
  }

  disconnect(): void {
    if (this.status === 'end') return
    this.#close()
    this.status = 'end'
    this.#emit('end', undefined)
  }

  /** By the other end, or for want of an answer. */
  broken(): void {
    this.#close()
    this.#retry()
  }

  eval(...request: LockRequest): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.status === 'end') return reject(closed())
      if (this.status !== 'ready')
        return reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"))
      const answer = (done: number | Error) => {
        if (!this.#waiting.delete(answer)) return
        this.#silence?.[Symbol.dispose]()
        this.#silence = undefined
        if (this.#waiting.size > 0) this.#watch()
        if (done instanceof Error) reject(done)
        else resolve(done)
      }
      this.#waiting.add(answer)
      this.#watch()
      this.#server.receive(this.#member, request, answer)
    })
  }

  #watch(): void {
    const { socketTimeout } = this.#options
    if (socketTimeout) this.#silence ??= this.#server.host.setTimer(socketTimeout, () => this.broken())
  }

  #close(): void {
    this.#timer?.[Symbol.dispose]()
    this.#silence?.[Symbol.dispose]()
    this.#silence = undefined
    this.#server.close(this)
    this.status = 'close'
    for (const answer of [...this.#waiting]) answer(closed())
  }

  #retry(): void {
    this.status = 'reconnecting'
    const ms = this.#options.retryStrategy?.(++this.#attempts) ?? 1_000
    this.#timer = this.#server.host.setTimer(ms, () => void this.connect().catch(() => {}))
  }

  #emit(event: string, arg: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(arg)
  }
}

function closed(): Error {
  return new Error('Connection is closed.')
}
