// What a Prometheus 2.42 answers at the edges of remote read, and what a gateway does: the same, or better on purpose.
import { directory } from 'blockgate/plugins/sink/directory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compress, uncompress } from './requests.ts'
import { queryWorld, START, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await queryWorld(directory())
})
afterAll(() => world?.stop())

type Bytes = readonly number[]
const FROM = BigInt(START) * 1000n
const TO = FROM + 3_600_000n

function varint(value: bigint): Bytes {
  const rest = BigInt.asUintN(64, value)
  return rest < 128n ? [Number(rest)] : [Number(rest & 127n) | 128, ...varint(rest >> 7n)]
}
const field = (number: number, bytes: Bytes): Bytes => [8 * number + 2, ...varint(BigInt(bytes.length)), ...bytes]
const text = (number: number, value: string): Bytes => field(number, [...Buffer.from(value)])
const matcher = (type: number, name: string, value: string): Bytes =>
  field(3, [...(type === 0 ? [] : [8, type]), ...text(2, name), ...text(3, value)])
const query = (matchers: Bytes, from = FROM, to = TO): Bytes =>
  field(1, [8, ...varint(from), 16, ...varint(to), ...matchers])

const UP = matcher(0, '__name__', 'up')
const BAD = matcher(2, 'a', '(')
const SAMPLES: Bytes = [16, 0]
const STREAMED: Bytes = [16, 1]
const UNKNOWN: Bytes = [16, 9]
const ALWAYS = [-(2n ** 63n), 2n ** 63n - 1n] as const

async function both(body: Uint8Array, method = 'POST') {
  return await Promise.all(
    [world.url, world.oracle.url].map(async url => {
      const response = await fetch(`${url}/api/v1/read`, { method, body: method === 'GET' ? null : (body as BodyInit) })
      const bytes = new Uint8Array(await response.arrayBuffer())
      const type = response.headers.get('content-type')
      const isPacked = response.status === 200 && type === 'application/x-protobuf'
      return { status: response.status, type, bytes: Buffer.from(isPacked ? uncompress(bytes) : bytes).toString('hex') }
    }),
  )
}

describe('the same answer', () => {
  it.each<[string, string, Bytes]>([
    ['samples', 'no accepted type', query(UP)],
    ['samples', 'the types [SAMPLES, STREAMED]', [...query(UP), ...SAMPLES, ...STREAMED]],
    ['samples', 'a type that is not known, and SAMPLES', [...query(UP), ...UNKNOWN, ...SAMPLES]],
    ['samples', 'types in one field', [...query(UP), ...field(2, [0, 1])]],
    ['streamed', 'the types [STREAMED, SAMPLES]', [...query(UP, ...ALWAYS), ...STREAMED, ...SAMPLES]],
    ['streamed', 'types in one field, of which the first is STREAMED', [...query(UP, ...ALWAYS), ...field(2, [1, 0])]],
    ['samples', 'no matcher', query([])],
    ['streamed', 'no matcher, streamed', [...query([]), ...STREAMED]],
    ['samples', 'no query', []],
    ['streamed', 'no query, streamed', STREAMED],
    ['samples', 'two queries', [...query(UP), ...query(matcher(0, '__name__', 'sparse'))]],
    [
      'streamed',
      'two queries, streamed',
      [...query(UP, ...ALWAYS), ...query(matcher(0, '__name__', 'sparse'), ...ALWAYS), ...STREAMED],
    ],
    ['samples', 'an end before its start', query(UP, TO, FROM)],
    ['samples', 'a time without end', query(UP, ...ALWAYS)],
    ['samples', 'a time before 1970', query(UP, -5n, 5n)],
    ['samples', 'a label without a name', query(matcher(0, '', 'a'))],
    ['samples', 'a matcher without a value, which selects what has not the label', query(field(3, text(2, 'nope')))],
    ['samples', 'a matcher twice', query([...UP, ...UP])],
    ['samples', 'matchers that are against one another', query([...UP, ...matcher(1, '__name__', 'up')])],
    ['samples', 'fields that are not known', [...query([...UP, ...field(15, [1])]), ...field(15, [1, 2, 3])]],
  ])('%s for %s', async (kind, _, body) => {
    const [ours, theirs] = await both(compress(Uint8Array.from(body)))
    expect(ours).toEqual(theirs)
    expect([ours?.status, ours?.type?.includes('streamed')]).toEqual([200, kind === 'streamed'])
  })
})

describe('the same status', () => {
  it.each<[number, string, Uint8Array, string?]>([
    [400, 'no type that is served', compress(Uint8Array.from([...query(UP), ...UNKNOWN]))],
    [400, 'bytes that are no snappy', Uint8Array.of(9, 9, 9)],
    [400, 'no bytes', new Uint8Array()],
    [400, 'snappy of bytes that are no message', compress(Uint8Array.of(255, 255, 255))],
    [400, 'a message that is cut', compress(Uint8Array.from(query(UP).slice(0, -3)))],
    [400, 'a query that is no message', compress(Uint8Array.of(13, 1, 2, 3, 4))],
    [400, 'matchers that are no messages', compress(Uint8Array.from(query([24, 1])))],
    [400, 'a label name that is no text', compress(Uint8Array.from(query(field(3, [16, 1]))))],
    [405, 'GET', new Uint8Array(), 'GET'],
    [405, 'PUT', compress(Uint8Array.from(query(UP))), 'PUT'],
  ])('%d for %s', async (status, _, body, method) => {
    const [ours, theirs] = await both(body, method)
    expect([ours?.status, theirs?.status]).toEqual([status, status])
  })
})

describe('better on purpose', () => {
  it.each<[number, number, string, Bytes]>([
    [400, 500, 'a bad pattern', query(BAD)],
    [400, 500, 'a bad pattern beside a matcher that selects nothing', query([...matcher(0, 'a', 'nope'), ...BAD])],
    [400, 500, 'a bad pattern, streamed', [...query(BAD), ...STREAMED]],
    [400, 500, 'a bad pattern in the second query', [...query(UP), ...query(BAD)]],
    [400, 500, 'a pattern that RE2 has not', query(matcher(2, 'a', '(?=a)'))],
    [400, 500, 'a type of matcher that is none', query(matcher(7, 'a', 'b'))],
    // Labels are UTF-8: nothing could be found.
    [400, 200, 'a value that is no UTF-8', query(field(3, [...text(2, 'a'), ...field(3, [255, 254])]))],
  ])('%d rather than %d for %s', async (ours, theirs, _, body) => {
    const answers = await both(compress(Uint8Array.from(body)))
    expect(answers.map(({ status }) => status)).toEqual([ours, theirs])
  })

  it('the hint that series alone are wanted leaves their samples in; Prometheus then has no series', async () => {
    const hinted = query([...UP, ...field(4, text(2, 'series'))])
    const [ours, theirs] = await both(compress(Uint8Array.from(hinted)))
    const [plain] = await both(compress(Uint8Array.from(query(UP))))
    expect(ours).toEqual(plain)
    expect(theirs?.bytes).toBe('0a00')
  })
})
