import { type MatchLabelsOptions, matchLabels, type RelabelRule } from 'blockgate/plugins/filter/match-labels'
import { blockContext, candidate, testId, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { verdict } from './verdict.ts'

const at = (relabel: readonly RelabelRule[], labels: Record<string, string> = {}, ulid = testId(1)) =>
  verdict(matchLabels({ relabel }), blockContext(candidate({ ulid, labels })))

const problems = (options: unknown) =>
  (matchLabels(options as MatchLabelsOptions).check?.() ?? []).map(p => `${p.path} must ${p.must}`)

testStage(
  { describe, it },
  {
    name: 'match-labels',
    factory: () => matchLabels({ relabel: [{ action: 'keep', sourceLabels: ['cluster'], regex: 'eu.*' }] }),
    invalid: [
      () => matchLabels({ relabel: [{ action: 'replace' as 'keep' }] }),
      () => matchLabels({ relabel: 'x' as never }),
    ],
  },
)

it('keep lets through what matches as a whole, and drop the rest', async () => {
  const keep: RelabelRule = { action: 'keep', sourceLabels: ['cluster'], regex: 'A|B' }
  const drop: RelabelRule = { ...keep, action: 'drop' }
  const clusters = ['A', 'B', 'C', 'AB']
  expect(await Promise.all(clusters.map(cluster => at([keep], { cluster })))).toEqual([
    'passed',
    'passed',
    'label-excluded',
    'label-excluded',
  ])
  expect(await Promise.all(clusters.map(cluster => at([drop], { cluster })))).toEqual([
    'label-excluded',
    'label-excluded',
    'passed',
    'passed',
  ])
})

it('the first rule that drops decides, and every rule must let the block through', async () => {
  const rules: readonly RelabelRule[] = [
    { action: 'drop', sourceLabels: ['message'], regex: 'bad' },
    { action: 'keep', sourceLabels: ['cluster'], regex: 'eu' },
  ]
  expect(await at(rules, { cluster: 'eu', message: 'keepme' })).toBe('passed')
  expect(await at(rules, { cluster: 'eu', message: 'bad' })).toBe('label-excluded')
  expect(await at(rules, { cluster: 'us', message: 'keepme' })).toBe('label-excluded')
})

it('a missing label is empty, whatever objects inherit', async () => {
  expect(await at([{ action: 'keep', sourceLabels: ['cluster'], regex: '' }])).toBe('passed')
  expect(await at([{ action: 'keep', sourceLabels: ['constructor', 'toString'], regex: ';' }])).toBe('passed')
  const plain = candidate()
  const inherits = blockContext({ ...plain, meta: { ...plain.meta, labels: {} } })
  const stage = matchLabels({ relabel: [{ action: 'keep', sourceLabels: ['constructor'], regex: '' }] })
  expect(await verdict(stage, inherits)).toBe('passed')
})

it('several labels are joined by ; or by the separator given', async () => {
  const labels = { a: '1', b: '2' }
  const rule: RelabelRule = { action: 'keep', sourceLabels: ['a', 'b'], regex: '1;2' }
  expect(await at([rule], labels)).toBe('passed')
  expect(await at([{ ...rule, separator: '/', regex: '1/2' }], labels)).toBe('passed')
  expect(await at([{ ...rule, separator: '/' }], labels)).toBe('label-excluded')
})

it('__block_id is the ULID, also where an external label has that name', async () => {
  const rule: RelabelRule = { action: 'keep', sourceLabels: ['__block_id'], regex: testId(7) }
  expect(await at([rule], { __block_id: 'x' }, testId(7))).toBe('passed')
  expect(await at([rule], {}, testId(8))).toBe('label-excluded')
})

it('without rules every block passes, one without labels too', async () => {
  expect(await at([])).toBe('passed')
  expect(await verdict(matchLabels(), blockContext(candidate()))).toBe('passed')
})

it('a rule without a regex matches everything', async () => {
  expect(await at([{ action: 'keep' }], { a: '1' })).toBe('passed')
  expect(await at([{ action: 'drop' }], { a: '1' })).toBe('label-excluded')
})

it.each<[regex: string, kept: readonly string[], dropped: readonly string[]]>([
  ['eu-.*', ['eu-1', 'eu-'], ['xeu-1', 'eu']],
  ['a|ab', ['a', 'ab'], ['abb', 'xa']],
  ['^a$', ['a'], ['a\n', '\na']],
  ['a.b', ['a\nb', 'a🚀b'], ['ab']],
  ['(?-s)a.b', ['axb'], ['a\nb']],
  ['(?i)Prod', ['prod', 'PROD'], ['prod1']],
  ['(?i:a)b', ['Ab', 'ab'], ['aB']],
  ['[[:alpha:]_]+', ['a_Z'], ['a1', 'é']],
  ['\\pN+', ['12', '٣'], ['a']],
  ['\\p{Greek}', ['λ'], ['l']],
  ['\\Aa\\z', ['a'], ['a\n']],
  ['\\Qa.b*\\E', ['a.b*'], ['axb*']],
  ['(?P<name>a)', ['a'], ['b']],
])('%s is matched as RE2 does, against the whole value', async (regex, kept, dropped) => {
  const values = [...kept, ...dropped]
  const rule: RelabelRule = { action: 'keep', sourceLabels: ['a'], regex }
  const verdicts = await Promise.all(values.map(a => at([rule], { a })))
  expect(values.filter((_, i) => verdicts[i] === 'passed')).toEqual(kept)
})

// Of two engines only JavaScript's backtracks: over a value from a bucket it could run for hours.
it.each([
  ['\\pN+', '12', 'pNN'],
  ['[[:alpha:]]', 'a', ':]'],
  ['a\\z', 'a', 'az'],
  ['\\Qb+\\E', 'b+', 'QbbE'],
  ['\\x{62}', 'b', 'x'.repeat(62)],
])('%s means to RE2, which answers, something else than to the engine of JavaScript', async (regex, ours, theirs) => {
  expect(new RegExp(`^(?:${regex})$`, 's').test(theirs)).toBe(true)
  const keep: RelabelRule = { action: 'keep', sourceLabels: ['a'], regex }
  expect(await at([keep], { a: ours })).toBe('passed')
  expect(await at([keep], { a: theirs })).toBe('label-excluded')
})

it.each([
  ['lookahead', 'a(?=b)'],
  ['lookbehind', '(?<!a)b'],
  ['a backreference', '(a)\\1'],
  ['a repetition of a repetition', 'a**'],
  ['a count above 1000', 'a{1001}'],
  ['a parenthesis that closes nothing', 'a)|(b'],
  ['a class without an end', '[a'],
  ['an unknown class', '\\p{Klingon}'],
  ['groups too deep in each other', `${'('.repeat(1001)}${')'.repeat(1001)}`],
])('%s, which RE2 refuses, is a problem of the config and does not throw', (_, regex) => {
  expect(problems({ relabel: [{ action: 'drop', regex }] })).toEqual([
    expect.stringMatching(/^relabel\[0\]\.regex must be an RE2 expression \(.+\)$/),
  ])
})

it('hashmod on __block_id and keep split the Thanos vector into three shards', async () => {
  const shards = await Promise.all(
    ['0', '1', '2'].map(async regex => {
      const rules: readonly RelabelRule[] = [
        { action: 'hashmod', sourceLabels: ['__block_id'], modulus: 3, targetLabel: 'shard' },
        { action: 'keep', sourceLabels: ['shard'], regex },
      ]
      const verdicts = await Promise.all(Array.from({ length: 15 }, (_, i) => at(rules, {}, testId(i + 1))))
      return verdicts.flatMap((v, i) => (v === 'passed' ? [i + 1] : []))
    }),
  )
  expect(shards).toEqual([
    [2, 6, 11, 13],
    [5, 7, 10, 12, 14, 15],
    [1, 3, 4, 8, 9],
  ])
})

it('hashmod changes no label of the block itself', async () => {
  const stage = matchLabels({ relabel: [{ action: 'hashmod', modulus: 3, targetLabel: 'cluster' }] })
  const block = candidate({ labels: { cluster: 'eu' } })
  await verdict(stage, blockContext(block))
  expect({ ...block.meta.labels }).toEqual({ cluster: 'eu' })
})

it.each([undefined, 'replace', 'labelmap', 'labeldrop', 'labelkeep', 'lowercase', 'keepequal'])(
  'the action %s is unsupported',
  action => {
    expect(problems({ relabel: [{ action: 'keep' }, { action }] })).toEqual([
      'relabel[1].action must be keep, drop or hashmod, other relabel actions are unsupported',
    ])
  },
)

it('tells the place of everything that is wrong', () => {
  expect(problems({ relabel: [{ action: 'hashmod' }] })).toEqual([
    'relabel[0].modulus must be given for hashmod',
    'relabel[0].targetLabel must be given for hashmod',
  ])
  expect(problems({ relabel: [{ action: 'hashmod', modulus: 0, targetLabel: 'a' }] })).toEqual([
    'relabel[0].modulus must be >= 1',
  ])
  expect(problems({ relabel: [{ action: 'keep', regex: '(?=a)' }] })).toEqual([
    'relabel[0].regex must be an RE2 expression (error parsing regexp: invalid or unsupported Perl syntax: `(?=`)',
  ])
  expect(problems({ relabel: [{ action: 'keep', source_labels: ['a'] }] })[0]).toMatch(
    /^relabel\[0\]\.source_labels must/,
  )
  expect(problems({ relabel: {} })).toEqual(['relabel must be a list of relabel rules'])
  expect(problems({ rules: [] })).toEqual(['rules must be one of the known options: relabel'])
})

it('tells the problems of every rule beside unknown options', () => {
  const relabel = [{ action: 'keep', regex: '(', regexp: 'a' }, null, { action: 'hashmod', modulo: 3 }]
  expect(problems({ relabel, rules: [], more: 1 }).map(text => text.replace(/ must.*/, ''))).toEqual([
    'relabel[0].regex',
    'relabel[1]',
    'relabel[0].regexp',
    'relabel[2].modulo',
    'rules',
    'more',
    'relabel[2].modulus',
    'relabel[2].targetLabel',
  ])
})
