/** Two connections to one Redis, one for commands and one that listens: they fail fast, and come back by themselves. */
import { backoffMs, type Host, rawMessageOf } from 'blockgate'
import { BACKOFF, type Connection as Connected, closed, databaseCheck, failFast, opener } from './fail-fast.ts'
import type { Failures } from './failures.ts'
import type { Address, RedisClient } from './options.ts'
import { StepSpans } from './step-spans.ts'

/** A constant text: what differs from call to call is in its keys and arguments. */
export interface Script {
  readonly name: string
  readonly lua: string
}

export type Argument = string | number

/** The part of ioredis' Redis that is used. */
interface Connection extends Connected {
  defineCommand(name: string, definition: { readonly lua: string }): void
  call(command: string, ...args: Argument[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
}

type ScriptCommands = Readonly<Record<string, (...args: Argument[]) => Promise<unknown>>>

export interface LinkOptions {
  readonly address: Address | RedisClient
  readonly channel: string
  readonly scripts: readonly Script[]
  readonly timeoutMs: number
  readonly host: Host
  readonly failures: Failures
  /** A new connection for commands stands: after a start that found none, and after every break. */
  readonly reconnected: () => void
  /** Something was published, or may have been while nobody listened. */
  readonly published: () => void
}

export class Link {
  readonly #options: LinkOptions
  readonly #open: (override: object) => Connection
  readonly #commands: Connection
  readonly #checkDatabase: () => void
  readonly #spans: StepSpans
  #listening: Connection | undefined
  #stopped = false
  /** Tries of either connection since Redis answered last. */
  #attempts = 0
  #away = false
  #connections = 0

  private constructor(options: LinkOptions, open: (override: object) => Connection) {
    this.#options = options
    this.#open = open
    this.#spans = new StepSpans(options.address, options.host)
    this.#commands = this.#connection()
    this.#checkDatabase = databaseCheck(this.#commands)
    for (const { name, lua } of options.scripts) this.#commands.defineCommand(commandOf(name), { lua })
  }

  /** Loads ioredis; nothing is connected yet. */
  static async make(options: LinkOptions): Promise<Link> {
    return new Link(options, await opener<Connection>(options.address))
  }

  /** Connects for commands; false where Redis cannot be reached now. It is tried again and again until `stop()`. */
  async connect(): Promise<boolean> {
    const { reconnected, failures } = this.#options
    let connected = true
    try {
      await this.#commands.connect()
    } catch (error) {
      failures.connectionFailed(error)
      connected = false
    }
    this.#commands.on('ready', reconnected)
    this.#commands.on('connect', () => this.#connections++)
    return connected
  }

  /** How many connections for commands there were after the first. */
  get connections(): number {
    return this.#connections
  }

  /** Opens the connection that listens, once. */
  listen(): void {
    if (this.#listening !== undefined || this.#stopped) return
    const listening = this.#connection()
    this.#listening = listening
    listening.on('message', this.#options.published)
    listening.on('ready', () => void this.#subscribe(listening))
    // Where it fails, an 'error' event has said why, and it is tried again.
    listening.connect().catch(() => {})
  }

  /** @throws OwnershipUnavailable */
  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const command = (this.#commands as unknown as ScriptCommands)[commandOf(script.name)]
    const ask = () => command?.call(this.#commands, keys.length, ...keys, ...args)
    return await this.#spans.around(script.name, script.name, () => this.#answer(script.name, ask))
  }

  /** @throws OwnershipUnavailable */
  async call(command: string, ...args: Argument[]): Promise<unknown> {
    const ask = () => this.#commands.call(command, ...args)
    return await this.#spans.around(command, undefined, () => this.#answer(`${command} ${args[0]}`, ask))
  }

  /** Closes both connections; what waits for an answer fails. Safe twice. */
  async stop(): Promise<void> {
    this.#stopped = true
    const open = [this.#commands, this.#listening].filter(connection => connection !== undefined)
    await Promise.all(open.map(closed))
  }

  async #answer(doing: string, ask: () => Promise<unknown> | undefined): Promise<unknown> {
    const { failures, host } = this.#options
    try {
      this.#checkDatabase()
      const reply = await ask()
      this.#checkDatabase()
      this.#attempts = 0
      failures.connected()
      if (this.#away) host.log.info('Redis answers again')
      this.#away = false
      return reply
    } catch (error) {
      // An address that nobody is behind any more breaks no connection by itself.
      if (rawMessageOf(error) === 'Command timed out') this.#reconnect()
      const failure = failures.unavailable(doing, error)
      if (!this.#away && !this.#stopped)
        host.log.warn(
          'Redis cannot be used: what is loaded is kept, nothing is added or handed over until it answers again',
          { error: failure.message },
        )
      this.#away = true
      throw failure
    }
  }

  #reconnect(): void {
    if (this.#stopped) return
    for (const connection of [this.#commands, this.#listening])
      if (connection?.status === 'ready') connection.disconnect(true)
  }

  async #subscribe(listening: Connection): Promise<void> {
    const { channel, published, failures, host } = this.#options
    try {
      await listening.subscribe(channel)
      this.#attempts = 0
      published()
    } catch (error) {
      if (this.#stopped) return
      const { message } = failures.unavailable('subscribe', error)
      host.log.warn('changes of the members are noticed at the next poll only', { error: message })
    }
  }

  #connection(): Connection {
    const { timeoutMs, failures, host } = this.#options
    const again = () => backoffMs(host, BACKOFF, ++this.#attempts)
    const connection = this.#open(failFast(timeoutMs, again))
    // Without a listener ioredis writes to the console.
    connection.on('error', error => failures.connectionFailed(error))
    return connection
  }
}

/** Not to be mixed up with Redis' own `expire`. */
function commandOf(script: string): string {
  return `blockgate:${script}`
}
