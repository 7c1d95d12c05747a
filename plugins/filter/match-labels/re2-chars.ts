/** Sets of characters: each a test of one code point. */

export type CharTest = (code: number) => boolean

type Ranges = readonly (readonly [from: number, to: number])[]

const digit: Ranges = [[0x30, 0x39]]
const upper: Ranges = [[0x41, 0x5a]]
const lower: Ranges = [[0x61, 0x7a]]
const blank: Ranges = [
  [9, 9],
  [0x20, 0x20],
]
const word: Ranges = [...digit, ...upper, ...lower, [0x5f, 0x5f]]
// RE2's \s has no vertical tab, unlike [:space:].
const perlSpace: Ranges = [...blank, [10, 10], [12, 13]]

const PERL: Readonly<Record<string, Ranges>> = { d: digit, s: perlSpace, w: word }

const POSIX: Readonly<Record<string, Ranges>> = {
  alnum: [...digit, ...upper, ...lower],
  alpha: [...upper, ...lower],
  ascii: [[0, 0x7f]],
  blank,
  cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  digit,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [9, 13],
    [0x20, 0x20],
  ],
  upper,
  word,
  xdigit: [...digit, [0x41, 0x46], [0x61, 0x66]],
}

/** The code points from `from` to `to`; with `fold`, whatever their case. */
export function range(from: number, to: number, fold: boolean): CharTest {
  if (!fold) return code => code >= from && code <= to
  return byJs(`[\\u{${from.toString(16)}}-\\u{${to.toString(16)}}]`, true)
}

/** `\d`, `\s`, `\w` and their opposites: ASCII, as in RE2. */
export function perlClass(letter: string, fold: boolean): CharTest {
  const inside = anyOf(PERL[letter.toLowerCase()] ?? [], fold)
  return letter === letter.toLowerCase() ? inside : code => !inside(code)
}

/** `[:alpha:]` and its kin; undefined for an unknown name. */
export function posixClass(name: string, negated: boolean, fold: boolean): CharTest | undefined {
  if (!Object.hasOwn(POSIX, name)) return undefined
  const inside = anyOf(POSIX[name] ?? [], fold)
  return code => inside(code) !== negated
}

/** `\p{Lu}` (a general category) or `\p{Greek}` (a script); undefined for an unknown name. */
export function unicodeClass(name: string, negated: boolean, fold: boolean): CharTest | undefined {
  if (name === 'Any') return () => !negated
  for (const property of ['General_Category', 'Script']) {
    try {
      const inside = byJs(`\\p{${property}=${name}}`, fold)
      return code => inside(code) !== negated
    } catch (error) {
      // A SyntaxError is how the runtime says that it has no such class.
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return undefined
}

function anyOf(ranges: Ranges, fold: boolean): CharTest {
  const tests = ranges.map(([from, to]) => range(from, to, fold))
  return code => tests.some(test => test(code))
}

/** A test by the runtime's own tables. The expression takes one character, so it cannot run away. */
function byJs(source: string, fold: boolean): CharTest {
  const expression = new RegExp(`^${source}$`, fold ? 'iu' : 'u')
  return code => expression.test(String.fromCodePoint(code))
}
