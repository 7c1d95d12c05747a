/** Requests of remote read, and what comes back. */
import { ProtoWriter } from '../../src/query/remote-read/proto-writer.ts'
import { snappy } from '../../src/runtime/snappy.ts'

export const { compress, uncompress } = snappy

export type Matcher = readonly [type: number, name: string, value: string]

/** A ReadRequest of one query. */
export function request(
  matchers: readonly Matcher[],
  from: number,
  to: number,
  accepted: readonly number[] = [],
  pack: (bytes: Uint8Array) => Uint8Array = compress,
): Uint8Array {
  const query = new ProtoWriter()
  query.uint(8)
  query.int(from)
  query.uint(16)
  query.int(to)
  for (const [type, name, value] of matchers) {
    const matcher = new ProtoWriter()
    matcher.uint(8)
    matcher.uint(type)
    matcher.textField(18, name)
    matcher.textField(26, value)
    query.bytesField(26, matcher.done())
  }
  const out = new ProtoWriter()
  out.bytesField(10, query.done())
  for (const type of accepted) {
    out.uint(16)
    out.uint(type)
  }
  return pack(out.done())
}

export async function read(url: string, body: Uint8Array) {
  const response = await fetch(`${url}/api/v1/read`, { method: 'POST', body: body as BodyInit })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    bytes: new Uint8Array(await response.arrayBuffer()),
  }
}
