import { codeOf } from 'blockgate'
import fc from 'fast-check'
import { RE2JS } from 're2js'
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

  it.each(['(', '*', 'a{2000}', '(?=a)', '\\1'])('refuses %s', pattern => {
    expect(() => matcher(of('=~', pattern))).toThrow(/^invalid-query: x=~/)
  })

  it.each([
    ['a long one', 'a.'.repeat(8_193)],
    ['a short one of many repeats', 'a{1000}'.repeat(17)],
    ['repeats within repeats', '((a{30}b){30}){30}'],
    ['classes of Unicode', '\\pL'.repeat(1_025)],
    ['one whose groups do not end', '('.repeat(10) + 'a.'.repeat(8_193)],
    ['a class', `[${'a-c'.repeat(5_500)}]`],
    ['a class that is repeated', '[[:alpha:]]{999}b{999}'.repeat(2)],
  ])('refuses before it is compiled, with few words, %s', (_, pattern) => {
    let message = ''
    try {
      matcher(of('=~', pattern))
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(
      /^invalid-query: x=~.*must be a shorter regular expression: its size must be <= 16384 and is \d+/,
    )
    expect(message.length).toBeLessThan(400)
  })

  it('takes any number of texts, and looks a few of them up by name', () => {
    const list = Array.from({ length: 30_000 }, (_, i) => `10\\.0\\.${i >> 8}\\.${i & 255}:9090`)
    const all = matcher(of('=~', list.join('|')))
    expect(['10.0.117.47:9090', '10.0.117.48:9090', '10x0.117.47:9090'].map(all.matches)).toEqual([true, false, false])
    expect(all.values, 'too many to look up').toBeUndefined()
    const few = matcher(of('=~', list.slice(0, 2).join('|')))
    expect(few.values).toEqual(new Set(['10.0.0.0:9090', '10.0.0.1:9090']))
  })

  it('is told by its text as by the compiler, whatever characters it is of', () => {
    const parts = ['a', '.', '\\.', '|', '\\|', '(', ')', '[a.]', '\\', '{2}', '^', '$', '-', '*', '\\d', 'é']
    const text = fc.array(fc.constantFrom(...parts), { maxLength: 7 }).map(list => list.join(''))
    const value = fc.array(fc.constantFrom('a', '.', '|', '(', ')', '-', '2', 'é', '\\'), { maxLength: 5 })
    fc.assert(
      fc.property(text, fc.array(value, { maxLength: 20 }), (pattern, values) => {
        let compiled: RE2JS
        try {
          compiled = RE2JS.compile(`^(?:${pattern})$`)
        } catch {
          expect(() => matcher(of('=~', pattern))).toThrow(/^invalid-query/)
          return
        }
        const made = matcher(of('=~', pattern))
        for (const each of [...values.map(list => list.join('')), ...(made.values ?? [])]) {
          expect(made.matches(each), each).toBe(compiled.matches(each))
        }
      }),
      { numRuns: 2_000 },
    )
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
