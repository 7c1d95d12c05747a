/** Requests of Node: undici's client below its promises and streams, which cost more than the request itself. */
import type { Client } from 'undici'
import { Flight } from './flight.ts'
import type { Transport } from './transport.ts'

export interface UndiciOptions {
  /** PEM, instead of the public certificates. */
  readonly ca: string | undefined
  readonly connectTimeoutMs: number
}

/** An idle connection is closed by us before the store closes it: a request on one that is being closed fails. */
const KEEP_ALIVE_MS = 15_000

/**
 * As many connections as there are requests at once; who sends limits those. undici's own pool has up to twice as many: for it a
 * connection is not free within the turn in which its answer ended.
 */
export async function undiciTransport({ ca, connectTimeoutMs }: UndiciOptions): Promise<Transport> {
  const { Client } = await import('#undici')
  const clients = new Set<Client>()
  /** The one that was used last is at the end, and is taken first: the others may close. */
  const free: Client[] = []
  const end = (client: Client) => {
    clients.delete(client)
    client.destroy().catch(() => {})
  }
  const connect = { timeout: connectTimeoutMs, ...(ca !== undefined && { ca }) }
  return {
    send(request) {
      const client =
        free.pop() ??
        new Client(request.origin, {
          pipelining: 1,
          keepAliveTimeout: KEEP_ALIVE_MS,
          // Time-outs of an answer are on the host's timers.
          headersTimeout: 0,
          bodyTimeout: 0,
          connect,
        })
      clients.add(client)
      // One whose request was aborted would connect once more, for nothing.
      return new Flight(request, isOpen => (isOpen ? free.push(client) : end(client))).begin(client)
    },
    close() {
      for (const client of clients) end(client)
    },
  }
}
