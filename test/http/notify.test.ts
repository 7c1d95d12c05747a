import { type BlockStage, skip } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { noticesOf } from '../../src/http/notices.ts'
import { notified, prefixOf } from '../../src/http/notified.ts'
import { blocks, scriptedOwnership } from '../support/world.ts'
import { type AppWorld, appWorld } from './app-world.ts'
import { fits } from './described.ts'

const ID = testId(1)
const meta = (prefix = '') => `${prefix}${ID}/meta.json`

async function notify({ post }: Pick<AppWorld, 'post'>, body: unknown): Promise<[number, unknown]> {
  const headers = { 'content-type': 'application/json' }
  const response = await post('/api/v1/notify', { body: JSON.stringify(body), headers })
  const answer = await response.json()
  fits('/api/v1/notify', 'post', response.status, answer)
  return [response.status, answer]
}

const s3 = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventName,
  s3: { bucket: { name: 'b' }, object: { key } },
})

describe('a notification names the blocks', () => {
  it.each([
    ['of our own', { blocks: [ID] }],
    [
      'of S3, with an encoded key',
      { Records: [s3(`tenant+a%2F${ID}%2Fmeta.json`, 'ObjectCreated:CompleteMultipartUpload')] },
    ],
    [
      'of MinIO',
      { EventName: 's3:ObjectCreated:Put', Key: 'b/x', Records: [s3(meta('tenant%20a/'), 's3:ObjectCreated:Put')] },
    ],
    [
      'of EventBridge',
      { 'detail-type': 'Object Created', source: 'aws.s3', detail: { object: { key: meta('tenant a/') } } },
    ],
    ['of R2, one message', { action: 'PutObject', bucket: 'b', object: { key: meta('tenant a/') } }],
    ['of R2, a list', [{ action: 'CompleteMultipartUpload', object: { key: meta('tenant a/') } }]],
  ])('%s', (_, body) => {
    expect(notified(body, 'tenant a')).toEqual({ blocks: new Map([[ID, 'meta.json']]), ignored: 0 })
  })

  it('whose meta.json or marker was written, below the prefix of the bucket, and counts the rest', () => {
    const keys = ['chunks/000001', 'index', 'meta.json', 'no-compact-mark.json']
    const put = (key: string) => ({ action: 'PutObject', object: { key } })
    const one = (key: string, prefix?: string) => notified([put(key)], prefix)?.blocks.size
    expect(
      notified(
        keys.map(file => put(`${ID}/${file}`)),
        '',
      ),
    ).toEqual({ blocks: new Map([[ID, 'meta.json']]), ignored: 2 })
    expect(notified([put(`${ID}/deletion-mark.json`)], '')?.blocks).toEqual(new Map([[ID, 'deletion-mark.json']]))
    expect([
      one(meta('a/'), 'a'),
      one(meta('b/'), 'a'),
      one(meta(), 'a'),
      one(meta('a/'), ''),
      one(meta('a/b/')),
    ]).toEqual([1, 0, 0, 0, 1])
  })

  it.each([
    `../../etc/${ID}x/meta.json`,
    '01arz3ndektsv4rrffq69g5fav/meta.json',
    '01ARZ3NDEKTSV4RRFFQ69G5FA/meta.json',
    `${ID}/../meta.json`,
    `${ID}\\meta.json`,
    `${ID}/META.JSON`,
    'meta.json',
    '',
  ])('but not by the key %j', key => {
    expect(notified([{ action: 'PutObject', object: { key } }], undefined)).toEqual({ blocks: new Map(), ignored: 1 })
  })

  it.each([
    [{ blocks: [7, null, 'x', [ID]] }, 4],
    [{ Records: [null, 7, {}, s3('%E0%A4%A'), s3(meta(), 'ObjectRemoved:Delete')] }, 5],
    [[null, 'x', { action: 'DeleteObject', object: { key: meta() } }], 3],
    [{ 'detail-type': 'Object Deleted', detail: { object: { key: meta() } } }, 1],
    [{ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'b' }, 1],
  ])('and none of %j', (body, ignored) => {
    expect(notified(body, '')).toEqual({ blocks: new Map(), ignored })
  })

  it.each([undefined, null, 7, 'x', {}, { blocks: ID }, { Records: {} }])('and %j is none', body => {
    expect(notified(body, '')).toBeUndefined()
  })

  it('below the prefix that the options of the bucket tell', () => {
    const prefix = (options: unknown) => prefixOf({ options } as never)
    expect([
      prefix({ bucket: 'b', prefix: 'a/b/' }),
      prefix({ bucket: 'b' }),
      prefix({ file: 'x' }),
      prefix(undefined),
    ]).toEqual(['a/b', '', undefined, undefined])
  })
})

const runsOf = ({ results }: AppWorld) => results.map(({ summary }) => summary.run.reason)

describe('POST /api/v1/notify', () => {
  it('brings the next listing to two seconds from now', async () => {
    const made = await appWorld({ list: blocks(1), every: '10m' })
    await made.gateway.start()
    made.source.list = blocks(1, 2)
    const [status, answer] = await notify(made, { blocks: [testId(2), testId(1), 'x'] })
    expect([status, answer]).toEqual([
      202,
      { accepted: { blocks: 1, known: 1, ignored: 1 }, due: made.host.now() + 2_000 },
    ])
    await made.host.advance(1_999)
    expect(runsOf(made)).toEqual(['startup'])
    await made.host.advance(1)
    expect(runsOf(made)).toEqual(['startup', 'notification'])
    expect(made.sink.numbers).toEqual([1, 2])
  })

  it('makes one listing of a burst, ten seconds after its begin at the latest, and the interval begins anew', async () => {
    const made = await appWorld({ list: blocks(1), every: '10m' })
    await made.gateway.start()
    for (let i = 0; i < 12; i++) {
      await notify(made, { blocks: [testId(100 + i)] })
      await made.host.advance(1_000)
    }
    expect(runsOf(made)).toEqual(['startup', 'notification'])
    await made.host.advance(2_000)
    expect(runsOf(made)).toEqual(['startup', 'notification', 'notification'])
    await made.host.advance(8 * 60_000)
    expect(runsOf(made)).toHaveLength(3)
  })

  it('lists for nothing that is known, and for nothing that is ignored', async () => {
    const made = await appWorld({ list: blocks(1), every: '10m' })
    await made.gateway.start()
    await notify(made, { blocks: [testId(1), 'x'] })
    await made.host.advance(20_000)
    expect(runsOf(made)).toEqual(['startup'])
    // Of a known block a marker is news.
    await notify(made, [{ action: 'PutObject', object: { key: `${testId(1)}/deletion-mark.json` } }])
    await made.host.advance(20_000)
    expect(runsOf(made)).toEqual(['startup', 'notification'])
  })

  it('lists no second time where a run began after it', async () => {
    const made = await appWorld({ list: blocks(1), every: '10m' })
    await made.gateway.start()
    await notify(made, { blocks: [testId(2)] })
    await made.host.advance(1_000)
    await made.gateway.sync()
    await made.host.advance(20_000)
    expect(runsOf(made)).toEqual(['startup', 'manual'])
  })

  it('lists though a run for a change of ownership came before it: that one lists nothing', async () => {
    const ownership = scriptedOwnership([1])
    const made = await appWorld({ list: blocks(1), every: '10m', ownership })
    await made.gateway.start()
    await notify(made, { blocks: [testId(2)] })
    await made.host.advance(500)
    ownership.gain(2)
    await made.host.advance(1_500)
    expect(runsOf(made)).toEqual(['startup', 'ownership-change', 'notification'])
  })

  it('lists once more after a run that was at it already', async () => {
    const made = await appWorld({ list: blocks(1), every: '10m' })
    await made.gateway.start()
    const go = made.sink.gate(2)
    made.source.list = blocks(1, 2)
    const run = made.gateway.sync()
    await made.host.advance(1_000)
    await notify(made, { blocks: [testId(3)] })
    await made.host.advance(5_000)
    made.source.list = blocks(1, 2, 3)
    go()
    await run
    await made.host.advance(0)
    expect(runsOf(made)).toEqual(['startup', 'manual', 'notification'])
    expect(made.sink.numbers).toEqual([1, 2, 3])
  })

  it('waits as long as an interval that adapts says', async () => {
    const every = {
      name: 'slow',
      longestMs: 600_000,
      create: () => ({ next: () => ({ ms: 600_000, why: 'to' as const }), soonest: () => 45_000 }),
    }
    const made = await appWorld({ list: blocks(1), every })
    await made.gateway.start()
    await notify(made, { blocks: [testId(2)] })
    await made.host.advance(44_999)
    expect(runsOf(made)).toEqual(['startup'])
    await made.host.advance(1)
    expect(runsOf(made)).toEqual(['startup', 'notification'])
  })

  it('refuses what it cannot read, what is too long, and who may not', async () => {
    const made = await appWorld({ token: 'correct-horse-battery' })
    const headers = { 'content-type': 'application/json', authorization: 'Bearer correct-horse-battery' }
    const status = async (body: string, more = {}) =>
      (await made.post('/api/v1/notify', { body, headers: { ...headers, ...more } })).status
    expect(await status('{"blocks":[]}')).toBe(202)
    expect(await status('{"block":[]}')).toBe(400)
    expect(await status('')).toBe(400)
    expect(await status('[')).toBe(400)
    expect(await status(JSON.stringify({ blocks: ['x'.repeat(1024 * 1024)] }))).toBe(413)
    expect(await status('{"blocks":[]}', { 'content-type': 'text/plain' })).toBe(415)
    expect(await status('{"blocks":[]}', { authorization: 'Bearer x' })).toBe(401)
    await made.gateway.stop()
    expect(await status('{"blocks":[]}')).toBe(503)
  })
})

describe('a query that misses a block', () => {
  const fails: BlockStage = { kind: 'block', name: 'odd', handle: async () => skip('odd') }

  it('brings the next listing forward, at most once a minute', async () => {
    const made = await appWorld({ list: blocks(1), stages: [fails], every: '10m' })
    await made.gateway.start()
    const notices = noticesOf(made.gateway, made.host)
    for (let i = 0; i < 90; i++) {
      notices.ask('query')
      await made.host.advance(1_000)
    }
    expect(runsOf(made)).toEqual(['startup', 'interval', 'interval'])
  })

  it('does so only where listings come by themselves, and not after a stop', async () => {
    const made = await appWorld({ list: blocks(1), every: '10m' })
    await made.gateway.sync()
    noticesOf(made.gateway, made.host).ask('query')
    expect(made.host.pendingTimers).toBe(0)
    await made.gateway.start()
    noticesOf(made.gateway, made.host).ask('notification')
    await made.gateway.stop()
    await made.host.advance(20_000)
    expect(runsOf(made)).toEqual(['manual', 'startup'])
    expect(made.host.pendingTimers).toBe(0)
  })
})
