/** Connections of ioredis that fail fast, and come back by themselves; whoever asks for one says what is asked of it. */
import type { Address, RedisClient } from './options.ts'

/** The part of ioredis' Redis by which a connection is opened, watched and closed. */
export interface Connection {
  readonly status: string
  connect(): Promise<void>
  disconnect(reconnect?: boolean): void
  on(event: string, listener: (arg: unknown) => void): unknown
  once(event: string, listener: () => void): unknown
}

/** Waits between tries to connect. */
export const BACKOFF = { base: 50, max: 2000 }

/** How long a connection may take to close. */
const CLOSE_MS = 500

/** Closed for good, or not even opened. */
const QUIET: ReadonlySet<string> = new Set(['wait', 'end', 'close', 'reconnecting'])

/** Loads ioredis, unless a client of it is there already. What it gives makes connections; nothing is connected yet. */
export async function opener<C extends Connection>(address: Address | RedisClient): Promise<(override: object) => C> {
  if ('duplicate' in address) return override => address.duplicate(override) as C
  const { Redis } = await import('ioredis')
  return override => new Redis({ ...address, ...override }) as unknown as C
}

/** @param again gives the ms to wait before the next try to connect */
export function failFast(timeoutMs: number, again: () => number): object {
  return {
    lazyConnect: true,
    // What cannot be sent now fails now; what may have been sent is not sent again.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    disconnectTimeout: CLOSE_MS,
    keepAlive: 10_000,
    retryStrategy: again,
    sentinelRetryStrategy: again,
    // After a failover the address leads elsewhere.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    // Its INFO may be forbidden, and would then be told on the console; a Redis that still loads says so to each command.
    enableReadyCheck: false,
    disableClientInfo: true,
    autoResubscribe: false,
    keyPrefix: '',
    stringNumbers: false,
  }
}

/**
 * Gives what throws where the server refused the database that was asked for: ioredis tells an error and goes on in database 0,
 * which may be somebody else's.
 */
export function databaseCheck(connection: Connection): () => void {
  let refused: unknown
  connection.on('connect', () => {
    refused = undefined
  })
  connection.on('error', error => {
    const { command } = error as { readonly command?: { readonly name?: unknown } }
    if (command?.name === 'select') refused = error
  })
  return () => {
    if (refused !== undefined) throw refused
  }
}

/** Closes it for good. */
export async function closed(connection: Connection): Promise<void> {
  const ended = QUIET.has(connection.status)
    ? undefined
    : new Promise<void>(resolve => {
        connection.once('end', resolve)
      })
  connection.disconnect()
  await ended
}
