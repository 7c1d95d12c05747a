import { ErrorCode } from 'blockgate'
import { testId } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { Assignments } from '../../../../plugins/ownership/hash-ring/assignments.ts'
import {
  fnv1,
  nextToken,
  type TokenRingOptions,
  tokenRing,
} from '../../../../plugins/ownership/hash-ring/token-ring.ts'
import { ulidWords } from '../../../../src/members/mix.ts'
import { blocks, gateway, gateways } from './support.ts'

const b1 = testId(1)
const b2 = testId(2)
const b3 = testId(5)
const b4 = testId(6)
const ALL = { b1, b2, b3, b4 }
const hash = (id: typeof b1) => fnv1(ulidWords(id, new Uint32Array(4)))
const [h1, h2, h3, h4] = [hash(b1), hash(b2), hash(b3), hash(b4)]

const byHand = (tokens: Readonly<Record<string, readonly number[]>>) => tokenRing({ tokensOf: id => tokens[id] ?? [] })

describe('the hash of Cortex and Mimir', () => {
  it('is FNV-1 over the 16 bytes of the ULID: the known answers of their tests', () => {
    expect([h1, h2, h3, h4]).toEqual([283_204_220, 444_110_359, 2_931_974_232, 3_092_880_371])
  })

  it('equals FNV-1 byte for byte, in BigInt', () => {
    for (const id of blocks(200)) {
      const words = ulidWords(id, new Uint32Array(4))
      const bytes = [...words].flatMap(word => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255])
      const exact = bytes.reduce((sum, byte) => ((sum * 16_777_619n) & 0xffffffffn) ^ BigInt(byte), 2_166_136_261n)
      expect(fnv1(words)).toBe(Number(exact))
    }
  })
})

describe('the look-up', () => {
  const tokens = Uint32Array.of(0, 10, 20, 4_294_967_295)

  it.each([
    [0, 1],
    [9, 1],
    [10, 2],
    [19, 2],
    [20, 3],
    [4_294_967_294, 3],
    [4_294_967_295, 0],
  ])('of %i takes the first token strictly greater, past the last one the first: index %i', (key, index) => {
    expect(nextToken(tokens, key)).toBe(index)
  })

  it('gives a block whose hash is a token to the next one', () => {
    const ranks = [h1, h1 + 1].map(token => {
      const ring = byHand({ i1: [token], i2: [h1 + 2] }).prepare([gateway('i1'), gateway('i2')])
      return [...ring.rank(b1)]
    })
    expect(ranks).toEqual([
      ['i2', 'i1'],
      ['i1', 'i2'],
    ])
  })

  it('walks on around the circle, each member once', () => {
    const ring = byHand({ i1: [5, h4 + 3], i2: [h4 + 1, h4 + 2, 6], i3: [7] }).prepare(
      ['i3', 'i2', 'i1'].map(id => gateway(id)),
    )
    expect([...ring.rank(b4)]).toEqual(['i2', 'i1', 'i3'])
  })
})

// TestDefaultShardingStrategy of cortexproject/cortex, pkg/storegateway/sharding_strategy_test.go.
describe("the table of Cortex' default sharding strategy", () => {
  const two = { i1: [h1 + 1, h3 + 1], i2: [h2 + 1, h4 + 1] }
  const three = { i1: [h1 + 1, h3 + 1], i2: [h2 + 1], i3: [h4 + 1] }

  it.each([
    ['one copy, one member', 1, { i1: [0] }, {}, { i1: 'b1 b2 b3 b4', i2: '' }],
    ['one copy, two members', 1, two, {}, { i1: 'b1 b3', i2: 'b2 b4' }],
    ['two copies, one member', 2, { i1: [0] }, {}, { i1: 'b1 b2 b3 b4', i2: '' }],
    ['two copies, two members', 2, two, {}, { i1: 'b1 b2 b3 b4', i2: 'b1 b2 b3 b4' }],
    ['two copies, three members', 2, three, {}, { i1: 'b1 b2 b3 b4', i2: 'b1 b2', i3: 'b3 b4' }],
    [
      'two copies, three members in two zones',
      2,
      three,
      { i1: 'a', i2: 'a', i3: 'b' },
      { i1: 'b1 b3 b4', i2: 'b2', i3: 'b1 b2 b3 b4' },
    ],
  ])('%s', (_, replicas, tokens, zoneOf: Readonly<Record<string, string>>, expected) => {
    const members = Object.keys(tokens).map(id => gateway(id, { zone: zoneOf[id] }))
    const zones = Object.keys(zoneOf).length > 0 ? ['a', 'b'] : undefined
    const assignments = new Assignments(members, { placement: byHand(tokens), replicas, zones })
    const kept = Object.keys(expected).map(member => {
      const its = Object.entries(ALL).filter(([, id]) => assignments.of(id).targets.includes(member))
      return [member, its.map(([name]) => name).join(' ')]
    })
    expect(Object.fromEntries(kept)).toEqual(expected)
  })

  it('has three copies of b1 in one order', () => {
    const ring = byHand(three).prepare(['i1', 'i2', 'i3'].map(id => gateway(id)))
    expect(Object.values(ALL).map(id => [...ring.rank(id)].join(' '))).toEqual([
      'i1 i2 i3',
      'i2 i1 i3',
      'i1 i3 i2',
      'i3 i1 i2',
    ])
  })
})

describe('tokens', () => {
  it('come from the id alone, in every version: the ranks of five members', () => {
    const ring = tokenRing().prepare(gateways(5))
    expect(Object.values(ALL).map(id => [...ring.rank(id)].join(' '))).toMatchInlineSnapshot(`
      [
        "gw-4 gw-2 gw-5 gw-3 gw-1",
        "gw-1 gw-2 gw-5 gw-3 gw-4",
        "gw-5 gw-1 gw-4 gw-2 gw-3",
        "gw-1 gw-5 gw-3 gw-4 gw-2",
      ]
    `)
  })

  it('of two members that are the same stay with the smaller id', () => {
    const tokens = { i1: [h1 + 1, h2], i2: [h1 + 1, h3], i3: [h1 + 2, h4] }
    for (const ids of [
      ['i1', 'i2', 'i3'],
      ['i3', 'i2', 'i1'],
    ]) {
      const ring = byHand(tokens).prepare(ids.map(id => gateway(id)))
      expect([...ring.rank(b1)]).toEqual(['i1', 'i3', 'i2'])
    }
  })

  it('that a member gives twice count once', () => {
    const ring = byHand({ i1: [h1 + 1, h1 + 1], i2: [h2] }).prepare([gateway('i1'), gateway('i2')])
    expect([...ring.rank(b1)]).toEqual(['i1', 'i2'])
  })

  it('are what makes an owner: a member without any is none', () => {
    const ring = byHand({ i1: [], i2: [7] }).prepare([gateway('i1'), gateway('i2')])
    expect([...ring.rank(b1)]).toEqual(['i2'])
  })

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('that are %d are refused', token => {
    const ring = byHand({ i1: [1, token] })
    expect(() => ring.prepare([gateway('i1')])).toThrow(
      expect.objectContaining({
        code: ErrorCode.invalidConfig,
        message: expect.stringContaining(
          `tokensOf("i1") must give integers from 0 to 4294967295: current value is ${token}`,
        ),
      }),
    )
  })
})

it.each([
  [{}, []],
  [{ tokens: undefined, tokensOf: undefined }, []],
  [{ tokens: 1 }, []],
  [{ tokens: 4096 }, []],
  [{ tokensOf: () => [] }, []],
  [{ tokens: 0 }, [{ path: 'tokens', must: 'be >= 1', value: 0 }]],
  [{ tokens: 4097 }, [{ path: 'tokens', must: 'be <= 4096', value: 4097 }]],
  [{ tokens: 1.5 }, [{ path: 'tokens', must: 'be an integer', value: 1.5 }]],
  [{ tokens: 8, tokensOf: () => [] }, [{ path: 'tokens', must: 'be left out where tokensOf gives them', value: 8 }]],
])('checks the options %o', (options: TokenRingOptions, problems) => {
  expect(tokenRing(options).check?.()).toEqual(problems)
})
