/** Label matchers as Prometheus has them: a label that is missing is the empty text, and regular expressions are RE2's, anchored. */
import { RE2JS } from 're2js'
import { BlockgateError, ErrorCode, rawMessageOf } from '../contracts/errors.ts'

export type MatcherType = '=' | '!=' | '=~' | '!~'

/** As it was asked. */
export interface LabelMatcher {
  readonly type: MatcherType
  readonly name: string
  readonly value: string
}

/** A matcher that is ready to be asked. */
export interface Matcher extends LabelMatcher {
  /** The only values that it selects, where it says so itself: `a` of `="a"`, `a` and `b` of `=~"a|b"`. Undefined for `!=` and `!~`. */
  readonly values: ReadonlySet<string> | undefined
  /** Every value that it selects begins so; '' where that is not known. */
  readonly prefix: string
  matches(value: string): boolean
}

/** No text that a person writes is longer. */
const MAX_PATTERN = 64 * 1024
/** Values that are looked up one by one rather than by going over all. */
const MAX_VALUES = 10_000

/** Patterns that were asked last: a dashboard asks for the same ones every minute, and compiling one takes milliseconds. */
const KEPT_PATTERNS = 32
/**
 * A longer pattern is not kept. A usual one takes 50 kB compiled; `(a|bc[x-z]){1000}` takes 1 MB, and the states that re2js 2.10 keeps of
 * one such as `.*a.{20}x.*b.{20}` grow to 7 MB: so few are kept.
 */
const MAX_KEPT = 1024
const kept = new Map<string, Pattern>()

/** @throws BlockgateError `invalid-query` where the pattern is none */
export function matcher({ type, name, value }: LabelMatcher): Matcher {
  const base = { type, name, value, prefix: '' }
  if (type === '=') return { ...base, values: new Set([value]), prefix: value, matches: other => other === value }
  if (type === '!=') return { ...base, values: undefined, matches: other => other !== value }
  const { values, prefix, matches } = known(value, `${name}${type}${JSON.stringify(value)}`)
  if (type === '=~') return { ...base, values, prefix, matches }
  return { ...base, values: undefined, matches: other => !matches(other) }
}

/** `{name="value", …}`, for messages. */
export function matcherText(matchers: readonly LabelMatcher[]): string {
  return `{${matchers.map(({ name, type, value }) => `${name}${type}${JSON.stringify(value)}`).join(', ')}}`
}

type Pattern = Pick<Matcher, 'values' | 'prefix' | 'matches'>

/** A pattern holds no state: all who ask for it have the same one. */
function known(text: string, what: string): Pattern {
  const found = kept.get(text) ?? pattern(text, what)
  if (text.length > MAX_KEPT) return found
  // The one that was used last is last.
  kept.delete(text)
  kept.set(text, found)
  if (kept.size > KEPT_PATTERNS) kept.delete(kept.keys().next().value as string)
  return found
}

function pattern(text: string, what: string): Pattern {
  if (text.length > MAX_PATTERN) throw invalid(what, `have <= ${MAX_PATTERN} characters`)
  const literals = alternatives(text)
  if (literals) {
    const values = new Set(literals)
    return { values, prefix: values.size === 1 ? (literals[0] as string) : '', matches: value => values.has(value) }
  }
  // A dot is any character here but a line feed, as in Prometheus 2; 3 has it match that, too.
  if (text === '.*') return { values: undefined, prefix: '', matches: value => !value.includes('\n') }
  if (text === '.+') return { values: undefined, prefix: '', matches: value => value !== '' && !value.includes('\n') }
  const [, prefix = '', tail] = /^([A-Za-z0-9_:/\- ]*)(\.[*+])?$/.exec(text) ?? []
  if (tail && prefix !== '') {
    const least = prefix.length + (tail === '.+' ? 1 : 0)
    const matches = (value: string) => value.startsWith(prefix) && value.length >= least && !value.includes('\n')
    return { values: undefined, prefix, matches }
  }
  const compiled = compile(text, what)
  const start = /^[A-Za-z0-9_:/\- ]+/.exec(text)?.[0] ?? ''
  // The last character of the start may be repeated or left out, and an alternative begins anew.
  const known = text.includes('|') ? '' : start.slice(0, /^[*?{]/.test(text.slice(start.length)) ? -1 : undefined)
  return { values: undefined, prefix: known, matches: value => compiled.matches(value) }
}

function compile(text: string, what: string): RE2JS {
  try {
    return RE2JS.compile(`^(?:${text})$`)
  } catch (error) {
    throw invalid(what, `be a regular expression of RE2: ${rawMessageOf(error)}`)
  }
}

/** The texts of `a|b|c`, also with one group around or behind a text; undefined for any other pattern. */
function alternatives(text: string): readonly string[] | undefined {
  if (/^[A-Za-z0-9_:/\- |]*$/.test(text)) return limited(text.split('|'))
  const [whole, before = '', inner = '', behind = ''] = /^([\w:/\- ]*)\(([\w:/\- |]*)\)([\w:/\- ]*)$/.exec(text) ?? []
  return whole === undefined ? undefined : limited(inner.split('|').map(part => before + part + behind))
}

function limited(values: readonly string[]): readonly string[] | undefined {
  return values.length <= MAX_VALUES ? values : undefined
}

function invalid(what: string, must: string): BlockgateError {
  return new BlockgateError(ErrorCode.invalidQuery, `${what} must ${must}`)
}
