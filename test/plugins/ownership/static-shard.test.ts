import { type BlockMeta, owned } from 'blockgate'
import { staticShard } from 'blockgate/plugins/ownership/static-shard'
import { blockContext, blockMeta, candidate, testId, testOutcome, testOwnership } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'

const { signal } = new AbortController()
const claim = (index: number, of: number, meta: BlockMeta) => staticShard({ index, of }).claim(meta, signal)
const meta = (n: number) => blockMeta({ ulid: testId(n) })
const problems = (options: object) =>
  (staticShard(options as { index: number; of: number }).check?.() ?? []).map(p => `${p.path} must ${p.must}`)

testOwnership(
  { describe, it },
  {
    name: 'static-shard',
    factory: () => staticShard({ index: 1, of: 3 }),
    invalid: [() => staticShard({ index: 3, of: 3 }), () => staticShard({ index: 0, of: 0 })],
  },
)

it('three shards own the blocks of the Thanos hashmod vector, each exactly once', async () => {
  const shards = await Promise.all(
    [0, 1, 2].map(async index => {
      const claims = await Promise.all(Array.from({ length: 15 }, (_, i) => claim(index, 3, meta(i + 1))))
      return claims.flatMap((c, i) => (c.status === 'granted' ? [i + 1] : []))
    }),
  )
  expect(shards).toEqual([
    [2, 6, 11, 13],
    [5, 7, 10, 12, 14, 15],
    [1, 3, 4, 8, 9],
  ])
})

it('a denial is not-owner and names the shard that owns the block', async () => {
  expect(await claim(0, 3, meta(1))).toEqual({
    status: 'denied',
    epoch: 0,
    reason: 'not-owner',
    owners: ['shard-2'],
  })
})

it('has one epoch for ever, no hand-over, and lets two gateways have one index', async () => {
  const twins = [staticShard({ index: 2, of: 3 }), staticShard({ index: 2, of: 3 })]
  const claims = await Promise.all(twins.map(twin => twin.claim(meta(1), signal)))
  expect(claims.map(c => c.status)).toEqual(['granted', 'granted'])
  expect(twins.map(twin => [twin.exclusive, twin.epoch(), twin.handover])).toEqual([
    [false, 0, undefined],
    [false, 0, undefined],
  ])
})

it('in owned() a block of another shard is skipped, and looked at again when ownership changes', async () => {
  const stage = owned(staticShard({ index: 0, of: 3 }))
  const ask = (n: number) =>
    stage.handle(blockContext(candidate({ ulid: testId(n) })), async () => testOutcome('added'))
  expect(await ask(2)).toEqual({ kind: 'added' })
  expect(await ask(1)).toEqual({
    kind: 'skip',
    reason: 'not-owner',
    retain: true,
    recheck: 'ownership-change',
    epoch: 0,
  })
})

it('a claim whose signal has aborted is rejected with its reason', async () => {
  const reason = new Error('over')
  await expect(staticShard({ index: 0, of: 1 }).claim(meta(1), AbortSignal.abort(reason))).rejects.toBe(reason)
})

it('the index must be below the number of shards, and both must be integers', () => {
  expect(problems({ index: 0, of: 1 })).toEqual([])
  expect(problems({ index: 2, of: 3 })).toEqual([])
  expect(problems({ index: 3, of: 3 })).toEqual(['index must be < of (3)'])
  expect(problems({ index: -1, of: 0 })).toEqual(['index must be >= 0', 'of must be >= 1'])
  expect(problems({ index: 0.5, of: 1.5 })).toEqual(['index must be an integer', 'of must be an integer'])
  expect(problems({ index: '1', of: '3' })).toHaveLength(2)
  expect(problems({ of: 3 })).toEqual(['index must be given'])
  expect(problems({ index: 0, of: 1, replicas: 2 })).toEqual(['replicas must be one of the known options: index, of'])
})
