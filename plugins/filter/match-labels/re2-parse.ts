/** Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax) into a tree; what RE2 refuses is refused. */
import { BlockgateError, ErrorCode } from 'blockgate'
import { type CharTest, perlClass, posixClass, range, unicodeClass } from './re2-chars.ts'

export type Assertion = 'start' | 'end' | 'line-start' | 'line-end' | 'word' | 'not-word'

export type Node =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'all'; readonly items: readonly Node[] }
  | { readonly kind: 'any'; readonly items: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number }

interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
}

/** RE2's own limits: the largest count of repetitions, and how deep groups may stand in each other. */
const MAX_COUNT = 1000
const MAX_DEPTH = 1000

const ESCAPES: Readonly<Record<string, number>> = { a: 7, t: 9, n: 10, v: 11, f: 12, r: 13 }
const ASSERTIONS: Readonly<Record<string, Assertion>> = { A: 'start', z: 'end', b: 'word', B: 'not-word' }

/**
 * The tree of `pattern`, in which `.` matches newlines from the start, as in Prometheus.
 * @throws BlockgateError `unsupported` where it is no RE2 expression
 */
export function parse(pattern: string): Node {
  const chars = Array.from(pattern)
  let at = 0
  let depth = 0
  let flags: Flags = { i: false, m: false, s: true }

  const rest = (): string => chars.slice(at).join('')
  const refuse = (why: string): never => {
    throw new BlockgateError(ErrorCode.unsupported, `${why} at character ${at} of ${JSON.stringify(pattern)}`)
  }
  /** Moves behind `text` where it stands next. */
  const take = (text: string): boolean => {
    for (let i = 0; i < text.length; i++) if (chars[at + i] !== text[i]) return false
    at += text.length
    return true
  }
  /** The match of a sticky expression, read over ASCII syntax only, or undefined. */
  const read = (syntax: RegExp): RegExpExecArray | undefined => {
    const match = syntax.exec(chars.slice(at, at + 64).join('')) ?? undefined
    if (match) at += Array.from(match[0]).length
    return match
  }

  function alternatives(): Node {
    if (++depth > MAX_DEPTH) refuse('groups too deep')
    const items = [sequence()]
    while (take('|')) items.push(sequence())
    depth--
    return { kind: 'any', items }
  }

  function sequence(): Node {
    const items: Node[] = []
    while (at < chars.length && chars[at] !== '|' && chars[at] !== ')') {
      if (take('\\Q')) items.push(...quoted())
      else {
        const item = atom()
        if (item) items.push(repeated(item))
      }
    }
    return { kind: 'all', items }
  }

  function quoted(): Node[] {
    const end = rest().indexOf('\\E')
    const text = end < 0 ? rest() : rest().slice(0, end)
    at += Array.from(text).length + (end < 0 ? 0 : 2)
    const items = Array.from(text, literal)
    const last = items.pop()
    return last ? [...items, repeated(last)] : []
  }

  function repeated(item: Node): Node {
    const count = repetition()
    if (!count) return item
    take('?')
    if (repetition()) refuse('a repetition of a repetition')
    const node: Node = { kind: 'repeat', item, ...count }
    if (!fits(node, MAX_COUNT)) refuse('too many repetitions in each other')
    return node
  }

  function repetition(): { min: number; max: number } | undefined {
    if (take('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (take('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (take('?')) return { min: 0, max: 1 }
    const match = chars[at] === '{' ? read(/^\{(\d{1,20})(,(\d{0,20}))?\}/) : undefined
    if (!match) return undefined
    const min = Number(match[1])
    const max = match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (min > max || min > MAX_COUNT || (max !== Number.POSITIVE_INFINITY && max > MAX_COUNT)) refuse('a bad count')
    return { min, max }
  }

  function atom(): Node | undefined {
    if (take('(')) return group()
    if (take('[')) return { kind: 'char', test: charClass() }
    if (take('.')) return { kind: 'char', test: flags.s ? () => true : code => code !== 10 }
    if (take('^')) return { kind: 'assert', what: flags.m ? 'line-start' : 'start' }
    if (take('$')) return { kind: 'assert', what: flags.m ? 'line-end' : 'end' }
    if (chars[at] === '\\') {
      const assertion = ASSERTIONS[chars[at + 1] ?? '']
      if (assertion) {
        at += 2
        return { kind: 'assert', what: assertion }
      }
      return { kind: 'char', test: charSet() ?? single(escaped()) }
    }
    if (repetition()) refuse('a repetition of nothing')
    return literal(chars[at++] ?? '')
  }

  /** Behind `(`. Undefined for `(?i)`, which stands for nothing. */
  function group(): Node | undefined {
    const outside = flags
    if (take('?')) {
      const named = read(/^P?<([A-Za-z0-9_]+)>/)
      const set = named ? undefined : (read(/^([imsU]*)(?:-([imsU]+))?([:)])/) ?? refuse('an unknown kind of group'))
      if (set) {
        flags = changed(flags, set[1] ?? '', set[2] ?? '')
        if (set[3] === ')') return undefined
      }
    }
    const inside = alternatives()
    if (!take(')')) refuse('a group without an end')
    flags = outside
    return inside
  }

  /** Behind `[`. */
  function charClass(): CharTest {
    const negated = take('^')
    const tests: CharTest[] = []
    for (let first = true; first || !take(']'); first = false) {
      if (at >= chars.length) refuse('a class without an end')
      const posix = read(/^\[:(\^?)([a-z]+):\]/)
      const test = posix
        ? (posixClass(posix[2] ?? '', posix[1] === '^', flags.i) ?? refuse('an unknown class'))
        : (charSet() ?? classRange())
      tests.push(test)
    }
    return code => tests.some(test => test(code)) !== negated
  }

  function classRange(): CharTest {
    const from = classChar()
    if (chars[at] !== '-' || chars[at + 1] === ']') return single(from)
    at++
    const to = classChar()
    if (to < from) refuse('a range that goes down')
    return range(from, to, flags.i)
  }

  function classChar(): number {
    if (at >= chars.length) refuse('a class without an end')
    return chars[at] === '\\' ? escaped() : (chars[at++]?.codePointAt(0) ?? 0)
  }

  /** `\d`, `\pL`, `\p{Greek}` and their kin; undefined where none stands next. */
  function charSet(): CharTest | undefined {
    const perl = read(/^\\([dDsSwW])/)
    if (perl) return perlClass(perl[1] ?? '', flags.i)
    const unicode = read(/^\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/)
    if (!unicode) return undefined
    const negated = (unicode[1] === 'P') !== (unicode[2] === '^')
    return unicodeClass(unicode[3] ?? unicode[4] ?? '', negated, flags.i) ?? refuse('an unknown class')
  }

  /** The code point of an escape, `\` next. A number alone would be a backreference, which RE2 has not. */
  function escaped(): number {
    const octal = read(/^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/)
    if (octal) return Number.parseInt(octal[1] ?? '', 8)
    const hex = read(/^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/)
    if (hex) {
      const code = Number.parseInt(hex[1] ?? hex[2] ?? '', 16)
      return code <= 0x10ffff ? code : refuse('a character past U+10FFFF')
    }
    const letter = chars[at + 1] ?? ''
    const code = ESCAPES[letter] ?? (/^[!-/:-@[-`{-~ ]$/.test(letter) ? letter.codePointAt(0) : undefined)
    if (code === undefined) return refuse('an unknown escape')
    at += 2
    return code
  }

  function literal(char: string): Node {
    return { kind: 'char', test: single(char.codePointAt(0) ?? 0) }
  }

  function single(code: number): CharTest {
    return range(code, code, flags.i)
  }

  const tree = alternatives()
  if (at < chars.length) refuse('a ) without its group')
  return tree
}

/** RE2's rule: the counts of repetitions that stand in each other multiply to `left` at most. */
function fits(node: Node, left: number): boolean {
  if (node.kind === 'all' || node.kind === 'any') return node.items.every(item => fits(item, left))
  if (node.kind !== 'repeat') return true
  const count = node.max === Number.POSITIVE_INFINITY ? node.min : node.max
  return count <= left && fits(node.item, count > 0 ? Math.floor(left / count) : left)
}

function changed(flags: Flags, on: string, off: string): Flags {
  const flag = (name: keyof Flags): boolean => (off.includes(name) ? false : on.includes(name) || flags[name])
  return { i: flag('i'), m: flag('m'), s: flag('s') }
}
