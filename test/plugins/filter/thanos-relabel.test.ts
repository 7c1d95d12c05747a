import { type ThanosRelabelOptions, thanosRelabel } from 'blockgate/plugins/filter/thanos-relabel'
import { testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { problemsOf, verdict } from './verdict.ts'

const SHARD = `
- action: drop
  source_labels: [env]
  regex: dev|test
- action: HashMod
  source_labels: [__block_id]
  target_label: shard
  modulus: 3
- action: keep
  source_labels: [shard]
  regex: 2
`
const problems = (yaml: string, more: Partial<ThanosRelabelOptions> = {}) =>
  problemsOf(thanosRelabel({ yaml, ...more }))

testStage(
  { describe, it },
  {
    name: 'thanos-relabel',
    factory: () => thanosRelabel({ yaml: SHARD }),
    invalid: [() => thanosRelabel({ yaml: 'a: b' }), () => thanosRelabel({ yaml: undefined })],
  },
)

it('shards by hashmod as Thanos does', async () => {
  const ids = Array.from({ length: 15 }, (_, i) => i + 1)
  // Thanos' own test has these blocks: `TestLabelShardedMetaFilter_Filter_Hashmod`.
  const block = (i: number) => `${i.toString(32).toUpperCase().padStart(10, '0')}${'0'.repeat(16)}`
  const shardOf = async (shard: number) => {
    const stage = thanosRelabel({ yaml: SHARD.replace('regex: 2', `regex: ${shard}`) })
    const verdicts = await Promise.all(ids.map(i => verdict(stage, { ulid: block(i) as never, labels: {} })))
    return ids.filter((_, i) => verdicts[i] === 'passed')
  }
  expect(await shardOf(0)).toEqual([2, 6, 11, 13])
  expect(await shardOf(1)).toEqual([5, 7, 10, 12, 14, 15])
  expect(await shardOf(2)).toEqual([1, 3, 4, 8, 9])
})

it('keeps and drops by labels, with a separator', async () => {
  const yaml = '[{action: keep, source_labels: [a, b], separator: "/", regex: x/1}]'
  expect(await verdict(thanosRelabel({ yaml }), { labels: { a: 'x', b: '1' } })).toBe('passed')
  expect(await verdict(thanosRelabel({ yaml }), { labels: { a: 'x', b: '01' } })).toBe('label-excluded')
  expect(await verdict(thanosRelabel({ yaml: SHARD }), { labels: { env: 'dev' } })).toBe('label-excluded')
})

it.each(['', '[]', '# none', 'null'])('lets every block through without a rule: %j', async yaml => {
  expect(problems(yaml)).toEqual([])
  expect(await verdict(thanosRelabel({ yaml }), { ulid: testId(3) })).toBe('passed')
})

it('takes names from the environment', async () => {
  const yaml = '[{action: keep, source_labels: [cluster], regex: $(CLUSTER)}]'
  expect(await verdict(thanosRelabel({ yaml, env: { CLUSTER: 'eu' } }), { labels: { cluster: 'eu' } })).toBe('passed')
  expect(problems(yaml)).toEqual(['yaml must come with env, where its $(CLUSTER) is'])
})

it.each([
  ['a: b', ['yaml must be a list of relabel rules']],
  ['[keep]', ['yaml[0] must be a relabel rule']],
  ['[{source_labels: [a]}]', ['yaml[0].action must be keep, drop or hashmod, other relabel actions are unsupported']],
  [
    '[{action: keep}, {action: labeldrop}]',
    ['yaml[1].action must be keep, drop or hashmod, other relabel actions are unsupported'],
  ],
  ['[{action: keep, source_labels: a}]', ['yaml[0].source_labels must be a list']],
  [
    '[{action: keep, regex: "("}]',
    ['yaml[0].regex must be an RE2 expression (error parsing regexp: missing closing ): `(`)'],
  ],
  [
    '[{action: hashmod, modulus: x}]',
    ['yaml[0].modulus must be a number', 'yaml[0].target_label must be given for hashmod'],
  ],
  [
    '[{action: keep, replacement: a}]',
    [
      'yaml[0].replacement must be one of the known fields: action, source_labels, separator, regex, modulus, target_label',
    ],
  ],
  ['[', ['yaml must be YAML: MISSING_CHAR in line 1, column 2']],
])('tells what is wrong with %s', (yaml, wanted) => {
  expect(problems(yaml)).toEqual(wanted)
})
