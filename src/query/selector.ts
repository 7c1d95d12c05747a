/** Series selectors of PromQL, as `match[]` has them: `up`, `{job="api"}`, `up{job=~"a.*",zone!=""}`. */
import { BlockgateError, ErrorCode } from '../contracts/errors.ts'
import type { LabelMatcher, MatcherType } from './matchers.ts'
import { matcher } from './matchers.ts'

const NAME = /[A-Za-z_:][A-Za-z0-9_:]*/y
const SPACE = /\s*/y
const TYPE = /=~|!~|!=|=/y
const TEXT = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y
const ESCAPE = /\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))|\\/g
const PLAIN: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** @throws BlockgateError `invalid-query` that shows where it is none; also where every matcher selects the empty text */
export function parseSelector(text: string): readonly LabelMatcher[] {
  let at = 0
  const bad = (what: string) =>
    new BlockgateError(ErrorCode.invalidQuery, `${JSON.stringify(text)}, character ${at + 1}: ${what}`)
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const [found] = pattern.exec(text) ?? []
    at += found?.length ?? 0
    return found
  }
  const token = (pattern: RegExp) => {
    take(SPACE)
    return take(pattern)
  }
  const matchers: LabelMatcher[] = []
  const metric = token(NAME)
  if (metric !== undefined) matchers.push({ type: '=', name: '__name__', value: metric })
  if (token(/\{/y) !== undefined) {
    while (token(/\}/y) === undefined) {
      const name = token(NAME)
      if (name === undefined || name.includes(':')) throw bad('a label name or } must stand here')
      const type = token(TYPE) as MatcherType | undefined
      if (type === undefined) throw bad('=, !=, =~ or !~ must stand here')
      const quoted = token(TEXT)
      if (quoted === undefined) throw bad('a quoted text must stand here')
      matchers.push({ type, name, value: unquoted(quoted, bad) })
      if (token(/,/y) === undefined && !/\s*\}/y.test(text.slice(at))) throw bad(', or } must stand here')
    }
  } else if (metric === undefined) throw bad('a metric name or { must stand here')
  take(SPACE)
  if (at < text.length) throw bad('the selector must end here')
  if (matchers.every(each => matcher(each).matches(''))) {
    throw bad('at least one matcher must not match the empty text')
  }
  return matchers
}

function unquoted(quoted: string, bad: (what: string) => BlockgateError): string {
  const inner = quoted.slice(1, -1)
  if (quoted.startsWith('`')) return inner
  return inner.replace(ESCAPE, (whole, plain?: string, ...codes: (string | undefined)[]) => {
    if (plain !== undefined) return PLAIN[plain] ?? plain
    const [hex, short, long, octal] = codes
    const code = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8)
    if (whole === '\\' || !(code <= 0x10ffff)) throw bad('an escape must be one of Go')
    return String.fromCodePoint(code)
  })
}
