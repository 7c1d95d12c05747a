/** Requests and answers by the objects of `node:http`: a stream of `fetch` costs a promise and a new buffer a part, and a timer an answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { joined } from '../../async/bytes.ts'
import { BlockgateError, ErrorCode } from '../../contracts/errors.ts'
import type { Wire } from '../../http/queries.ts'
import type { Body } from '../../query/remote-read/body.ts'

/** What node-server gives beside a request. */
export interface NodeEnv {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

/** Bodies that are sent once their headers are known. */
const bodies = new WeakMap<ServerResponse, Body>()

/** Undefined on Deno, whose `node:http` says that a part was sent while it still waits. */
export const nodeWire: Wire | undefined = process.versions.deno
  ? undefined
  : {
      signal: c => signalOf(envOf(c)),
      body: (c, max) => bodyOf(envOf(c).incoming, max),
      send: (c, body) => void bodies.set(envOf(c).outgoing, body),
    }

function envOf(c: Context): NodeEnv {
  return c.env as NodeEnv
}

function signalOf({ incoming: { socket }, outgoing }: NodeEnv): AbortSignal {
  const gone = new AbortController()
  const left = () => {
    socket.off('end', left)
    if (!outgoing.writableFinished) gone.abort(clientGone())
  }
  outgoing.once('close', left)
  // Node ends the answers of one who says nothing more: what was written by then would look whole.
  socket.once('end', left)
  if (socket.readableEnded) left()
  return gone.signal
}

function clientGone(): BlockgateError {
  return new BlockgateError(ErrorCode.aborted, 'the client has gone')
}

function bodyOf(incoming: IncomingMessage, max: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    incoming.on('data', (part: Uint8Array) => {
      size += part.length
      if (size <= max) parts.push(part)
      else {
        incoming.pause()
        resolve(undefined)
      }
    })
    incoming.once('end', () => resolve(joined(parts, size)))
    incoming.once('error', reject)
    incoming.once('close', () => {
      if (!incoming.readableEnded) reject(clientGone())
    })
  })
}

/** The answer of an app as it goes to node-server: one that has a body of `nodeWire` is sent here. */
export async function sent(answer: Response | Promise<Response>, { outgoing }: NodeEnv): Promise<Response> {
  const response = await answer
  const body = bodies.get(outgoing)
  if (!body) return response
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  await send(outgoing, body)
  return RESPONSE_ALREADY_SENT
}

/** Writes one part while the next one is made. */
async function send(outgoing: ServerResponse, body: Body): Promise<void> {
  let writing: Promise<void> = Promise.resolve()
  body.onBreak(() => breakOff(outgoing))
  try {
    for (let part = await body.next(); part; part = await body.next()) {
      await writing
      writing = written(outgoing, part)
    }
    outgoing.end()
  } catch {
    // Who asked sees an answer that breaks off; what it failed with was told where the query ended.
    breakOff(outgoing)
  }
  await writing
  body.unused()
}

/**
 * Resets the connection. In HTTP/1.0 an answer without a length is over when its connection is closed: a reset alone tells a client, such as
 * a proxy, that it is not whole.
 */
function breakOff(outgoing: ServerResponse): void {
  outgoing.socket?.resetAndDestroy()
  // One that waits behind another answer of its connection has no socket yet.
  outgoing.destroy()
}

/** Resolves when the socket has taken the part, or is closed: it calls back for none of those that it still has then. */
function written(outgoing: ServerResponse, part: Uint8Array): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      outgoing.off('close', done)
      resolve()
    }
    outgoing.once('close', done)
    outgoing.write(part, done)
  })
}
