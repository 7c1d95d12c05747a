/** One connection through the proxy. */
import { createConnection, type Socket } from 'node:net'
import type { NetFault } from './faults.ts'

export interface PipeOptions {
  readonly host: string
  readonly port: number
  readonly requestDelay: number
  readonly responseDelay: number
  /** Called once for each request. */
  readonly faultOf: (method: string, path: string) => NetFault | undefined
}

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/

/** Carries what `client` sends to the store, and what the store answers back; ends both ends together. */
export function connect(client: Socket, options: PipeOptions): void {
  const store = createConnection(options.port, options.host)
  client.setNoDelay()
  store.setNoDelay()
  /** Of the request that is being answered now. */
  let fault: NetFault | undefined
  /** Of its answer: bytes of the body that may still pass, once the head is through. */
  let left = Number.POSITIVE_INFINITY
  let inHead = false
  let refused = false
  const toStore = later(client, store, options.requestDelay)
  const toClient = later(store, client, options.responseDelay)

  client.on('data', data => {
    const [, method, path] = REQUEST_LINE.exec(data.toString('latin1', 0, 16_384)) ?? []
    if (method !== undefined && path !== undefined) {
      fault = options.faultOf(method, path)
      left = fault && 'after' in fault ? fault.after : Number.POSITIVE_INFINITY
      inHead = left !== Number.POSITIVE_INFINITY
      if (fault?.kind === 'reset') return void client.resetAndDestroy()
      if (fault?.kind === 'status') {
        refused = true
        const head = `HTTP/1.1 ${fault.status} From the proxy\r\n`
        toClient.write(`${head}content-length: 0\r\nconnection: close\r\n\r\n`)
        return toClient.end()
      }
    }
    // The rest of a request that was refused.
    if (!refused) toStore.write(data)
  })

  store.on('data', data => {
    if (left === Number.POSITIVE_INFINITY) return toClient.write(data)
    let start = 0
    if (inHead) {
      const end = data.indexOf('\r\n\r\n')
      if (end === -1) return toClient.write(data)
      inHead = false
      start = end + 4
    }
    const end = Math.min(data.length, start + left)
    toClient.write(data.subarray(0, end))
    left -= end - start
    if (end === data.length && left > 0) return
    left = 0
    if (fault?.kind === 'truncate') toClient.end()
  })

  client.once('close', () => store.destroy())
  store.once('close', () => {
    if (!refused) toClient.end()
  })
  // What becomes of a connection is told by its close.
  client.on('error', () => {})
  store.on('error', () => {})
}

/** Writes what comes from `from` to `to`, `ms` later and in order; holds `from` back while `to` has enough. */
function later(from: Socket, to: Socket, ms: number): { write(data: Uint8Array | string): void; end(): void } {
  // Timers of one length fire in the order in which they were set.
  const after = (work: () => void) => (ms === 0 ? work() : void setTimeout(work, ms))
  return {
    write: data =>
      after(() => {
        if (!to.writable || to.write(data)) return
        from.pause()
        to.once('drain', () => from.resume())
      }),
    end: () => after(() => void to.end()),
  }
}
