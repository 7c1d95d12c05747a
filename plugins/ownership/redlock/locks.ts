/**
 * Locks by the npm package `redlock`; nothing else knows it. It sends its three scripts to all servers, and says when a majority has
 * answered. How often, how long, and what is valid when is decided here, because the package
 *
 * - never settles where an even number of servers is split evenly;
 * - counts the time of a grant from the first of its tries, so that a new lock says that it is over (node-redlock #169);
 * - gives a lock that was over before it was granted, and judges by the wall clock alone;
 * - counts a server that cannot be asked like one that refuses;
 * - has a server grant several resources all together, or none of them.
 *
 * So several are asked for together as long as no server refuses. Where one does it is asked for each alone: a majority is of one
 * resource, and one that is lost takes no other with it.
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

interface Answer<T> {
  /** What the package says where a majority has granted it. */
  readonly granted: T | undefined
  /** Where no majority has granted or refused it. */
  readonly failure: OwnershipUnavailable | undefined
  /** The servers that have refused it by now. */
  readonly refusing: ReadonlySet<number>
  /** All servers have answered, or will not. */
  readonly all: Promise<unknown>
}

/** The locks of one process. */
export class Locks {
  /** A majority of the servers has answered to what they were asked last. */
  reachable = true
  readonly #package: Package
  readonly #servers: readonly LockServer[]
  readonly #ttlMs: number
  readonly #host: Host
  readonly #margin: PauseMargin
  readonly #spans: LockSpans

  private constructor(loaded: Package, servers: readonly LockServer[], ttlMs: number, host: Host) {
    this.#package = loaded
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
   * One try. Those that somebody else has are not in what it resolves with.
   * @throws OwnershipUnavailable where none was granted, and for some no majority of the servers could be asked, or the grant came too
   *   late to be used
   */
  async acquire(resources: readonly string[]): Promise<readonly Lock[]> {
    const term = this.#term()
    const asked = await this.#ask('acquire', resources, redlock => redlock.acquire([...resources], this.#ttlMs))
    const { granted, failure, refusing } = asked
    const locks = granted ? resources.map(resource => new Lock(resource, granted.value, this.#host, term)) : []
    if (resources.length > 1 && refusing.size > 0) {
      // What was not granted the package has taken back.
      await this.release(locks)
      return await gathered(resources.map(resource => this.acquire([resource])))
    }
    if (failure) throw failure
    this.#remember(locks, asked)
    if (locks.every(lock => lock.valid)) return locks
    void this.release(locks)
    throw new OwnershipUnavailable(`the lock on ${resources[0]} was granted too late to be used`, { at: 'redlock' })
  }

  /** Makes those that are due valid for another term, and with each all that can be asked for together with it. As extend(). */
  async renew(locks: readonly Lock[]): Promise<void> {
    if (!locks.some(lock => lock.due)) return
    const due = groups(locks).filter(group => group.some(lock => lock.due))
    await this.extend(due.flat())
  }

  /**
   * Makes those that are valid so for another term; one that a majority does not have any more ends.
   * @throws OwnershipUnavailable where that is not known of one: it stays valid until its end, and may be extended again
   */
  async extend(locks: readonly Lock[]): Promise<void> {
    const valid = locks.filter(lock => lock.valid)
    const failed = await Promise.allSettled(groups(valid).map(group => this.#extend(group)))
    for (const each of failed) if (each.status === 'rejected') throw each.reason
  }

  async #extend(locks: readonly Lock[]): Promise<void> {
    const [first] = locks
    const term = this.#term()
    const asked = await this.#ask('extend', namesOf(locks), redlock =>
      redlock.extend(this.#all(redlock, locks), this.#ttlMs),
    )
    this.#remember(locks, asked)
    if (asked.granted) for (const lock of locks) lock.renew(term)
    else if (locks.length > 1 && asked.refusing.size > 0) {
      for (const lock of locks) lock.missing = undefined
      await this.extend(locks)
    } else if (asked.failure) throw asked.failure
    else first?.end('the lock servers do not have it any more')
  }

  /** Ends them at once. Resolves when the servers were told: what they could not be told ends with its TTL. Never rejects. */
  async release(locks: readonly Lock[]): Promise<void> {
    for (const lock of locks) lock.end('it was released')
    const told = [...Map.groupBy(locks, ({ value }) => value).values()].map(group =>
      this.#ask('release', namesOf(group), redlock => redlock.release(this.#all(redlock, group))),
    )
    await Promise.all(told)
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

  /** Of one value, as the package has them. Whether they are valid is asked elsewhere, and of other clocks. */
  #all(redlock: Redlock, locks: readonly Lock[]): InstanceType<Package['Lock']> {
    return new this.#package.Lock(redlock, [...namesOf(locks)], locks[0]?.value ?? '', [], Number.POSITIVE_INFINITY)
  }

  /** Which servers lack a lock. One that refuses several may lack any of them: then all are asked for it alone the next time. */
  #remember(locks: readonly Lock[], { refusing, all }: Answer<unknown>): void {
    void all.then(() => {
      const missing = [...refusing].sort().join()
      for (const lock of locks) lock.missing = locks.length === 1 || lock.missing === missing ? missing : undefined
    })
  }

  /** One request to all servers, by a Redlock of its own, so that their answers to it can be counted. Never rejects. */
  async #ask<T>(
    step: LockStep,
    resources: readonly string[],
    ask: (redlock: Redlock) => Promise<T>,
  ): Promise<Answer<T>> {
    const answers: Promise<unknown>[] = []
    const refusing = new Set<number>()
    const told = this.#spans.begin(step, resources)
    const clients = this.#servers.map((server, index) => ({
      // As text: nobody would be there any more to whom a server that hung could say NOSCRIPT, and a release would be lost.
      evalsha: (hash: string, keyCount: number, args: Arguments) => {
        const script = Object.values(redlock.scripts).find(each => each.hash === hash)
        const answer = server.eval(script?.value ?? '', keyCount, args)
        // What could not be acquired the package releases: that is no part of the vote.
        if (answers.length < this.#servers.length) {
          const counted = answer.then(done => {
            if (done !== resources.length) refusing.add(index)
            return done === resources.length
          })
          answers.push(counted)
          told.asked(index, counted)
        }
        return answer
      },
    }))
    // The package needs no more than this of a client.
    const redlock = new this.#package.default(clients as unknown as Clients, { retryCount: 0 })
    this.reachable = true
    let granted: T | undefined
    let failure: OwnershipUnavailable | undefined
    try {
      granted = await ask(redlock)
      told.ended('granted')
    } catch {
      const { refused, error } = await tally(answers)
      this.reachable = refused
      const message = `no majority of ${answers.length} lock servers has answered for ${resources[0]}: ${rawMessageOf(error)}`
      if (!refused) failure = new OwnershipUnavailable(message, { cause: error, at: 'redlock' })
      told.ended(refused ? 'refused' : 'unknown', failure)
    }
    return { granted, failure, refusing, all: Promise.allSettled(answers) }
  }
}

function namesOf(locks: readonly Lock[]): readonly string[] {
  return locks.map(({ resource }) => resource)
}

/** Locks that can be asked for together: of one value, at the same servers. */
function groups(locks: readonly Lock[]): readonly (readonly Lock[])[] {
  const keyOf = ({ value, missing, resource }: Lock) => `${value} ${missing ?? resource}`
  return [...Map.groupBy(locks, keyOf).values()]
}

/** Of several questions the answers; the first failure where there is none. */
async function gathered<T>(asked: readonly Promise<readonly T[]>[]): Promise<readonly T[]> {
  const settled = await Promise.allSettled(asked)
  const found = settled.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
  for (const each of settled) if (found.length === 0 && each.status === 'rejected') throw each.reason
  return found
}

/** Whether a majority has refused, as soon as no further answer can change it; and the first failure. */
function tally(answers: readonly Promise<unknown>[]): Promise<{ readonly refused: boolean; readonly error: unknown }> {
  const counts = { refusals: 0, others: 0 }
  let failure: unknown
  return new Promise(resolve => {
    for (const answer of answers) {
      void answer
        .catch(error => {
          failure ??= error
        })
        .then(granted => {
          const count = ++counts[granted === false ? 'refusals' : 'others']
          if (count > answers.length / 2) resolve({ refused: granted === false, error: failure })
        })
    }
  })
}
