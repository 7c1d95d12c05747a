/** One lock server: a connection that comes back by itself, and requests that are answered in bounded time, or fail. */
import { BlockgateError, backoffMs, ErrorCode, type Host } from 'blockgate'
import { within } from 'blockgate/members'
import type { RedisClient } from 'blockgate/plugins/store/redis'
import { BACKOFF, type Connection, closed, databaseCheck, failFast, opener } from '../../store/redis/fail-fast.ts'
import { Failures } from '../../store/redis/failures.ts'
import { addressOf, placeOf, secretsOf } from '../../store/redis/options.ts'
import { serverAttributes } from '../../store/redis/step-spans.ts'
import type { ToldServer } from './lock-spans.ts'

/** A key and what else a script needs. */
export type Arguments = readonly (string | number)[]

export interface LockServer extends ToldServer {
  /** Whether its last request was answered; undefined before the first. */
  readonly up: boolean | undefined
  /** @throws OwnershipUnavailable where the script was not run, or nobody knows whether it was */
  eval(script: string, keyCount: number, args: Arguments): Promise<unknown>
  /** Closes the connection; what waits for an answer fails. Safe twice. */
  stop(): Promise<void>
}

/** The part of ioredis' Redis that locks need. */
interface LockConnection extends Connection, Pick<LockServer, 'eval'> {}

/**
 * Resolves when the server has been reached, or not within `timeoutMs`: then it is tried again until `stop()`. `timeoutMs` is for
 * each answer, too.
 */
export async function lockServer(client: string | RedisClient, host: Host, timeoutMs: number): Promise<LockServer> {
  const address = typeof client === 'string' ? addressOf(client) : client
  if (!address) throw new BlockgateError(ErrorCode.startFailed, 'clients must be URLs of Redis', { at: 'redlock' })
  const server = placeOf(address)
  const failures = new Failures(server, secretsOf(address))
  const open = await opener<LockConnection>(address)
  const connection = open({
    ...failFast(timeoutMs, (attempt = 1) => backoffMs(host, BACKOFF, attempt)),
    // Many locks are taken and renewed at once: they go as one packet.
    enableAutoPipelining: true,
    // A connection to an address that nobody is behind any more does not break by itself. Until then what timed out can be taken
    // back on it: a server that only hung does both, and leaves no lock that nobody has.
    socketTimeout: 2 * timeoutMs,
  })
  // Without a listener ioredis writes to the console.
  connection.on('error', error => failures.connectionFailed(error))
  const checkDatabase = databaseCheck(connection)
  // Also where a client of the user's own keeps its requests until its server is back. The error is that of ioredis.
  const inTime = <T>(answer: Promise<T>) =>
    within(host, timeoutMs, undefined, () => new Error('Command timed out'), answer)
  // Where it fails, an 'error' event has said why.
  await inTime(connection.connect()).catch(() => {})

  let up: boolean | undefined
  let stopped = false
  return {
    place: server,
    get up() {
      return up
    },
    attributes: serverAttributes(address),
    async eval(script, keyCount, args) {
      try {
        checkDatabase()
        const reply = await inTime(connection.eval(script, keyCount, args))
        checkDatabase()
        failures.connected()
        if (up === false) host.log.info('a lock server answers again', { server })
        up = true
        return reply
      } catch (error) {
        const failure = failures.unavailable('eval', error)
        if (up !== false && !stopped) host.log.warn('a lock server does not answer', { server, error: failure.message })
        up = false
        throw failure
      }
    },
    async stop() {
      stopped = true
      await closed(connection)
    },
  }
}
