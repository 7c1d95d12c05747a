import { type MatchLabelsOptions, matchLabels, type RelabelRule } from 'blockgate/plugins/filter/match-labels'
import { blockContext, candidate, testId, testOutcome, testStage } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { problemsOf, verdict } from './verdict.ts'

const at = (relabel: readonly RelabelRule[], labels: Record<string, string> = {}, ulid = testId(1)) =>
  verdict(matchLabels({ relabel }), { ulid, labels })
const problems = (options: unknown) => problemsOf(matchLabels(options as MatchLabelsOptions))

/** Those of the values of label `a` that the rules let through. */
const kept = async (relabel: readonly RelabelRule[], values: readonly string[]) => {
  const verdicts = await Promise.all(values.map(a => at(relabel, { a })))
  return values.filter((_, i) => verdicts[i] === 'passed')
}

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
  const keep: RelabelRule = { action: 'keep', sourceLabels: ['a'], regex: 'A|B' }
  const values = ['A', 'B', 'C', 'AB']
  expect(await kept([keep], values)).toEqual(['A', 'B'])
  expect(await kept([{ ...keep, action: 'drop' }], values)).toEqual(['C', 'AB'])
  expect(await at([keep], { a: 'C' })).toBe('label-excluded')
})

const keep = (sourceLabels: readonly string[], regex: string, more: Partial<RelabelRule> = {}): RelabelRule => ({
  ...{ action: 'keep', sourceLabels, regex },
  ...more,
})
const both = [keep(['message'], 'bad', { action: 'drop' }), keep(['cluster'], 'eu')]

it.each<[name: string, rules: readonly RelabelRule[], labels: Record<string, string>, passes: boolean]>([
  ['every rule must let the block through: both do', both, { cluster: 'eu', message: 'keepme' }, true],
  ['the first rule that drops decides', both, { cluster: 'eu', message: 'bad' }, false],
  ['the second rule decides too', both, { cluster: 'us', message: 'keepme' }, false],
  ['a missing label is empty', [keep(['cluster'], '')], {}, true],
  ['a missing label is empty, whatever objects inherit', [keep(['constructor', 'toString'], ';')], {}, true],
  ['several labels are joined by ;', [keep(['a', 'b'], '1;2')], { a: '1', b: '2' }, true],
  ['… or by the separator given', [keep(['a', 'b'], '1/2', { separator: '/' })], { a: '1', b: '2' }, true],
  ['… and by no other', [keep(['a', 'b'], '1;2', { separator: '/' })], { a: '1', b: '2' }, false],
  ['__block_id is the ULID', [keep(['__block_id'], testId(1))], {}, true],
  ['__block_id is the ULID, also where a label has that name', [keep(['__block_id'], 'x')], { __block_id: 'x' }, false],
  ['without rules every block passes', [], {}, true],
  ['a rule without a regex matches everything', [{ action: 'keep' }], { a: '1' }, true],
  ['a drop without a regex too', [{ action: 'drop' }], { a: '1' }, false],
])('%s', async (_, rules, labels, passes) => {
  expect(await at(rules, labels)).toBe(passes ? 'passed' : 'label-excluded')
  const plain = candidate()
  const inherits = blockContext({ ...plain, meta: { ...plain.meta, labels } })
  const answer = await matchLabels({ relabel: rules }).handle(inherits, async () => testOutcome('passed'))
  expect('reason' in answer).toBe(!passes)
})

it('without options every block passes', async () => {
  expect(await verdict(matchLabels())).toBe('passed')
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
])('%s is matched as RE2 does, against the whole value', async (regex, matching, others) => {
  expect(await kept([keep(['a'], regex)], [...matching, ...others])).toEqual(matching)
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
  expect(await kept([keep(['a'], regex)], [ours, theirs])).toEqual([ours])
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
  const labels = { cluster: 'eu' }
  await at([{ action: 'hashmod', modulus: 3, targetLabel: 'cluster' }], labels)
  expect(labels).toEqual({ cluster: 'eu' })
})

it.each([undefined, 'replace', 'labelmap', 'labeldrop', 'labelkeep', 'lowercase', 'keepequal'])(
  'the action %s is unsupported',
  action => {
    expect(problems({ relabel: [{ action: 'keep' }, { action }] })).toEqual([
      'relabel[1].action must be keep, drop or hashmod, other relabel actions are unsupported',
    ])
  },
)

it.each<[options: object, problems: readonly string[]]>([
  [
    { relabel: [{ action: 'hashmod' }] },
    ['relabel[0].modulus must be given for hashmod', 'relabel[0].targetLabel must be given for hashmod'],
  ],
  [{ relabel: [{ action: 'hashmod', modulus: 0, targetLabel: 'a' }] }, ['relabel[0].modulus must be >= 1']],
  [
    { relabel: [{ action: 'keep', regex: '(?=a)' }] },
    ['relabel[0].regex must be an RE2 expression (error parsing regexp: invalid or unsupported Perl syntax: `(?=`)'],
  ],
  [{ relabel: {} }, ['relabel must be a list of relabel rules']],
  [{ rules: [] }, ['rules must be one of the known options: relabel']],
])('the problems of %j are %j', (options, expected) => {
  expect(problems(options)).toEqual(expected)
})

it('tells the problems of every rule beside unknown options', () => {
  const relabel = [{ action: 'keep', regex: '(', regexp: 'a' }, null, { action: 'hashmod', modulo: 3 }]
  const paths = problems({ relabel, rules: [], more: 1 }).map(text => text.replace(/ must.*/, ''))
  expect(paths.toSorted()).toEqual([
    ...['more', 'relabel[0].regex', 'relabel[0].regexp', 'relabel[1]', 'relabel[2].modulo', 'relabel[2].modulus'],
    ...['relabel[2].targetLabel', 'rules'],
  ])
})
