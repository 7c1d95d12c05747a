// No answer is short without a word: blocks that are not here, blocks that cannot be read, blocks that are downsampled.
import { type BlockStage, type Member, skip } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { noticesOf } from '../../src/http/notices.ts'
import { scriptedOwnership } from '../support/world.ts'
import { samplesIn } from './answers.ts'
import { type QueryWorld, queryGateway } from './query-world.ts'
import { uncompress } from './requests.ts'
import type { Given } from './sink-of.ts'

const HOURS = 3_600_000
/** A block of the two hours from `hour` on, with one series. */
const block = (hour: number, cluster = 'eu', more: Partial<Given> = {}): Given => ({
  labels: { cluster },
  from: hour * HOURS,
  series: [[{ __name__: 'up', hour: String(hour) }, [[hour * HOURS, hour]]]],
  ...more,
})

/** The hours of the series of an answer of samples. */
function hoursOf(bytes: Uint8Array): readonly (string | undefined)[] {
  const [series = []] = samplesIn(uncompress(bytes))
  return series.map(({ labels }) => labels.find(([name]) => name === 'hour')?.[1])
}

async function told(response: Response) {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, ...error }
}

/** Which hours an answer has, and what it warns of. */
async function answered(response: Response) {
  expect(response.status).toBe(200)
  const hours = hoursOf(new Uint8Array(await response.arrayBuffer()))
  return { hours, warnings: response.headers.get('x-blockgate-warnings') ?? '' }
}

const outcomes = ({ ended }: QueryWorld) => ended.map(({ outcome, warnings }) => [outcome, ...warnings].join(' '))

describe('a block of the view that is not loaded here', () => {
  it('because its load failed: the query is refused, and says so', async () => {
    const made = await queryGateway({ blocks: [block(0), block(2)], fails: [2] })
    expect(await told(await made.read())).toMatchObject({
      status: 503,
      code: 'incomplete',
      message: expect.stringMatching(`1 blocks of this time are not loaded here, .*: ${testId(2)} \\(stage-failed\\)`),
    })
    expect(outcomes(made)).toEqual(['incomplete'])
    expect(made.state.reads).toBe(0)
    // The next run tries it again, and comes sooner for it.
    expect(noticesOf(made.gateway, made.host).due?.why).toBe('query')
  })

  it('because it is owned by another gateway: that one is named, with its address', async () => {
    const ownership = scriptedOwnership([1])
    ownership.servedByOthers.add(2)
    const member = { id: 'other', address: 'http://other:10902' } as Member
    Object.assign(ownership.handover ?? {}, { members: () => [member] })
    const made = await queryGateway({ blocks: [block(0), block(2)], ownership })
    const { status, code, message } = await told(await made.read())
    expect([status, code]).toEqual([503, 'incomplete'])
    // The double says of this gateway, too, that it serves everything.
    expect(message).toContain(`${testId(2)} (not-owner, served by me and other at http://other:10902)`)
    // Who serves it may be unknown: the query is refused all the same.
    ownership.unavailable = true
    expect((await told(await made.read())).message).toContain(`${testId(2)} (not-owner)`)
  })

  it('is nothing to a query of other times, or of other external labels', async () => {
    const made = await queryGateway({ blocks: [block(0), block(2, 'us')], fails: [2] })
    const eu = await made.read([
      [0, '__name__', 'up'],
      [0, 'cluster', 'eu'],
    ])
    expect(await answered(eu)).toEqual({ hours: ['0'], warnings: '' })
    const early = await made.app.request(`/api/v1/series?match[]=up&start=0&end=${7_199_999 / 1000}`)
    expect([early.status, await early.json()]).toEqual([200, { status: 'success', data: [expect.anything()] }])
    const late = await made.app.request(`/api/v1/series?match[]=up&start=7200&end=7201`)
    expect([late.status, await late.json()]).toEqual([
      503,
      { status: 'error', errorType: 'unavailable', error: expect.stringContaining(testId(2)) },
    ])
    expect(outcomes(made)).toEqual(['ok', 'ok', 'incomplete'])
  })

  it('because a filter left it out: nobody asked for it', async () => {
    const filter: BlockStage = {
      kind: 'block',
      name: 'no-second',
      handle: async ({ id }, next) => (id === testId(2) ? skip('not-wanted') : await next()),
    }
    const made = await queryGateway({ blocks: [block(0), block(2)], stages: [filter] })
    expect(await answered(await made.read())).toEqual({ hours: ['0'], warnings: '' })
  })

  it('around a compaction: what it was compacted from is loaded, or what was compacted from it', async () => {
    const parent = block(0, 'eu', { sources: [1, 2] })
    const made = await queryGateway({ blocks: [block(0), block(2), parent], fails: [3] })
    expect((await answered(await made.read())).hours).toEqual(['0', '2'])
    const later = await queryGateway({ blocks: [block(0), block(2), parent], fails: [1, 2] })
    expect((await answered(await later.read())).hours).toEqual(['0'])
    // Of another cluster, or a part of it, is not enough.
    const other = await queryGateway({ blocks: [block(0), block(2, 'us'), parent], fails: [3] })
    expect((await told(await other.read())).message).toContain(testId(3))
  })

  it("partial: 'answer' answers what is here, with a warning", async () => {
    const made = await queryGateway({ blocks: [block(0), block(2)], fails: [2], serve: { partial: 'answer' } })
    const { hours, warnings } = await answered(await made.read())
    expect([hours, warnings]).toEqual([['0'], expect.stringContaining(testId(2))])
    const labels = await (await made.app.request('/api/v1/label/hour/values')).json()
    expect(labels).toEqual({ status: 'success', data: ['0'], warnings: [expect.stringContaining(testId(2))] })
    expect(outcomes(made)).toEqual(['warned missing-blocks', 'warned missing-blocks'])
    const lines = () => made.host.lines.filter(({ message }) => message === 'an answer may be short')
    expect(lines().map(({ fields }) => fields.reason)).toEqual(['missing-blocks'])
    // The same once a minute.
    await made.host.advance(60_000)
    await made.read()
    expect(lines()).toHaveLength(2)
  })
})

it('a gateway that is not ready yet refuses, and says why', async () => {
  const made = await queryGateway({ blocks: [block(0)] })
  await made.gateway.stop()
  expect(await told(await made.read())).toMatchObject({
    status: 503,
    code: 'not-ready',
    message: expect.stringContaining('stopping'),
  })
})

describe.each([0, 1])('a block that cannot be read (accepted type %s)', accepted => {
  const twoBlocks = [block(0), block(2)]
  /** The second block's files of this name cannot be read. */
  const broken = async (file: string, badBlock: 'fail' | 'warn') => {
    const made = await queryGateway({ blocks: twoBlocks, serve: { badBlock } })
    made.state.before = (id, asked) => {
      if (id === testId(2) && asked === file) throw new Error('the disk is gone')
    }
    return made
  }

  it.each(['index', 'chunks/000001'])('fails the query: %s', async file => {
    const made = await broken(file, 'fail')
    expect(await told(await made.read(undefined, { accepted: [accepted] }))).toMatchObject({
      status: 500,
      message: expect.stringContaining('the disk is gone'),
    })
    expect(outcomes(made)).toEqual(['failed'])
    expect(made.host.lines.at(-1)).toMatchObject({ level: 'error', message: 'a query failed' })
    expect([made.state.open, made.gauges.memory()]).toEqual([0, 0])
  })

  it.each(['index', 'chunks/000001'])("badBlock: 'warn' leaves it out, with a warning: %s", async file => {
    const made = await broken(file, 'warn')
    const response = await made.read(undefined, { accepted: [accepted] })
    const warning = `block ${testId(2)} cannot be read, so series of it are left out: the disk is gone`
    expect([response.status, response.headers.get('x-blockgate-warnings')]).toEqual([200, warning])
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (accepted === 0) expect(hoursOf(bytes)).toEqual(['0'])
    expect(outcomes(made)).toEqual(['warned bad-block'])
    if (file === 'chunks/000001') return
    const labels = await (await made.app.request('/api/v1/label/hour/values?match[]=up')).json()
    expect(labels).toEqual({ status: 'success', data: ['0'], warnings: [warning] })
  })
})

describe.each([0, 1])('a block of which other bytes come (accepted type %s)', accepted => {
  const damaged = async (badBlock: 'fail' | 'warn') => {
    const made = await queryGateway({ blocks: [block(0)], serve: { badBlock } })
    made.state.damaged = 'chunks/000001'
    return { made, response: await made.read(undefined, { accepted: [accepted] }) }
  }

  it('fails the query, which says which chunk it is', async () => {
    const { response } = await damaged('fail')
    const message = expect.stringMatching(/\/chunks\/000001: chunk at 8: CRC-32C must be/)
    expect(await told(response)).toMatchObject({ status: 500, message })
  })

  it("badBlock: 'warn' leaves it out before the answer begins", async () => {
    const { made, response } = await damaged('warn')
    expect(response.headers.get('x-blockgate-warnings')).toContain(`block ${testId(1)} cannot be read`)
    const bytes = new Uint8Array(await response.arrayBuffer())
    expect(accepted === 0 ? hoursOf(bytes) : [...bytes]).toEqual([])
    expect(outcomes(made)).toEqual(['warned bad-block'])
  })
})

it('a block that turns out to be bad when the stream has begun breaks it off: nobody would hear a warning', async () => {
  // Two batches, of which the first is more than one part of the stream.
  const series = Array.from({ length: 1_100 }, (_, i) => {
    const samples = Array.from({ length: 120 }, (_, j) => [j, Math.sin(i * j)] as const)
    return [{ __name__: 'up', i: `${1000 + i}` }, samples] as const
  })
  const made = await queryGateway({ blocks: [{ series }], serve: { badBlock: 'warn' } })
  const response = await made.read(undefined, { accepted: [1] })
  expect([response.status, response.headers.get('x-blockgate-warnings')]).toEqual([200, null])
  made.state.before = () => {
    throw new Error('the disk is gone')
  }
  await expect(response.arrayBuffer()).rejects.toThrow('the disk is gone')
  expect(outcomes(made)).toEqual(['failed'])
})

it('a time of which there are downsampled blocks alone is told', async () => {
  const coarse = block(2, 'eu', { resolution: 300_000 })
  const made = await queryGateway({ blocks: [block(0), coarse] })
  const { hours, warnings } = await answered(await made.read())
  expect([hours, warnings]).toEqual([['0'], expect.stringContaining('downsampled and have no raw ones')])
  expect(warnings).toContain(testId(2))
  // Where there is a raw block that is not loaded, that one is missing.
  const raw = block(2, 'eu', { sources: [9] })
  const failed = await queryGateway({
    blocks: [block(0), raw, { ...coarse, sources: [9] }],
    fails: [2],
    serve: { partial: 'answer' },
  })
  await failed.read()
  expect(outcomes(failed)).toEqual(['warned missing-blocks'])
  // Where the raw block is here, too, nothing is missing.
  const both = await queryGateway({ blocks: [block(0), block(0, 'eu', { resolution: 300_000, sources: [1] })] })
  expect(await answered(await both.read())).toEqual({ hours: ['0'], warnings: '' })
})

// Row 13 of the failures upstream: sets of external labels stay advertised until a restart.
it('external labels are those of the blocks that are loaded now', async () => {
  const made = await queryGateway({
    blocks: [block(0, 'eu'), block(0, 'us', { labels: { cluster: 'us', zone: 'z' } })],
  })
  const data = async (path: string) =>
    ((await (await made.app.request(`/api/v1/${path}`)).json()) as { data: unknown }).data
  expect([await data('label/cluster/values'), await data('labels')]).toEqual([
    ['eu', 'us'],
    ['__name__', 'cluster', 'hour', 'zone'],
  ])
  const [eu, us] = made.source.list
  made.source.list = [eu as NonNullable<typeof eu>]
  for (let run = 0; run < 2; run++) await made.gateway.sync({ confirmDrops: true })
  expect(made.sink.numbers).toEqual([1])
  expect([await data('label/cluster/values'), await data('labels')]).toEqual([['eu'], ['__name__', 'cluster', 'hour']])
  made.source.list = [eu, us] as NonNullable<typeof eu>[]
  await made.gateway.sync()
  expect(await data('label/cluster/values')).toEqual(['eu', 'us'])
})
