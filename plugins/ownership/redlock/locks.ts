/**
 * Locks by the npm package `redlock`; nothing else knows it. It sends its three scripts to all servers, and says when a majority has
 * answered. How often, how long, and what is valid when is decided here, because the package
 *
 * - never settles where an even number of servers is split evenly;
 * - counts the time of a grant from the first of its tries, so that a new lock says that it is over (node-redlock #169);
 * - gives a lock that was over before it was granted, and judges by the wall clock alone;
 * - counts a server that cannot be asked like one that refuses.
 */
import { type Dependency, type Host, OwnershipUnavailable, rawMessageOf } from 'blockgate'
import { mark } from 'blockgate/members'
import { Lock, type Term } from './lock.ts'
import { type Arguments, type LockServer, lockServer } from './lock-server.ts'
import { LockSpans, type LockStep } from './lock-spans.ts'
import type { RedlockOptions } from './options.ts'
import { type PauseMargin, pauseMargin } from './pause-margin.ts'

type Package = typeof import('redlock')
type Redlock = InstanceType<Package['default']>
type Clients = ConstructorParameters<Package['default']>[0]

/** How far the clocks of the servers and ours may differ, as a share of the TTL, and how late Redis' own expiry may be, in ms. */
const DRIFT = 0.01
const DRIFT_MS = 2

/** Renewals are spread by up to this share of a third of the TTL. */
const JITTER = 0.1

/** The locks of one process. */
export class Locks {
  /** A majority of the servers has answered to what they were asked last. */
  reachable = true
  readonly #Redlock: Package['default']
  readonly #servers: readonly LockServer[]
  readonly #ttlMs: number
  readonly #host: Host
  readonly #margin: PauseMargin
  readonly #spans: LockSpans

  private constructor(loaded: Package, servers: readonly LockServer[], ttlMs: number, host: Host) {
    this.#Redlock = loaded.default
    this.#servers = servers
    // The package takes whole milliseconds.
    this.#ttlMs = Math.floor(ttlMs)
    this.#host = host
    this.#margin = pauseMargin(host, ttlMs)
    this.#spans = new LockSpans(host, servers)
  }

  /**
   * Connects to the lock servers; waits for none longer than `timeoutMs`, which is for each answer, too: a renewal after a third of
   * the TTL that gets none can be tried again in time.
   */
  static async open(
    clients: RedlockOptions['clients'],
    ttlMs: number,
    host: Host,
    timeoutMs: number = Math.min(1_000, ttlMs / 6),
  ): Promise<Locks> {
    const servers = await Promise.all(clients.map(client => lockServer(client, host, timeoutMs)))
    return new Locks(await import('redlock'), servers, ttlMs, host)
  }

  /** The servers that were asked, as metrics tell them. */
  dependencies(): readonly Dependency[] {
    return this.#servers.flatMap(({ place: server, up }) =>
      up === undefined ? [] : [{ name: 'lock-server', server, up }],
    )
  }

  /**
   * One try. Undefined: somebody else has the lock.
   * @throws OwnershipUnavailable where no majority of the servers could be asked, or the grant came too late to be used
   */
  async acquire(resource: string): Promise<Lock | undefined> {
    const term = this.#term()
    const granted = await this.#ask('acquire', resource, redlock => redlock.acquire([resource], this.#ttlMs))
    if (!granted) return undefined
    const lock = new Lock(resource, this.#host, term, {
      term: () => this.#term(),
      extend: async () => {
        // Whether it is valid was asked before, and of other clocks.
        granted.expiration = Number.POSITIVE_INFINITY
        return (await this.#ask('extend', resource, redlock => redlock.extend(granted, this.#ttlMs))) !== undefined
      },
      release: async () => {
        await this.#ask('release', resource, redlock => redlock.release(granted)).catch(() => {})
      },
    })
    if (lock.valid) return lock
    void lock.release()
    throw new OwnershipUnavailable(`the lock on ${resource} was granted too late to be used`, { at: 'redlock' })
  }

  /** After all locks were released. Never rejects. */
  async close(): Promise<void> {
    this.#margin.stop()
    await Promise.all(this.#servers.map(server => server.stop()))
  }

  #term(): Term {
    const ttlMs = this.#ttlMs
    return {
      sent: mark(this.#host),
      validMs: ttlMs - (ttlMs * DRIFT + DRIFT_MS) - this.#margin.ms,
      renewMs: (ttlMs / 3) * (1 - JITTER + 2 * JITTER * this.#host.random()),
    }
  }

  /**
   * One request to all servers, by a Redlock of its own, so that their answers to it can be counted. Undefined: a majority refuses.
   * @throws OwnershipUnavailable where a majority says neither
   */
  async #ask<T>(step: LockStep, resource: string, ask: (redlock: Redlock) => Promise<T>): Promise<T | undefined> {
    const answers: Promise<unknown>[] = []
    const told = this.#spans.begin(step, resource)
    const clients = this.#servers.map((server, index) => ({
      // As text: nobody would be there any more to whom a server that hung could say NOSCRIPT, and a release would be lost.
      evalsha: (hash: string, keyCount: number, args: Arguments) => {
        const script = Object.values(redlock.scripts).find(each => each.hash === hash)
        const answer = server.eval(script?.value ?? '', keyCount, args)
        // What could not be acquired the package releases: that is no part of the vote.
        if (answers.length < this.#servers.length) {
          answers.push(answer)
          told.asked(index, answer)
        }
        return answer
      },
    }))
    // The package needs no more than this of a client.
    const redlock = new this.#Redlock(clients as unknown as Clients, { retryCount: 0 })
    this.reachable = true
    try {
      const granted = await ask(redlock)
      told.ended('granted')
      return granted
    } catch {
      const { refused, failure } = await tally(answers)
      this.reachable = refused
      if (refused) {
        told.ended('refused')
        return undefined
      }
      const message = `no majority of ${answers.length} lock servers has answered for ${resource}: ${rawMessageOf(failure)}`
      const error = new OwnershipUnavailable(message, { cause: failure, at: 'redlock' })
      told.ended('unknown', error)
      throw error
    }
  }
}

/** Whether a majority has answered with 0, as soon as no further answer can change it; and the first failure. */
function tally(
  answers: readonly Promise<unknown>[],
): Promise<{ readonly refused: boolean; readonly failure: unknown }> {
  const counts = { refusals: 0, others: 0 }
  let failure: unknown
  return new Promise(resolve => {
    for (const answer of answers) {
      void answer
        .catch(error => {
          failure ??= error
        })
        .then(done => {
          const count = ++counts[done === 0 ? 'refusals' : 'others']
          if (count > answers.length / 2) resolve({ refused: done === 0, failure })
        })
    }
  })
}
