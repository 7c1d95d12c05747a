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
      'a\u{1f600}b',
      'a\uff5eb',
      'é',
      '߿',
      'ࠀ',
      '\ud7ff',
      '\ue000',
    ].concat(['\uffff', '\u{10000}', '\u{10ffff}'])
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

  it.each<[string, string]>([
    ['', 'have 1 to 1024 UTF-8 bytes'],
    ['x'.repeat(1025), 'have 1 to 1024 UTF-8 bytes'],
    ['€'.repeat(342), 'have 1 to 1024 UTF-8 bytes'],
    ['a\ud800', 'be well-formed Unicode'],
    ['a\0', 'have no NUL'],
    ['a\\b', 'have no backslash'],
    ...['/a', 'a/', 'a//b'].map(
      key => [key, "have no empty segment, and no '/' at either end"] satisfies [string, string],
    ),
    ...['.', 'a/./b', '..', 'a/..'].map(key => [key, "have no '.' or '..' segment"] satisfies [string, string]),
  ])('says of %j that it must %s', (key, must) => {
    expect(keyProblem(key)).toBe(must)
  })
})
