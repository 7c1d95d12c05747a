/** One address in front of servers that take turns, as a failover looks to a client. */
import { connect, createServer, type Socket } from 'node:net'
import { freePorts } from './free-ports.ts'

export interface TcpSwitch extends AsyncDisposable {
  readonly port: number
  /** How many came, since it listens. */
  readonly connections: number
  /** Breaks every connection; new ones go to the server on `port`, or are refused for undefined. */
  to(port: number | undefined): void
  /** New connections go to the server on `port`; those that stand stay. */
  lead(port: number): void
}

/** Listens on a free port of 127.0.0.1 and hands every connection on to the server on `port`. */
export async function tcpSwitch(port: number): Promise<TcpSwitch> {
  const [own = 0] = await freePorts(1)
  const sockets = new Set<Socket>()
  let target: number | undefined = port
  let connections = 0
  const server = createServer(client => {
    connections++
    if (target === undefined) return void client.resetAndDestroy()
    const upstream = connect(target, '127.0.0.1')
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => into.destroy())
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
      from.pipe(into)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(own, '127.0.0.1', resolve)
  })
  const to = (next: number | undefined) => {
    target = next
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: own,
    get connections() {
      return connections
    },
    to,
    lead(next) {
      target = next
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve))
      to(undefined)
      await closed
    },
  }
}
