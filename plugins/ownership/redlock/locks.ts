/**
 * Locks by the npm package `redlock`; nothing else knows it. It is asked for one thing: to send its three scripts to all servers and to
 * say as soon as a majority has answered. How often, how long, and what is valid when is decided here, because of what it does otherwise:
 *
 * - for an even number of servers whose votes are split evenly it never settles;
 * - within its retries the time of a grant is counted from the first try, so that a new lock says that it is over (node-redlock #169);
 * - it gives a lock that was over before it was granted, and judges by the wall clock alone;
 * - it waits for servers for as long as their clients do.
 */
import { BlockgateError, ErrorCode, type Host, OwnershipUnavailable, rawMessageOf } from 'blockgate'
import { mark } from 'blockgate/members'
import { HeldLock, type LockRequests } from './held-lock.ts'
import type { Lock, LockProvider } from './lock.ts'

/** One lock server. Both commands settle in bounded time, and reject with an Error. */
export interface LockClient {
  evalsha(hash: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown>
  eval(script: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown>
}

export interface RedlockLocksOptions {
  /** An odd number. */
  readonly clients: readonly LockClient[]
  readonly ttlMs: number
  readonly host: Host
  /** How long this process may stand still after a look at a lock, in ms. */
  readonly pauseMargin: () => number
}

type Package = typeof import('redlock')
type Redlock = InstanceType<Package['default']>
type PackageLock = InstanceType<Package['Lock']>
type Script = keyof Redlock['scripts']

/** What the clocks of the servers and ours may differ by, of a TTL, and what Redis' own expiry may be off by, in ms. */
const DRIFT = 0.01
const DRIFT_MS = 2

export class RedlockLocks implements LockProvider {
  readonly #package: Package
  readonly #clients: readonly LockClient[]
  readonly #ttlMs: number
  readonly #host: Host
  readonly #pauseMargin: () => number

  private constructor(loaded: Package, { clients, ttlMs, host, pauseMargin }: RedlockLocksOptions) {
    this.#package = loaded
    this.#clients = clients
    // The package takes whole milliseconds.
    this.#ttlMs = Math.floor(ttlMs)
    this.#host = host
    this.#pauseMargin = pauseMargin
  }

  /** Loads the package. Sends nothing. */
  static async make(options: RedlockLocksOptions): Promise<RedlockLocks> {
    const count = options.clients.length
    if (count % 2 === 0)
      throw new BlockgateError(ErrorCode.startFailed, `clients must be an odd number: current value is ${count}`, {
        at: 'redlock',
      })
    return new RedlockLocks(await import('redlock'), options)
  }

  async acquire(resource: string): Promise<Lock | undefined> {
    const validMs = () => this.#validMs()
    const first = { sent: mark(this.#host), lasts: validMs() }
    const ballot = this.#ballot('acquireScript')
    const granted = await ballot.result(redlock => redlock.acquire([resource], this.#ttlMs))
    // What a minority has granted the package releases.
    if (granted === 'refused') return undefined
    if (granted === 'undecided') throw ballot.unavailable('acquire', resource)
    const requests = this.#requestsFor(resource, granted)
    const lock = new HeldLock({ host: this.#host, resource, requests, first, validMs })
    if (lock.valid) return lock
    void lock.release()
    throw new OwnershipUnavailable(`the lock on ${resource} was granted too late to be used`, { at: 'redlock' })
  }

  #requestsFor(resource: string, granted: PackageLock): LockRequests {
    const result = async <T>(ballot: Ballot, ask: (redlock: Redlock) => Promise<T>) => {
      // Whether it is valid was asked before, and of other clocks.
      granted.expiration = Number.POSITIVE_INFINITY
      return await ballot.result(ask)
    }
    return {
      extend: async () => {
        const ballot = this.#ballot('extendScript')
        const extended = await result(ballot, redlock => redlock.extend(granted, this.#ttlMs))
        if (extended === 'undecided') throw ballot.unavailable('extend', resource)
        return extended === 'refused' ? 'lost' : 'extended'
      },
      // What cannot be released ends with its TTL.
      release: async () => {
        await result(this.#ballot('releaseScript'), redlock => redlock.release(granted))
      },
    }
  }

  #ballot(script: Script): Ballot {
    return new Ballot(this.#package, this.#clients, script)
  }

  #validMs(): number {
    return this.#ttlMs - (this.#ttlMs * DRIFT + DRIFT_MS) - this.#pauseMargin()
  }
}

const TOO_LATE = 'The others have decided'

/** One request to all servers, by a Redlock of its own, so that what they say to its script can be counted. */
class Ballot {
  readonly #redlock: Redlock
  readonly #script: { readonly hash: string; readonly value: string }
  readonly #servers: number
  readonly #majority: number
  /** Servers that were asked and have not answered. */
  #open = 0
  #refused = 0
  #releasing = false
  #failure: unknown
  readonly #told = Promise.withResolvers<void>()

  constructor({ default: Redlock }: Package, clients: readonly LockClient[], script: Script) {
    // The package needs no more than this of a client.
    const counting = clients.map(client => this.#counting(client)) as unknown as ConstructorParameters<
      typeof Redlock
    >[0]
    this.#redlock = new Redlock(counting, { retryCount: 0 })
    this.#script = this.#redlock.scripts[script]
    this.#servers = clients.length
    this.#majority = Math.floor(clients.length / 2) + 1
  }

  /** Refused: a majority says so. Undecided: a majority says neither. */
  async result<T>(ask: (redlock: Redlock) => Promise<T>): Promise<T | 'refused' | 'undecided'> {
    try {
      return await ask(this.#redlock)
    } catch (error) {
      this.#failure ??= error
      // To the package a server that is away votes like one that refuses, and it does not wait for what the others say.
      if (!this.#known()) await this.#told.promise
      return this.#refused >= this.#majority ? 'refused' : 'undecided'
    }
  }

  unavailable(what: string, resource: string): OwnershipUnavailable {
    const [needed, why] = [`${this.#majority} of ${this.#servers} lock servers`, rawMessageOf(this.#failure)]
    const message = `${needed} must answer to ${what} ${resource}: ${why}`
    return new OwnershipUnavailable(message, { cause: this.#failure, at: 'redlock' })
  }

  /**
   * Releases go as text, and nothing goes after them. A server that hangs does late what it was asked, and then nobody is there to
   * whom it could say NOSCRIPT; one that says so after the others have decided would be sent the script once more. Either would
   * leave a lock that nobody has, until its end.
   */
  #counting(client: LockClient): LockClient {
    return {
      evalsha: (hash, keyCount, args) => {
        const release = this.#redlock.scripts.releaseScript
        // What could not be acquired the package releases: those answers do not count.
        const own = hash === this.#script.hash
        if (own) this.#open++
        const text = hash === release.hash
        if (text) this.#releasing = true
        return this.#counted(
          own,
          text ? client.eval(release.value, keyCount, args) : client.evalsha(hash, keyCount, args),
        )
      },
      eval: async (text, keyCount, args) => {
        const answer = this.#releasing ? Promise.reject(new Error(TOO_LATE)) : client.eval(text, keyCount, args)
        return await this.#counted(true, answer)
      },
    }
  }

  async #counted(own: boolean, answer: Promise<unknown>): Promise<unknown> {
    if (!own) return await answer
    try {
      const count = await answer
      this.#voted(count === 0)
      return count
    } catch (error) {
      if (!rawMessageOf(error).startsWith('NOSCRIPT')) {
        this.#failure ??= error
        this.#voted(false)
      }
      throw error
    }
  }

  #voted(refused: boolean): void {
    this.#open--
    if (refused) this.#refused++
    if (this.#known()) this.#told.resolve()
  }

  /** Whether a majority refuses. */
  #known(): boolean {
    return this.#refused >= this.#majority || this.#refused + this.#open < this.#majority
  }
}
