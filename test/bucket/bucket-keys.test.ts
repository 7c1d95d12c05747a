import { compareKeys, keyProblem } from 'blockgate/bucket'
import { describe, expect, it } from 'vitest'

describe('compareKeys()', () => {
  const bytes = (key: string) => new TextEncoder().encode(key).join(' ')
  const byBytes = (a: string, b: string) => {
    const x = new TextEncoder().encode(a)
    const y = new TextEncoder().encode(b)
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return (x[i] ?? 0) - (y[i] ?? 0)
    return x.length - y.length
  }

  it('agrees with the bytes of UTF-8 for every pair', () => {
    const keys = [
      '',
      'a',
      'ab',
      'a/b',
      'a-b',
      'a.b',
      'a0',
      'é',
      '߿',
      'ࠀ',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
      '\u{10ffff}',
      'a\u{1f600}b',
      'a\uff5eb',
    ]
    for (const a of keys) {
      for (const b of keys) {
        expect(Math.sign(compareKeys(a, b)), `${bytes(a)} against ${bytes(b)}`).toBe(Math.sign(byBytes(a, b)))
      }
    }
  })
})

describe('keyProblem()', () => {
  it('takes what is a path of plain names', () => {
    for (const key of ['a', 'a/b', '.a', '..a', 'a..', '...', 'a b', 'ü', 'x'.repeat(1024), `${'€'.repeat(341)}x`]) {
      expect(keyProblem(key), key).toBeUndefined()
    }
  })

  const bad: readonly (readonly [string, string])[] = [
    ['', 'have 1 to 1024 UTF-8 bytes'],
    ['x'.repeat(1025), 'have 1 to 1024 UTF-8 bytes'],
    ['€'.repeat(342), 'have 1 to 1024 UTF-8 bytes'],
    ['a\ud800', 'be well-formed Unicode'],
    ['a\0', 'have no NUL'],
    ['a\\b', 'have no backslash'],
    ['/a', "have no empty segment, and no '/' at either end"],
    ['a/', "have no empty segment, and no '/' at either end"],
    ['a//b', "have no empty segment, and no '/' at either end"],
    ['.', "have no '.' or '..' segment"],
    ['a/./b', "have no '.' or '..' segment"],
    ['..', "have no '.' or '..' segment"],
    ['a/..', "have no '.' or '..' segment"],
  ]
  for (const [key, must] of bad) {
    it(`says of ${JSON.stringify(key).slice(0, 20)} that it must ${must}`, () => {
      expect(keyProblem(key)).toBe(must)
    })
  }
})
