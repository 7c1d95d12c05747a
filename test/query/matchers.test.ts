import { codeOf } from 'blockgate'
import { describe, expect, it } from 'vitest'
import { type LabelMatcher, type MatcherType, matcher } from '../../src/query/matchers.ts'

const of = (type: MatcherType, value: string): LabelMatcher => ({ type, name: 'x', value })
const VALUES = ['', 'a', 'A', 'ab', 'abc', 'b', 'a|b', 'a\nb', '(a)', 'é', 'host-1:9100', 'host-2:9100']

describe('what a matcher selects', () => {
  it.each([
    ['=', 'a', ['a']],
    ['=', '', ['']],
    ['!=', 'a', VALUES.filter(value => value !== 'a')],
    ['=~', 'a', ['a']],
    ['=~', 'a|b', ['a', 'b']],
    ['=~', 'a|', ['', 'a']],
    ['=~', '', ['']],
    ['=~', 'a(b|)', ['a', 'ab']],
    ['=~', '(a|b)c', []],
    ['=~', '(ab|b)c', ['abc']],
    ['=~', '.*', VALUES.filter(value => value !== 'a\nb')],
    ['=~', '.+', VALUES.filter(value => value !== '' && value !== 'a\nb')],
    ['=~', 'a.*', ['a', 'ab', 'abc', 'a|b']],
    ['=~', 'a.+', ['ab', 'abc', 'a|b']],
    ['=~', 'ab?', ['a', 'ab']],
    ['=~', 'ab*c', ['abc']],
    ['=~', 'host-[12]:9100', ['host-1:9100', 'host-2:9100']],
    ['=~', '(?i)a', ['a', 'A']],
    ['=~', '[[:alpha:]]', ['a', 'A', 'b']],
    ['=~', '\\pL', ['a', 'A', 'b', 'é']],
    ['=~', '\\Q(a)\\E', ['(a)']],
    ['=~', '(?s).*', VALUES],
    ['!~', 'a|b', VALUES.filter(value => value !== 'a' && value !== 'b')],
    ['!~', '.*', ['a\nb']],
    ['!~', '', VALUES.filter(value => value !== '')],
  ] as const)('%s %j', (type, value, selected) => {
    const { matches } = matcher(of(type, value))
    expect(VALUES.filter(matches)).toEqual(selected)
  })

  it.each([
    'a',
    'a|b',
    'a(b|c)d',
    'a.*',
    'a.+',
    'host-.*',
    'ab?',
    'ab*',
    'ab{2}',
    'abc+',
    'x-y|z',
    'a[bc]',
    '(?i)abc',
    'ab(c',
  ])('what %j knows of its values beforehand is true of each', pattern => {
    let made: ReturnType<typeof matcher>
    try {
      made = matcher(of('=~', pattern))
    } catch (error) {
      expect(codeOf(error)).toBe('invalid-query')
      return
    }
    const { values, prefix, matches } = made
    const tried = [
      '',
      'a',
      'ab',
      'abb',
      'abc',
      'abcc',
      'abd',
      'acd',
      'ABC',
      'b',
      'x-y',
      'z',
      'ac',
      'host-',
      'host-1',
      ...(values ?? []),
    ]
    for (const value of tried) {
      if (values) expect(matches(value), value).toBe(values.has(value))
      if (matches(value)) expect(value.startsWith(prefix), `${value} begins with ${prefix}`).toBe(true)
    }
  })

  it.each(['(', '*', 'a{2000}', '(?=a)', '\\1', 'x'.repeat(70_000)])('refuses %s', pattern => {
    expect(() => matcher(of('=~', pattern))).toThrow(/^invalid-query: x=~/)
  })
})

describe('patterns that were asked last', () => {
  const ask = (value: string, type: '=~' | '!~' = '=~') => matcher({ type, name: 'pod', value })
  /** Whether it was compiled for `asked` again. */
  const isKept = (value: string) => {
    const { matches } = ask(value)
    return ask(value).matches === matches
  }

  it('are kept, whatever label they are of, and one that is long is not', () => {
    expect(isKept('a.*b[0-9]')).toBe(true)
    expect(matcher({ type: '=~', name: 'other', value: 'a.*b[0-9]' }).matches).toBe(ask('a.*b[0-9]').matches)
    expect(ask('a.*b[0-9]', '!~').matches('axb1')).toBe(false)
    expect(isKept(`a.*b[0-9]${'x'.repeat(1_100)}`)).toBe(false)
  })

  it('are 32, those that were asked last', () => {
    const [first, second] = [ask('first[0-9]').matches, ask('second[0-9]').matches]
    for (let i = 0; i < 25; i++) ask(`${i}[0-9]`)
    expect(ask('first[0-9]').matches).toBe(first)
    for (let i = 25; i < 50; i++) ask(`${i}[0-9]`)
    expect(ask('first[0-9]').matches).toBe(first)
    expect(ask('second[0-9]').matches).not.toBe(second)
  })
})
