/** Requests of clients. */
import { codeOf } from 'blockgate'
import { Hono } from 'hono'
import { labelApis } from '../../../src/http/label-apis.ts'
import { queryError } from '../../../src/http/query-errors.ts'
import { Querier } from '../../../src/query/querier.ts'
import { QueryRun } from '../../../src/query/query-run.ts'
import { parseReadRequest, type Snappy } from '../../../src/query/remote-read/request.ts'
import { request } from '../../query/requests.ts'
import { sinkOfFiles } from '../../query/sink-of.ts'
import type { Chance } from '../chance.ts'
import { damaged, repeated } from '../damage.ts'
import { assertFormed, type Outcome, outcome, type Target } from '../outcome.ts'
import { answer, blockOf, plain, type World } from '../worlds.ts'

export function requestTargets(worlds: readonly World[], snappy: Snappy): readonly Target[] {
  return [
    { name: 'read-request', run: chance => readRequest(chance.pick(worlds), snappy, chance) },
    { name: 'label-request', run: chance => labelRequest(chance.pick(worlds), chance) },
  ]
}

const NAMES = ['a', 'job', 'é', '', '__name__', '\u0000']
/** Patterns and texts that are odd to one of those who read them. */
const TEXTS = [
  '',
  'a',
  '.*',
  '(',
  'a{1,1000}',
  '(a{30}){30}',
  '(?i)é|\\pL+',
  '\\x{10ffff}',
  '[^\\n]',
  '\ud83d',
  'a|'.repeat(50),
]
const TIMES = [0, -1, 1e15, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]

/** A body of remote read: what it says is odd, or its protobuf is damaged, or the snappy around it. */
async function readRequest(world: World, snappy: Snappy, chance: Chance): Promise<Outcome> {
  const { query } = world
  const isOdd = chance.below(3) === 0
  const matchers = isOdd
    ? Array.from({ length: chance.below(5) }, () => [chance.below(5), chance.pick(NAMES), chance.pick(TEXTS)] as const)
    : query.matchers.map(({ name, value }, i) => [i % 4, name, value] as const)
  const time = (usual: number) => (isOdd && chance.below(3) === 0 ? chance.pick(TIMES) : usual)
  const accepted = isOdd ? [chance.below(3), 0] : [1, 0]
  const message = request(matchers, time(query.from), time(query.to), accepted, plain.compress)
  const many = chance.below(40) === 0 ? repeated(message, 1 + chance.below(20_000)) : message
  const packed = snappy.compress(isOdd || chance.below(2) === 0 ? many : damaged(many, chance))
  const body = isOdd || chance.below(2) === 0 ? packed : damaged(packed, chance)
  return await outcome(['invalid-query', 'corrupt-block', 'query-too-large', 'unsupported'], async () => {
    const { queries } = parseReadRequest(body, snappy)
    const blocks = world.blocks.map((block, i) => blockOf(block, world.files[i] as Map<string, Uint8Array>))
    for (const each of queries.slice(0, 2)) {
      assertFormed(await answer(blocks, each, { form: 'samples', kind: 'whole' }), 'samples')
    }
    return 'formed'
  })
}

const PATHS = ['series', 'labels', 'label/job/values', 'label/%C3%A9/values']
const SELECTORS = ['{job=~"a.*|b",a!="x\\n"}', "up{a='b', job!~`.+`}", '{a!=""}', '{"é"="a"}']
const STATUSES = [200, 400, 404, 422]
const { signal } = new AbortController()

/** A path, a query or a form of the label APIs is damaged. */
async function labelRequest(world: World, chance: Chance): Promise<Outcome> {
  const blocks = world.blocks.map((block, i) => blockOf(block, world.files[i] as Map<string, Uint8Array>))
  const app = new Hono()
  const failures: Error[] = []
  app.onError((error, c) => {
    if (codeOf(error) === undefined) failures.push(error)
    return c.text(codeOf(error) ?? 'internal', 500)
  })
  const begin = async () => ({ run: new QueryRun(signal), asks: () => {}, end: () => {} })
  labelApis(app, new Querier({ sink: sinkOfFiles(blocks).sink }), { begin, failure: queryError })
  const selector = chance.pick(SELECTORS)
  // The selector itself, or the text of the whole query.
  const isSelector = chance.below(2) === 0
  const match = encodeURIComponent(isSelector ? latin(damaged(bytesOf(selector), chance)) : selector)
  const query = `match[]=${match}&start=1700000000.5&end=2026-01-02T03:04:05Z&limit=3`
  const given = isSelector ? query : latin(damaged(bytesOf(query), chance))
  const isForm = chance.below(3) === 0
  const path = chance.pick(isForm ? PATHS.slice(0, 2) : PATHS)
  const asked = chance.below(8) === 0 ? latin(damaged(bytesOf(path), chance)) : path
  let response: Response
  try {
    const url = new URL(`http://blockgate/api/v1/${isForm ? asked : `${asked}?${given}`}`).href
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    response = await app.request(url, isForm ? { method: 'POST', body: given, headers } : { signal })
  } catch (error) {
    // A client cannot even ask that.
    if (codeOf(error) === undefined && error instanceof TypeError) return 'refused: no url'
    throw error
  }
  const body = await response.text()
  if (failures.length > 0) throw new Error(`an error must have a code: ${failures[0]}`, { cause: failures[0] })
  if (!STATUSES.includes(response.status)) {
    throw new Error(`the status must be ${STATUSES.join(', ')}: it is ${response.status}, ${body.slice(0, 200)}`)
  }
  return response.status === 200 ? 'formed' : `refused: ${response.status}`
}

/** A character a byte. */
function latin(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes)
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
