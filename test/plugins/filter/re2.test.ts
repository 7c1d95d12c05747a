import { fakeHost } from 'blockgate/testing'
import { describe, expect, it } from 'vitest'
import { compileRe2 } from '../../../plugins/filter/match-labels/re2.ts'

const matching = (pattern: string, texts: readonly string[]): readonly string[] => texts.filter(compileRe2(pattern))

describe('what RE2 and JavaScript share', () => {
  it('matches the same strings as JavaScript does, over random expressions and texts', () => {
    const host = fakeHost({ seed: 3 })
    const pick = <T>(list: readonly T[]): T => list[Math.floor(host.random() * list.length)] as T
    const expression = (depth: number): string => {
      if (depth === 0) return pick(['a', 'b', 'c', '.', '[ab]', '[^a]', '', 'é', '\\w', '\\.', '^', '$', '\\b'])
      const part = () => expression(depth - 1)
      return pick([
        () => part() + part(),
        () => `(?:${part()}|${part()})`,
        () => `(${part()})${pick(['*', '+', '?', '*?', '{0,2}', '{2}', '{1,}'])}`,
        () => `[a-c]${part()}`,
      ])()
    }
    const text = () => Array.from({ length: Math.floor(host.random() * 7) }, () => pick([...'aabbc.é\n🚀'])).join('')
    let matched = 0
    for (let i = 0; i < 1500; i++) {
      const pattern = expression(1 + (i % 3))
      const mine = compileRe2(pattern)
      const theirs = new RegExp(`^(?:${pattern})$`, 'us')
      for (let j = 0; j < 12; j++) {
        const sample = text()
        const expected = theirs.test(sample)
        if (expected) matched++
        expect({ pattern, sample, matches: mine(sample) }).toEqual({ pattern, sample, matches: expected })
      }
    }
    expect(matched).toBeGreaterThan(1000)
  })

  it('must match the whole string', () => {
    expect(matching('eu-.*', ['eu-1', 'xeu-1', 'eu-', 'eu'])).toEqual(['eu-1', 'eu-'])
    expect(matching('a|b', ['a', 'b', 'ab', 'xa'])).toEqual(['a', 'b'])
  })
})

describe('what RE2 has and JavaScript has not', () => {
  it.each<[pattern: string, matching: readonly string[], other: readonly string[]]>([
    ['(?i)Prod', ['prod', 'PROD'], ['prod1']],
    ['a(?i)b|c', ['ab', 'aB', 'C', 'c'], ['AB']],
    ['(?i:a)b', ['Ab', 'ab'], ['aB']],
    ['(?i)a(?-i)b', ['Ab'], ['aB']],
    ['(?-s).', ['a'], ['\n']],
    ['a.b', ['a\nb'], ['ab']],
    ['(?m)a$\n^b', ['a\nb'], ['ab']],
    ['\\Aa\\z', ['a'], ['a\n']],
    ['[[:alpha:]_]+', ['a_Z'], ['a1', 'é']],
    ['[[:^digit:]]', ['a'], ['1']],
    ['[^[:space:]]', ['a'], ['\v']],
    ['\\s', ['\t', ' '], ['\v', '\u00a0']],
    ['\\pN+', ['12', '٣'], ['a']],
    ['\\p{Greek}', ['λ'], ['l']],
    ['\\P{Lu}', ['a'], ['A']],
    ['\\p{^Lu}', ['a'], ['A']],
    ['(?P<name>a)', ['a'], ['b']],
    ['(?<name>a)', ['a'], ['b']],
    ['\\Qa.b*\\E+', ['a.b*', 'a.b**'], ['axb*']],
    ['my\\-cluster\\_1', ['my-cluster_1'], ['my_cluster_1']],
    ['a{,2}', ['a{,2}'], ['aa']],
    ['[]a]', [']', 'a'], ['b']],
    ['[^]a]', ['b'], [']', 'a']],
    ['[a-]', ['a', '-'], ['b']],
    ['\\x41\\x{1F680}\\101', ['A🚀A'], ['A']],
    ['(?i)\\W', ['-'], ['s', 'k']],
    ['\\bé\\b', [], ['é']],
    ['(a*)*', ['', 'aa'], ['b']],
  ])('%s', (pattern, good, bad) => {
    expect(matching(pattern, [...good, ...bad])).toEqual(good)
  })
})

describe('what RE2 refuses', () => {
  it.each([
    ['a(?=b)', 'an unknown kind of group'],
    ['(?<!a)b', 'an unknown kind of group'],
    ['(a)\\1', 'an unknown escape'],
    ['\\C', 'an unknown escape'],
    ['a**', 'a repetition of a repetition'],
    ['*a', 'a repetition of nothing'],
    ['a{1001}', 'a bad count'],
    ['a{3,2}', 'a bad count'],
    ['(a{100}){100}', 'too many repetitions in each other'],
    ['(a', 'a group without an end'],
    ['a)', 'a ) without its group'],
    ['[a', 'a class without an end'],
    ['[b-a]', 'a range that goes down'],
    ['[[:foo:]]', 'an unknown class'],
    ['\\p{Klingon}', 'an unknown class'],
    ['\\x{110000}', 'a character past U+10FFFF'],
    [`${'('.repeat(1001)}${')'.repeat(1001)}`, 'groups too deep'],
    [`(${'abcdefghijkl'}){1000}`, 'an expression of more than 10000 steps'],
  ])('%s', (pattern, why) => {
    expect(() => compileRe2(pattern)).toThrow(why)
  })
})

it('an expression that makes JavaScript backtrack for ages is answered after one look at each character', () => {
  const text = `${'a'.repeat(5000)}b`
  expect(compileRe2('(a+)+')(text)).toBe(false)
  expect(compileRe2('(a|a)*')(text)).toBe(false)
  expect(compileRe2('.*a.*a.*a.*a.*c')(text)).toBe(false)
})
