/** A collector in a process of its own, so that its CPU is nobody else's: it counts the spans of each request. Prints its port. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

let spans = 0
let bytes = 0
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (request.method === 'GET') {
    response.end(JSON.stringify({ spans, bytes }))
    spans = bytes = 0
    return
  }
  const body = Buffer.concat(chunks)
  bytes += body.length
  // ExportTraceServiceRequest.resource_spans (1) → ResourceSpans.scope_spans (2) → ScopeSpans.spans (2)
  for (const resource of fields(body, 1)) for (const scope of fields(resource, 2)) spans += fields(scope, 2).length
  response.end()
}).listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

/** The bytes of each length-delimited field `wanted` of a protobuf message that has no other wire types beside. */
function fields(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < message.length; ) {
    const field = (message[at++] ?? 0) >> 3
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0
      length += (byte & 127) * 2 ** shift
      if (byte < 128) break
    }
    if (field === wanted) found.push(message.subarray(at, at + length))
    at += length
  }
  return found
}
